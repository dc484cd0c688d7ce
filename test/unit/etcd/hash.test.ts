import { describe, expect, test } from 'vitest';
import type { EtcdStore } from '../../../protocol/etcd/store.ts';
import { crc32c } from '../../../protocol/hash/crc32c.ts';
import { b, commit, del, hashOf, newStore, put, thrown } from './helpers.ts';

describe('CRC-32C', () => {
  // RFC 3720 §B.4, and the check value of the polynomial.
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  test.each([
    ['nothing', b(''), 0x00000000],
    ['123456789', b('123456789'), 0xe3069283],
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['0 to 31', ascending, 0x46dd794e],
    ['31 to 0', ascending.toReversed(), 0x113fdb5c],
  ])('%s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  test('in parts, of any length', () => {
    const bytes = Uint8Array.from({ length: 50 }, (_, i) => (i * 37) & 0xff);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parts = crc32c(bytes, crc32c(bytes, 0, 0, cut), cut);
      expect(parts).toBe(crc32c(bytes));
    }
  });
});

describe('MNT-2 HashKV', () => {
  // What etcd 3.4.23 answered to the same requests.
  const story = (): EtcdStore => {
    const store = newStore();
    put(store, 'a', '1');
    put(store, 'a', '2');
    del(store, 'a');
    put(store, 'b', '2');
    return store;
  };

  test('of a store without a history', () => {
    expect(hashOf(newStore())).toBe(1084519789);
    expect(hashOf(newStore(), -5n)).toBe(1084519789);
  });

  test('of every revision', () => {
    const store = story();
    const hashes = [2n, 3n, 4n, 5n].map((revision) => hashOf(store, revision));
    expect(hashes).toEqual([2587454935, 535221974, 1363947557, 969941033]);
    expect(hashOf(store)).toBe(969941033);
  });

  test('behind a compaction, while later changes go on', () => {
    const store = story();
    commit(store, (draft) => draft.compact(4n));
    expect(() => hashOf(store)).toThrow('being compacted');
    while (store.trim(1));
    const work = store.hashKv(0n);
    work.next();
    put(store, 'c', '3');
    let step = work.next();
    while (step.done !== true) step = work.next();
    expect(step.value).toBe(1021993577);
    expect(hashOf(store, 5n)).toBe(1021993577);
  });

  test('not below the compaction, nor in the future', () => {
    const store = story();
    commit(store, (draft) => draft.compact(3n));
    expect(thrown(() => store.checkHashRevision(3n))).toContain(
      '11 etcdserver: mvcc: required revision has been',
    );
    expect(thrown(() => store.checkHashRevision(6n))).toContain('is a future revision');
    expect(thrown(() => store.checkHashRevision(4n))).toBe('nothing');
  });
});
