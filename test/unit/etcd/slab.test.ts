import { expect, test } from 'vitest';
import { inSlab, type Place, toSlab } from '../../../protocol/etcd/slab.ts';
import { b, commit, everything, newStore, put, t } from './helpers.ts';

const octets = ({ buffer, offset, length }: Place): Uint8Array => new Uint8Array(buffer, offset, length);

test('octets in slabs do not overlap, and many have memory of their own', () => {
  const places = Array.from({ length: 100 }, (_, i) => toSlab(new Uint8Array(1000).fill(i)));
  expect(places.every((place, i) => octets(place).every((octet) => octet === i))).toBe(true);
  expect(new Set(places.map(({ buffer }) => buffer)).size).toBeLessThan(4);
  const large = Buffer.alloc(100_000, 1);
  const { buffer } = toSlab(large);
  large.fill(2);
  expect(new Uint8Array(buffer)).toEqual(new Uint8Array(100_000).fill(1));
});

test('what a compaction keeps leaves its slab, with the value that newer versions share', () => {
  const store = newStore();
  put(store, 'kept', 'first');
  put(store, 'again', 'first');
  put(store, 'gone', 'first');
  const compacted = store.revision;
  put(store, 'again', 'second');
  commit(store, (draft) => draft.put({ key: b('kept'), value: b(''), ignoreValue: true }));
  const versions = (): ReturnType<typeof store.range>['kvs'] => [
    ...store.range({ ...everything, revision: compacted }).kvs,
    ...store.range(everything).kvs,
  ];
  const texts = (): string[] =>
    versions().map(({ key, value, version }) => `${t(key)}=${t(value)}@${version}`);
  const before = texts();
  expect(versions().every(({ value }) => inSlab(value))).toBe(true);
  commit(store, (draft) => draft.compact(compacted));
  while (store.trim(100));
  expect(texts()).toEqual(before);
  expect(versions().map(({ key, value }) => [t(key), inSlab(value)])).toEqual([
    ['again', false],
    ['gone', false],
    ['kept', false],
    // Written behind the compaction.
    ['again', true],
    ['gone', false],
    ['kept', false],
  ]);
});
