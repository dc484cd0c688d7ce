import { describe, expect, test } from 'vitest';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { Reader, Writer } from '../../../protocol/etcd/binary.ts';
import { Change } from '../../../protocol/etcd/change.ts';
import { decodeLogEntry, encodeLogEntry } from '../../../protocol/etcd/entry.ts';
import { readChange, viewChange, writeChange } from '../../../protocol/etcd/key-value.ts';
import {
  compareBytes,
  fromKeyText,
  interval,
  isEmpty,
  prefixEnd,
  toKeyText,
} from '../../../protocol/etcd/keys.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../protocol/etcd/snapshot.ts';
import { EtcdStore } from '../../../protocol/etcd/store.ts';
import type { KeyValue } from '../../../protocol/etcd/types.ts';
import { b } from './helpers.ts';

describe('KeyValue as protobuf', () => {
  // By hand from kv.proto: tag = field << 3 | type; -1 is ten bytes; 300 is ac 02.
  const golden = '1c 0a 03 666f6f 10 02 18 ac02 20 05 2a 03 626172 30 ffffffffffffffffff01'.replaceAll(
    ' ',
    '',
  );
  const kv = {
    key: b('foo'),
    createRevision: 2n,
    modRevision: 300n,
    version: 5n,
    value: b('bar'),
    lease: -1n,
  };
  const plain = ({ key, createRevision, modRevision, version, value, lease }: KeyValue): KeyValue => ({
    key,
    createRevision,
    modRevision,
    version,
    value,
    lease,
  });
  const encoded = (change: Change): string => {
    const writer = new Writer();
    writeChange(writer, change);
    return toHex(writer.bytes());
  };

  test.each([
    ['copied', readChange],
    ['in place', viewChange],
  ])('golden bytes, both ways, with the value %s', (_, read) => {
    const change = read(new Reader('test', fromHex(golden)), 7);
    expect(plain(change)).toEqual(kv);
    expect(change.sub).toBe(7);
    expect(encoded(change)).toBe(golden);
  });

  test('zero fields take no bytes', () => {
    const empty = readChange(new Reader('test', Uint8Array.of(0)), 0);
    expect(empty).toMatchObject({ modRevision: 0n, lease: 0n });
    expect(encoded(empty)).toBe('00');
  });

  test('a value read from a Buffer is copied, not held', () => {
    const buffer = Buffer.from(golden, 'hex');
    const change = readChange(new Reader('test', buffer), 0);
    buffer.fill(0);
    expect(plain(change)).toEqual(kv);
  });

  test('revisions end at 2^53 - 1', () => {
    const read = (hex: string): Change => readChange(new Reader('test', fromHex(hex)), 0);
    expect(read('0918ffffffffffffff0f').modRevision).toBe(2n ** 53n - 1n);
    expect(encoded(read('0918ffffffffffffff0f'))).toBe('0918ffffffffffffff0f');
    expect(() => read('09188080808080808010')).toThrow('0 to 2^53 - 1, got 9007199254740992');
    expect(() => read('0b20ffffffffffffffffff01')).toThrow('0 to 2^53 - 1, got -1');
  });
});

describe('log entries and snapshots', () => {
  test('golden bytes of a grant and a revision', () => {
    expect(toHex(encodeLogEntry({ kind: 'grant', id: 5n, ttl: 60n }))).toBe('0101053c');
    const changes = [Change.tombstone('a', 9, 0)];
    expect(toHex(encodeLogEntry({ kind: 'revision', revision: 9n, changes, revoked: [7n] }))).toBe(
      '010009010701050a01611809',
    );
  });

  test.each(['', '02', '0109', '0100', '01000901', '0101053c00', '01000900ffffffff7f', '0100090001050a0561'])(
    'damaged entry %s is a DecodeError',
    (hex) => {
      expect(() => decodeLogEntry(fromHex(hex))).toThrow(DecodeError);
    },
  );

  test('a snapshot of another format is refused in one line', () => {
    const bytes = encodeSnapshot(new EtcdStore({ clusterId: 1n, memberId: 1n }).snapshot());
    bytes[0] = 9;
    expect(() => decodeSnapshot(bytes)).toThrow('store snapshot, offset 1: expected format 2, got 9');
  });
});

describe('keys', () => {
  test('RNG-2 the end of a prefix', () => {
    const end = (hex: string): string => toHex(prefixEnd(fromHex(hex)));
    expect([end('61'), end('61ff'), end('61ffff'), end('ff'), end('ffff'), end('')]).toEqual([
      '62',
      '62',
      '62',
      '00',
      '00',
      '00',
    ]);
  });

  test('RNG-2 intervals', () => {
    expect(interval(b('a'))).toEqual({ from: 'a', to: 'a\0' });
    expect(interval(b('a'), new Uint8Array([0]))).toEqual({ from: 'a', to: undefined });
    expect(isEmpty(interval(b('b'), b('a')))).toBe(true);
    expect(isEmpty(interval(b('b'), b('b')))).toBe(true);
  });

  test('RNG-3 text of keys keeps every byte and the order', () => {
    const keys = [[], [0], [0, 1], [0x7f], [0x80], [0x9f, 1], [0xff]].map((bytes) => Uint8Array.from(bytes));
    expect(keys.map((key) => fromKeyText(toKeyText(key)))).toEqual(keys);
    expect(keys.map(toKeyText)).toEqual(keys.map(toKeyText).sort((x, y) => (x < y ? -1 : 1)));
    expect(compareBytes(keys[3]!, keys[4]!)).toBeLessThan(0);
    const long = new Uint8Array(100_000).fill(0xc3);
    expect(fromKeyText(toKeyText(long))).toEqual(long);
  });
});
