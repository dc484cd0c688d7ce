import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { auth } from '../../protocol/etcd/api/auth.ts';
import { cluster } from '../../protocol/etcd/api/cluster.ts';
import { health } from '../../protocol/etcd/api/health.ts';
import { kv } from '../../protocol/etcd/api/kv.ts';
import { lease } from '../../protocol/etcd/api/lease.ts';
import { maintenance } from '../../protocol/etcd/api/maintenance.ts';
import type { Method } from '../../protocol/etcd/api/method.ts';
import { watch } from '../../protocol/etcd/api/watch.ts';
import type { MessageShape, NamedField } from '../../protocol/protobuf/field.ts';
import { fromJson, parseJson, toJson } from '../../protocol/protobuf/json.ts';
import type { MessageType } from '../../protocol/protobuf/message.ts';

const methods = [kv, lease, watch, auth, cluster, maintenance, health].flatMap(
  (service) => Object.values(service) as Method<unknown, unknown>[],
);
const types = methods.flatMap(({ request, response }) => [request, response]);
const anyType = fc.constantFrom(...types);

/** Any value of a message, to a depth. */
function messageOf(type: MessageShape, depth: number): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(type.fields.map((field) => [field.property, anyValueOf(field, depth)]));
  return fc.record(fields).map((value) => oneMemberEach(type, value));
}

function anyValueOf(field: NamedField, depth: number): fc.Arbitrary<unknown> {
  const one = singleOf(field, depth);
  if (field.repeated) return depth === 0 ? fc.constant([]) : fc.array(one, { maxLength: 3 });
  return field.oneof === undefined ? one : fc.option(one, { nil: undefined });
}

function singleOf({ type }: NamedField, depth: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'bytes':
      return fc.uint8Array({ maxLength: 300 });
    case 'string':
      return fc.string({ unit: 'grapheme' });
    case 'bool':
      return fc.boolean();
    case 'int64':
      return fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
    case 'uint64':
      return fc.bigInt(0n, 2n ** 64n - 1n);
    case 'int32':
    case 'uint32':
      return fc.nat();
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'message':
      return depth === 0 ? fc.constant(undefined) : messageOf(type.type(), depth - 1);
  }
}

/** Of a oneof's members, only the first that is set. */
function oneMemberEach(type: MessageShape, value: Record<string, unknown>): Record<string, unknown> {
  const seen = new Set<string>();
  for (const { oneof, property } of type.fields) {
    if (oneof === undefined || value[property] === undefined) continue;
    if (seen.has(oneof)) value[property] = undefined;
    seen.add(oneof);
  }
  return value;
}

const typeAndValue = anyType.chain((type) =>
  messageOf(type, 3).map((value): [MessageType<unknown>, unknown] => [type, value]),
);

test('every message of the API survives the wire and JSON', () => {
  fc.assert(
    fc.property(typeAndValue, ([type, value]) => {
      const bytes = type.encode(value);
      const again = type.decode(bytes);
      expect(type.encode(again)).toEqual(bytes);
      expect(toJson(type, again)).toEqual(toJson(type, value));
      const viaJson = fromJson(type, parseJson(JSON.stringify(toJson(type, value))));
      expect(type.encode(viaJson)).toEqual(bytes);
    }),
    { numRuns: 500 },
  );
});

test('whatever the bytes, decoding gives a message or a DecodeError inside them', () => {
  fc.assert(
    fc.property(anyType, fc.uint8Array({ maxLength: 200 }), (type, bytes) => {
      decodesOrFails(type, bytes);
    }),
    { numRuns: 2000 },
  );
});

test('so does a message that was cut or changed', () => {
  fc.assert(
    fc.property(typeAndValue, fc.nat(), fc.nat(255), fc.boolean(), ([type, value], at, octet, cut) => {
      const bytes = type.encode(value);
      if (cut) decodesOrFails(type, bytes.subarray(0, at % (bytes.length + 1)));
      else if (bytes.length > 0) {
        bytes[at % bytes.length] = octet;
        decodesOrFails(type, bytes);
      }
    }),
    { numRuns: 1000 },
  );
});

function decodesOrFails(type: MessageType<unknown>, bytes: Uint8Array): void {
  try {
    const message = type.decode(bytes);
    type.decode(type.encode(message));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
  }
}
