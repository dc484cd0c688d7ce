import { describe, expect, test } from 'vitest';
import type { WatchResponse } from '../../../protocol/etcd/types.ts';
import type { WatchOutput } from '../../../protocol/etcd/watch.ts';
import { b, below, commit, del, event, everything, newStore, put } from './helpers.ts';

const texts = (responses: readonly WatchResponse[]): string[][] =>
  responses.map((each) => each.events.map(event));
const of = (outputs: readonly WatchOutput[], id: number): string[][] =>
  texts(outputs.filter(({ watchId }) => watchId === id).map(({ response }) => response));

describe('watches', () => {
  test('WCH-1 the first response has no events and the current revision', () => {
    const store = newStore();
    put(store, 'a', '1');
    const { outputs } = store.watch(everything);
    expect(outputs).toEqual([{ header: store.header(), events: [] }]);
  });

  test('WCH-3 WCH-6 the history from a revision on, a response for each', () => {
    const store = newStore();
    put(store, 'a', '1');
    put(store, 'b', '1');
    put(store, 'other', '1');
    del(store, 'a', 'c');
    const { outputs } = store.watch({ key: b('a'), rangeEnd: b('c'), startRevision: 2n });
    expect(texts(outputs.slice(1))).toEqual([['+a=1@2'], ['+b=1@3'], ['-a@5', '-b@5']]);
    expect(outputs.slice(1).map(({ header }) => header.revision)).toEqual([2n, 3n, 5n]);
  });

  test('WCH-4 below the compacted revision it ends, at it it is served', () => {
    const store = newStore();
    for (const value of ['1', '2', '3']) put(store, 'a', value);
    commit(store, (draft) => draft.compact(3n));
    const late = store.watch({ ...everything, startRevision: 2n }).outputs;
    expect(late[1]).toMatchObject({ canceled: true, compactRevision: 3n, header: { revision: 0n } });
    expect(late[1]!.cancelReason).toBeUndefined();
    const just = store.watch({ ...everything, startRevision: 3n, prevKv: true }).outputs;
    // What the compacted revision replaced is gone.
    expect(texts(just.slice(1))).toEqual([['+a=2@3'], ['+a=3@4 was 2']]);
  });

  test('CMP-2 a deletion at exactly the compacted revision can still be watched', () => {
    const store = newStore();
    put(store, 'a', '1');
    del(store, 'a');
    commit(store, (draft) => draft.compact(3n));
    expect(texts(store.watch({ ...everything, startRevision: 3n }).outputs.slice(1))).toEqual([['-a@3']]);
  });

  test('every kind of interval gets exactly its events', () => {
    const store = newStore();
    const ids = {
      key: store.watch({ key: b('/a/1') }).watchId,
      prefix: store.watch(below('/a/')).watchId,
      shorter: store.watch(below('/a')).watchId,
      range: store.watch({ key: b('/a/0'), rangeEnd: b('/a/2') }).watchId,
      other: store.watch({ key: b('/a/2'), rangeEnd: b('/b/2') }).watchId,
      from: store.watch({ key: b('/a/2'), rangeEnd: new Uint8Array([0]) }).watchId,
      all: store.watch(everything).watchId,
      none: store.watch({ key: new Uint8Array(0) }).watchId,
    };
    const outputs: WatchOutput[] = [];
    for (const key of ['/a', '/a/1', '/a/2', '/b/1', '/c']) put(store, key, 'x', 0n, outputs);
    const seen = (id: number): string =>
      of(outputs, id)
        .flat()
        .join(' ')
        .replaceAll(/=x@\d+/g, '');
    expect(Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, seen(id)]))).toEqual({
      key: '+/a/1',
      prefix: '+/a/1 +/a/2',
      shorter: '+/a +/a/1 +/a/2',
      range: '+/a/1',
      other: '+/a/2 +/b/1',
      from: '+/a/2 +/b/1 +/c',
      all: '+/a +/a/1 +/a/2 +/b/1 +/c',
      none: '',
    });
  });

  test('watchers that want the same share one response; filters and prev_kv make their own', () => {
    const store = newStore();
    const plain = [store.watch(everything), store.watch(everything)];
    const noPut = store.watch({ ...everything, filters: ['NOPUT'] });
    const noDelete = store.watch({ ...everything, filters: ['NODELETE'] });
    const before = store.watch({ ...everything, prevKv: true });
    const outputs: WatchOutput[] = [];
    put(store, 'a', '1', 0n, outputs);
    del(store, 'a', undefined, outputs);
    const first = outputs.filter(({ watchId }) => plain.some((watch) => watch.watchId === watchId));
    expect(first[0]!.response).toBe(first[1]!.response);
    expect(of(outputs, noPut.watchId)).toEqual([['-a@3']]);
    expect(of(outputs, noDelete.watchId)).toEqual([['+a=1@2']]);
    expect(of(outputs, before.watchId)).toEqual([['+a=1@2'], ['-a@3 was 1']]);
  });

  test('the previous value is what the key held before the revision, and none for a key that it creates', () => {
    const store = newStore();
    put(store, 'again', '1');
    put(store, 'kept', '1');
    const { watchId } = store.watch({ ...everything, prevKv: true });
    const outputs: WatchOutput[] = [];
    const request = {
      compare: [],
      success: [
        { kind: 'put', request: { key: b('kept'), value: b('2') } },
        { kind: 'put', request: { key: b('short'), value: b('1') } },
        { kind: 'deleteRange', request: everything },
        { kind: 'put', request: { key: b('again'), value: b('2') } },
      ],
      failure: [],
    } as const;
    commit(store, (draft) => draft.txn(request), 0, outputs);
    const events = [
      '+kept=2@4 was 1',
      '+short=1@4',
      '-again@4 was 1',
      '-kept@4 was 1',
      '-short@4',
      '+again=2@4',
    ];
    expect(of(outputs, watchId)).toEqual([events]);
    const later = store.watch({ ...everything, prevKv: true, startRevision: 4n });
    expect(texts(later.outputs.slice(1))).toEqual([events]);
  });

  test('WCH-10 WCH-3 nothing after the end, nothing before a future start', () => {
    const store = newStore();
    const gone = store.watch(everything).watchId;
    const future = store.watch({ ...everything, startRevision: 4n }).watchId;
    store.cancelWatch(gone);
    store.cancelWatch(gone);
    const outputs: WatchOutput[] = [];
    for (const value of ['1', '2', '3']) put(store, 'a', value, 0n, outputs);
    expect(of(outputs, gone)).toEqual([]);
    expect(of(outputs, future)).toEqual([['+a=3@4']]);
  });

  test('WCH-11 progress promises no more than what was sent', () => {
    const store = newStore();
    const now = store.watch(everything).watchId;
    const future = store.watch({ ...everything, startRevision: 9n }).watchId;
    put(store, 'a', '1');
    expect(store.watchProgress(now)).toEqual({ header: store.header(), events: [] });
    expect(store.watchProgress(future)).toBeUndefined();
    expect(store.watchProgress(99)).toBeUndefined();
  });

  test('WCH-14 an event does not look at watches of other keys', () => {
    const store = newStore();
    for (let i = 0; i < 20_000; i++) {
      store.watch(below(`/prefix/${i}/`));
      store.watch({ key: b(`/range/${i}/a`), rangeEnd: b(`/range/${i}/c`) });
    }
    const outputs: WatchOutput[] = [];
    put(store, '/range/7/b', 'x', 0n, outputs); // builds the index of ranges
    const begin = performance.now();
    for (let i = 0; i < 1000; i++) put(store, `/prefix/${i}/x`, 'x', 0n, outputs);
    for (let i = 0; i < 1000; i++) put(store, `/range/${i}/b`, 'x', 0n, outputs);
    // A scan of 40,000 watches for each of 2,000 events takes several seconds.
    expect(performance.now() - begin).toBeLessThan(1000);
    expect(outputs).toHaveLength(2001);
  });
});
