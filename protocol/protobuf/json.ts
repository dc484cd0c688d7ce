import type { FieldKind, MessageShape, NamedField } from './field.ts';

/**
 * proto3's JSON mapping as grpc-gateway writes it: fields by their names in the .proto file, 64-bit integers as decimal
 * strings, bytes in base64, enums by name, fields that are zero or empty left out. It reads JSON names in camel case and
 * plain numbers too, and passes over fields that it does not know.
 */

export type JsonObject = { readonly [name: string]: unknown };

/** JSON that is no message of its type; the text says why, in the words of Go's jsonpb where it has some. */
export class JsonMappingError extends Error {
  override readonly name = 'JsonMappingError';
}

/** A message as an object for JSON.stringify. */
export function toJson<T>(type: MessageShape<T>, value: T): JsonObject {
  const json: Record<string, unknown> = {};
  const source = value as Readonly<Record<string, unknown>>;
  for (const field of type.fields) {
    const part = source[field.property];
    if (part === undefined) continue;
    if (field.repeated) {
      const items = part as readonly unknown[];
      if (items.length > 0) json[field.jsonName] = items.map((item) => valueToJson(field.type, item));
    } else if (!field.isZero(part as never)) json[field.jsonName] = valueToJson(field.type, part);
  }
  return json;
}

function valueToJson(type: FieldKind, value: unknown): unknown {
  switch (type.kind) {
    case 'bytes':
      return (value as Uint8Array).toBase64();
    case 'int64':
      return (value as bigint).toString();
    case 'uint64':
      return BigInt.asUintN(64, value as bigint).toString();
    case 'message':
      return toJson(type.type(), value);
    default:
      return value;
  }
}

/** The message in a parsed JSON object. @throws JsonMappingError. */
export function fromJson<T>(type: MessageShape<T>, json: unknown): T {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new JsonMappingError('expected a JSON object');
  }
  const message: Record<string, unknown> = {};
  for (const field of type.fields) {
    const value = propertyOf(json as JsonObject, field);
    if (value === undefined || value === null) message[field.property] = field.repeated ? [] : field.initial;
    else if (!field.repeated) message[field.property] = valueFromJson(field.type, value);
    else {
      if (!Array.isArray(value)) throw new JsonMappingError('expected a JSON list');
      message[field.property] = value.map((item) => valueFromJson(field.type, item));
    }
  }
  return message as T;
}

function propertyOf(json: JsonObject, { jsonName, property }: NamedField): unknown {
  return json[jsonName] ?? json[property];
}

function valueFromJson(type: FieldKind, value: unknown): unknown {
  switch (type.kind) {
    case 'bytes':
      return bytesFrom(value);
    case 'string':
      if (typeof value !== 'string') throw new JsonMappingError(`expected text, got ${shown(value)}`);
      return value;
    case 'bool':
      if (typeof value !== 'boolean') {
        throw new JsonMappingError(`expected true or false, got ${shown(value)}`);
      }
      return value;
    case 'int64':
      return integerFrom(value, BigInt.asIntN, 64);
    case 'uint64':
      return integerFrom(value, BigInt.asUintN, 64);
    case 'int32':
      return Number(integerFrom(value, BigInt.asIntN, 32));
    case 'uint32':
      return Number(integerFrom(value, BigInt.asUintN, 32));
    case 'enum':
      return enumFrom(type, value);
    case 'message':
      return fromJson(type.type(), value);
  }
}

function shown(value: unknown): string {
  // JSON has no word for what 1e999 is to JavaScript.
  return typeof value === 'bigint' || typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function bytesFrom(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw new JsonMappingError('expected base64 text for a bytes field');
  const fault = value.search(/[^A-Za-z0-9+/_=-]/);
  if (fault >= 0) throw new JsonMappingError(`illegal base64 data at input byte ${fault}`);
  const plain = value.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  try {
    return Uint8Array.fromBase64(plain);
  } catch {
    throw new JsonMappingError(`illegal base64 data at input byte ${value.length}`);
  }
}

/** As many digits as 64 bits take: to read a million of them for nothing would take long. */
const INTEGER = /^-?\d{1,20}$/;

/** An integer that `wrap`, which cuts it to so many bits, leaves as it is. */
function integerFrom(value: unknown, wrap: (bits: number, value: bigint) => bigint, bits: number): bigint {
  const integer = integerOf(value);
  if (integer !== undefined && wrap(bits, integer) === integer) return integer;
  throw new JsonMappingError(`expected a ${bits}-bit integer, got ${shown(value)}`);
}

function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'string' && INTEGER.test(value)) return BigInt(value);
  return undefined;
}

function enumFrom(
  { name, values, open }: FieldKind & { readonly kind: 'enum' },
  value: unknown,
): string | number {
  // Whatever is kept of a number has to fit into the field that it came for.
  if (typeof value === 'number' && (value | 0) === value) {
    return values[value] ?? (open ? value : values[0]!);
  }
  if (typeof value === 'string' && values.includes(value)) return value;
  throw new JsonMappingError(`unknown value ${shown(value)} for enum ${name}`);
}

/**
 * Parses a message's JSON text; an empty one is an empty message. Integers beyond 2^53 stay exact.
 * @throws JsonMappingError where it is no JSON.
 */
export function parseJson(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text, exactIntegers);
  } catch (error) {
    throw new JsonMappingError(parseFault(text, (error as Error).message));
  }
}

function exactIntegers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return INTEGER.test(context?.source ?? '') ? BigInt(context!.source!) : value;
}

/** What is wrong with a text that is no JSON: Go's words where it just ends, else JSON.parse's. */
function parseFault(text: string, message: string): string {
  const at = /at position (\d+)/.exec(message)?.[1];
  const ended =
    at === undefined ? message.includes('end of JSON input') : Number(at) >= text.trimEnd().length;
  return ended ? 'unexpected EOF' : message;
}
