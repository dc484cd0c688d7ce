// The few messages of etcd's API that the benchmark's client needs (etcd `api/etcdserverpb/rpc.proto`), without podwire's code.

export const PUT = '/etcdserverpb.KV/Put';
export const DELETE = '/etcdserverpb.KV/DeleteRange';
export const RANGE = '/etcdserverpb.KV/Range';
export const COMPACT = '/etcdserverpb.KV/Compact';
export const WATCH = '/etcdserverpb.Watch/Watch';

/** One field of a message: its number, and an integer or bytes. */
export type Field = readonly [number: number, value: number | Uint8Array];

/** A message of fields in their order. */
export function encode(...fields: readonly Field[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    if (typeof value === 'number') parts.push(varint(number * 8), varint(value));
    else parts.push(varint(number * 8 + 2), varint(value.length), value);
  }
  return Buffer.concat(parts);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Fields of a message in their order; integers above 2^53 lose digits. @throws RangeError where it is none. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0;
  const integer = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('a message that ends within a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = integer();
    if ((tag & 7) === 0) {
      yield [tag >>> 3, integer()];
    } else if ((tag & 7) === 2) {
      const length = integer();
      yield [tag >>> 3, message.subarray(at, at + length)];
      at += length;
    } else {
      throw new RangeError(`a field of wire type ${tag & 7}`);
    }
  }
}

/** The last value of a field; undefined where there is none. */
export function fieldOf(message: Uint8Array, wanted: number): number | Uint8Array | undefined {
  let found: number | Uint8Array | undefined;
  for (const [number, value] of fieldsOf(message)) if (number === wanted) found = value;
  return found;
}

export function putRequest(key: Uint8Array, value: Uint8Array): Buffer {
  return encode([1, key], [2, value]);
}

/** A linearizable read of one key, or its deletion. */
export function rangeRequest(key: Uint8Array): Buffer {
  return encode([1, key]);
}

/** A physical compaction: the answer comes when it is done. */
export function compactRequest(revision: number): Buffer {
  return encode([1, revision], [2, 1]);
}

/** A WatchRequest that creates a watch of one key, or of those before `end`. */
export function watchRequest(key: Uint8Array, end?: Uint8Array): Buffer {
  return encode([1, end === undefined ? encode([1, key]) : encode([1, key], [2, end])]);
}

/** The store's revision in a response's header. */
export function revisionOf(response: Uint8Array): number {
  return fieldOf(fieldOf(response, 1) as Uint8Array, 3) as number;
}

/** What a WatchResponse says: whether the watch was created by it, and the values of its events, empty where one deletes. */
export function watchResponse(message: Uint8Array): {
  readonly created: boolean;
  readonly values: readonly Uint8Array[];
} {
  let created = false;
  const values: Uint8Array[] = [];
  for (const [number, field] of fieldsOf(message)) {
    if (number === 3) created = field === 1;
    if (number !== 11) continue;
    const kv = fieldOf(field as Uint8Array, 2) as Uint8Array;
    values.push((fieldOf(kv, 5) as Uint8Array | undefined) ?? new Uint8Array(0));
  }
  return { created, values };
}
