import type { Field, MessageShape, NamedField } from './field.ts';
import { ProtoReader, WireType } from './reader.ts';
import { ProtoWriter } from './writer.ts';

/** A field for every property of `T`, of the property's type. */
export type FieldsOf<T> = { readonly [K in keyof T]-?: Field<T[K]> };

type Target = Record<string, unknown>;
type ReadField = (target: Target, reader: ProtoReader) => void;

/** A message type: its descriptor, and what follows from it. */
export interface MessageType<T> extends MessageShape<T> {
  /** The message's bytes, fields in order of their numbers, zeros left out; `headroom` zero bytes before them. */
  encode(value: T, headroom?: number): Uint8Array;
  /**
   * The message in `bytes`. Fields that are absent have their type's zero, unknown ones are skipped.
   * @throws DecodeError where the bytes end early or a known field has another wire type.
   */
  decode(bytes: Uint8Array): T;
  /** The same, but bytes in it are parts of `bytes`: for what is looked at and not kept. */
  view(bytes: Uint8Array): T;
}

const NO_ITEMS: readonly unknown[] = [];

/** All messages are written through one buffer: nothing in between writes another. */
const shared = new ProtoWriter(64 * 1024);

/** Defines a message (proto3) by its full name and its fields. */
export function defineMessage<T extends object>(name: string, fields: FieldsOf<T>): MessageType<T> {
  const named = nameFields(fields as unknown as Record<string, Field<unknown>>);
  const template: Target = {};
  for (const field of named) template[field.property] = field.repeated ? NO_ITEMS : field.initial;
  const readers = readersOf(named);
  const numbers = new Set(named.map(({ number }) => number));

  const read = (reader: ProtoReader): T => {
    const target = { ...template };
    while (!reader.atEnd) {
      const tag = reader.uint32();
      const readField = readers[tag];
      if (readField !== undefined) readField(target, reader);
      else skipField(reader, tag, numbers);
    }
    return target as T;
  };
  const write = writerOf(named) as MessageType<T>['write'];
  return {
    name,
    fields: named,
    read,
    write,
    encode: (value, headroom) => {
      shared.reset();
      write(shared, value);
      return shared.finish(headroom);
    },
    decode: (bytes) => read(new ProtoReader(name, bytes)),
    view: (bytes) => read(new ProtoReader(name, bytes, true)),
  };
}

function nameFields(fields: Readonly<Record<string, Field<unknown>>>): NamedField[] {
  return Object.entries(fields)
    .map(([property, field]) => ({ ...field, property, jsonName: field.protoName ?? toSnakeCase(property) }))
    .sort((a, b) => a.number - b.number);
}

function toSnakeCase(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function skipField(reader: ProtoReader, tag: number, known: ReadonlySet<number>): void {
  const number = tag >>> 3;
  if (number === 0) reader.fail('a field number above 0');
  if (known.has(number)) reader.fail(`another wire type than ${tag & 7} for field ${number}`);
  reader.skip(tag & 7);
}

/** How to read each field, by its tag. */
function readersOf(fields: readonly NamedField[]): readonly (ReadField | undefined)[] {
  const readers: (ReadField | undefined)[] = [];
  for (const field of fields) {
    const tag = field.number * 8;
    if (!field.repeated) readers[tag + field.wireType] = readSingle(field, fields);
    else readers[tag + field.wireType] = readItem(field);
    if (field.repeated && field.wireType === WireType.varint)
      readers[tag + WireType.bytes] = readPacked(field);
  }
  return readers;
}

function readSingle(field: NamedField, fields: readonly NamedField[]): ReadField {
  const { property, readOne, oneof } = field;
  if (oneof === undefined) {
    return (target, reader) => {
      target[property] = readOne(reader);
    };
  }
  const others = fields.filter((other) => other.oneof === oneof).map((other) => other.property);
  return (target, reader) => {
    const value = readOne(reader);
    // The last member on the wire is the one that is set.
    for (const other of others) target[other] = undefined;
    target[property] = value;
  };
}

function readItem({ property, readOne }: NamedField): ReadField {
  return (target, reader) => {
    const items = target[property] as unknown[];
    if (items === NO_ITEMS) target[property] = [readOne(reader)];
    else items.push(readOne(reader));
  };
}

function readPacked({ property, readOne }: NamedField): ReadField {
  return (target, reader) => {
    const items = [...(target[property] as readonly unknown[])];
    const outer = reader.enter();
    while (!reader.atEnd) items.push(readOne(reader));
    reader.leave(outer);
    target[property] = items;
  };
}

type WriteField = (writer: ProtoWriter, value: never) => void;

function writerOf(fields: readonly NamedField[]): (writer: ProtoWriter, value: Target) => void {
  const properties = fields.map(({ property }) => property);
  const writers = fields.map(writeField);
  return (writer, value) => {
    for (let i = properties.length - 1; i >= 0; i--) {
      const part = value[properties[i]!];
      if (part !== undefined) writers[i]!(writer, part as never);
    }
  };
}

function writeField(field: NamedField): WriteField {
  const { number, wireType, writeOne, isZero } = field;
  const tag = number * 8 + wireType;
  if (!field.repeated) {
    return (writer, value) => {
      if (isZero(value)) return;
      writeOne(writer, value);
      writer.varint(tag);
    };
  }
  if (wireType === WireType.varint) return writePacked(field);
  return (writer, items: readonly never[]) => {
    for (let i = items.length - 1; i >= 0; i--) {
      writeOne(writer, items[i]!);
      writer.varint(tag);
    }
  };
}

function writePacked({ number, writeOne }: NamedField): WriteField {
  return (writer, items: readonly never[]) => {
    if (items.length === 0) return;
    const before = writer.length;
    for (let i = items.length - 1; i >= 0; i--) writeOne(writer, items[i]!);
    writer.varint(writer.length - before);
    writer.varint(number * 8 + WireType.bytes);
  };
}
