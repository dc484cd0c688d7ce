import { INVALID_ARGUMENT } from '../../protocol/etcd/errors.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';

/**
 * How etcd's JSON gateway writes protobuf values (proto3 JSON with the names of the .proto file): bytes in base64,
 * 64-bit integers as decimal strings, enums by name, fields that are zero or empty left out. It reads numbers and
 * camel case too.
 */

export type JsonObject = { readonly [name: string]: unknown };

function invalid(text: string): EtcdError {
  return new EtcdError(INVALID_ARGUMENT, text);
}

/**
 * Parses a message's JSON text; an empty one is an empty message. Integers beyond 2^53 stay exact.
 * @throws EtcdError 3 on anything but a JSON object.
 */
export function parseJson(text: string): JsonObject {
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text, exactIntegers);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  return asObject(value);
}

function exactIntegers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return /^-?\d+$/.test(context?.source ?? '') ? BigInt(context!.source!) : value;
}

/** @throws EtcdError 3 where it is not an object. */
export function asObject(value: unknown): JsonObject {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid('expected a JSON object');
  return value as JsonObject;
}

/** The field by its name in the .proto file, or in camel case. */
export function field(object: JsonObject, name: string): unknown {
  return object[name] ?? object[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
}

/** @throws EtcdError 3 where it is not base64. */
export function toBytes(value: unknown): Uint8Array {
  if (value === null || value === undefined) return new Uint8Array(0);
  if (typeof value !== 'string') throw invalid('expected base64 text for a bytes field');
  const fault = value.search(/[^A-Za-z0-9+/_=-]/);
  if (fault >= 0) throw invalid(`illegal base64 data at input byte ${fault}`);
  return Uint8Array.from(Buffer.from(value, 'base64'));
}

/** @throws EtcdError 3 where it is not an integer. */
export function toInt64(value: unknown): bigint {
  if (value === null || value === undefined) return 0n;
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
  throw invalid(`expected a 64-bit integer, got ${JSON.stringify(value)}`);
}

/** @throws EtcdError 3 where it is not true or false. */
export function toBool(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value !== 'boolean') throw invalid(`expected true or false, got ${JSON.stringify(value)}`);
  return value;
}

/** An enum by name or number; a number that nobody knows is the first name, as etcd 3.4 treats it. @throws EtcdError 3. */
export function toEnum<T extends string>(value: unknown, names: readonly T[], type: string): T {
  if (value === null || value === undefined) return names[0]!;
  if (typeof value === 'number') return names[value] ?? names[0]!;
  const known = names.find((name) => name === value);
  if (known === undefined)
    throw invalid(`unknown value ${JSON.stringify(value)} for enum etcdserverpb.${type}`);
  return known;
}

/** @throws EtcdError 3 where it is not a list. */
export function toList(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw invalid('expected a JSON list');
  return value;
}

export function fromBytes(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

export function fromInt64(value: bigint | undefined): string | undefined {
  return value === undefined || value === 0n ? undefined : value.toString();
}

export function fromBool(value: boolean | undefined): true | undefined {
  return value === true ? true : undefined;
}

/** An enum's name; its first value, zero, is left out. */
export function fromEnum<T extends string>(value: T | undefined, names: readonly T[]): T | undefined {
  return value === names[0] ? undefined : value;
}

/** A list of messages; an empty one is left out. */
export function fromList<T>(
  values: readonly T[],
  encode: (value: T) => JsonObject,
): JsonObject[] | undefined {
  return values.length === 0 ? undefined : values.map(encode);
}
