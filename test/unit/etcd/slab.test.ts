import { expect, test } from 'vitest';
import { inSlab, roomFor } from '../../../protocol/etcd/slab.ts';
import { b, commit, everything, newStore, put, t } from './helpers.ts';

test('rooms of a slab do not overlap, and a large record has memory of its own', () => {
  const rooms = Array.from({ length: 100 }, (_, i) => {
    const { buffer, offset } = roomFor(1000);
    return new Uint8Array(buffer, offset, 1000).fill(i);
  });
  expect(rooms.every((room, i) => room.every((octet) => octet === i))).toBe(true);
  expect(new Set(rooms.map(({ buffer }) => buffer)).size).toBeLessThan(4);
  expect(roomFor(100_000)).toEqual({ buffer: new ArrayBuffer(100_000), offset: 0 });
});

test('what a compaction keeps leaves its slab, with the octets that newer versions share', () => {
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
  expect(versions().every(({ key, value }) => inSlab(key) && inSlab(value))).toBe(true);
  commit(store, (draft) => draft.compact(compacted));
  while (store.trim(100));
  expect(texts()).toEqual(before);
  expect(versions().map(({ key, value }) => [t(key), inSlab(key), inSlab(value)])).toEqual([
    ['again', false, false],
    ['gone', false, false],
    ['kept', false, false],
    // Written behind the compaction.
    ['again', false, true],
    ['gone', false, false],
    ['kept', false, false],
  ]);
});
