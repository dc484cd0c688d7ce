import { type ProtoReader, WireType } from './reader.ts';
import type { ProtoWriter } from './writer.ts';

/** What the JSON mapping needs to know of a field's type. */
export type FieldKind =
  | { readonly kind: 'bytes' | 'string' | 'bool' | 'int64' | 'uint64' | 'int32' | 'uint32' }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly values: readonly string[];
      readonly open: boolean;
    }
  | { readonly kind: 'message'; readonly type: () => MessageShape };

/** A message type, as far as a field that holds one needs it. */
export interface MessageShape<T = unknown> {
  readonly name: string;
  /** Reads the fields of a message into a new object; the reader ends where the message does. */
  readonly read: (reader: ProtoReader) => T;
  /** Writes the fields, last first. */
  readonly write: (writer: ProtoWriter, value: T) => void;
  readonly fields: readonly NamedField[];
}

/** A field of a message: how its value looks on the wire and in an object. */
export interface Field<T> {
  readonly number: number;
  /** How one value is written; a list of numbers may also come packed. */
  readonly wireType: 0 | 2;
  readonly repeated: boolean;
  /** Told apart from absent also where the value is zero: members of a oneof. */
  readonly oneof: string | undefined;
  /** Name in the .proto file, where it does not follow from the property's. */
  readonly protoName: string | undefined;
  readonly type: FieldKind;
  /** The value of a field that is not there; a new one each time for lists. */
  readonly initial: T;
  /** Reads one value. */
  readonly readOne: (reader: ProtoReader) => unknown;
  /** Writes one value without its tag. */
  readonly writeOne: (writer: ProtoWriter, value: never) => void;
  /** Whether a value is the type's zero, which is not written. */
  readonly isZero: (value: never) => boolean;
}

/** A field with the name of its property and of the .proto file. */
export interface NamedField extends Field<unknown> {
  readonly property: string;
  readonly jsonName: string;
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function scalar<T>(
  number: number,
  wireType: 0 | 2,
  type: FieldKind,
  initial: T,
  readOne: (reader: ProtoReader) => T,
  writeOne: (writer: ProtoWriter, value: T) => void,
  isZero: (value: T) => boolean,
): Field<T> {
  return {
    number,
    wireType,
    repeated: false,
    oneof: undefined,
    protoName: undefined,
    type,
    initial,
    readOne,
    writeOne,
    isZero,
  };
}

export function bytes(number: number): Field<Uint8Array> {
  return scalar(
    number,
    WireType.bytes,
    { kind: 'bytes' },
    NO_BYTES,
    (reader) => reader.bytes(),
    (writer, value) => writer.bytes(value),
    (value) => value.length === 0,
  );
}

export function string(number: number): Field<string> {
  return scalar(
    number,
    WireType.bytes,
    { kind: 'string' },
    '',
    (reader) => reader.string(),
    (writer, value) => writer.string(value),
    (value) => value === '',
  );
}

export function bool(number: number): Field<boolean> {
  return scalar(
    number,
    WireType.varint,
    { kind: 'bool' },
    false,
    (reader) => reader.bool(),
    (writer, value) => writer.varint(value ? 1 : 0),
    (value) => !value,
  );
}

function integer64(number: number, kind: 'int64' | 'uint64'): Field<bigint> {
  return scalar(
    number,
    WireType.varint,
    { kind },
    0n,
    kind === 'int64' ? (reader) => reader.int64() : (reader) => reader.uint64(),
    (writer, value) => writer.varint64(value),
    (value) => value === 0n,
  );
}

export function int64(number: number): Field<bigint> {
  return integer64(number, 'int64');
}

export function uint64(number: number): Field<bigint> {
  return integer64(number, 'uint64');
}

export function uint32(number: number): Field<number> {
  return scalar(
    number,
    WireType.varint,
    { kind: 'uint32' },
    0,
    (reader) => reader.uint32(),
    (writer, value) => writer.varint(value),
    (value) => value === 0,
  );
}

/** An enum whose values are `values` by number. A number that has no name reads as the first value. */
export function enumeration<T extends string>(number: number, name: string, values: readonly T[]): Field<T> {
  const numbers = new Map<T, number>(values.map((value, i) => [value, i]));
  return scalar<T>(
    number,
    WireType.varint,
    { kind: 'enum', name, values, open: false },
    values[0]!,
    (reader) => values[reader.int32()] ?? values[0]!,
    (writer, value) => writer.varint(numbers.get(value) ?? 0),
    (value) => value === values[0],
  );
}

/** The same for where it matters what somebody sends who knows more: a number that has no name stays that number. */
export function openEnumeration<T extends string>(
  number: number,
  name: string,
  values: readonly T[],
): Field<T | number> {
  const numbers = new Map<T | number, number>(values.map((value, i) => [value, i]));
  return scalar<T | number>(
    number,
    WireType.varint,
    { kind: 'enum', name, values, open: true },
    values[0]!,
    (reader) => {
      const value = reader.int32();
      return values[value] ?? value;
    },
    (writer, value) => writer.varint64(BigInt(numbers.get(value) ?? (value as number))),
    (value) => value === values[0],
  );
}

/** A nested message; undefined where it is absent. `type` is a function, so that messages may contain each other. */
export function message<T>(number: number, type: () => MessageShape<T>): Field<T | undefined> {
  return scalar<T | undefined>(
    number,
    WireType.bytes,
    { kind: 'message', type: type as () => MessageShape },
    undefined,
    (reader) => {
      const outer = reader.enter();
      const value = type().read(reader);
      reader.leave(outer);
      return value;
    },
    (writer, value) => {
      const before = writer.length;
      type().write(writer, value as T);
      writer.varint(writer.length - before);
    },
    (value) => value === undefined,
  );
}

/** A list of what `field` is one of. */
export function repeated<T>(field: Field<T>): Field<readonly Exclude<T, undefined>[]> {
  return { ...field, repeated: true, initial: [] } as unknown as Field<readonly Exclude<T, undefined>[]>;
}

/** A member of the oneof `group`: undefined where another is set, or none. */
export function oneof<T>(group: string, field: Field<T>): Field<T | undefined> {
  return { ...field, oneof: group, initial: undefined, isZero: () => false } as unknown as Field<
    T | undefined
  >;
}

/** The field with another name than its property's in snake case. */
export function named<T>(protoName: string, field: Field<T>): Field<T> {
  return { ...field, protoName };
}
