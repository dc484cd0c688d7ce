import { describe, expect, test } from 'vitest';
import type { WatchStreamResponse } from '../../../agents/store/store.ts';
import type { KeyValue, WatchEvent } from '../../../protocol/etcd/types.ts';
import { type Answer, type Done, type Operation, Truth } from '../../store-checks/history.ts';
import { checkLeases } from '../../store-checks/lease-guarantees.ts';
import { checkHistory, checkVersions } from '../../store-checks/linearizability.ts';
import { checkWatch } from '../../store-checks/watch-guarantees.ts';
import { b } from './support.ts';

/** The checkers of the fault runs find what they are there to find. */

const kv = (key: string, value: string, mod: bigint, version = 1n): KeyValue => ({
  key: b(key),
  value: b(value),
  createRevision: mod - version + 1n,
  modRevision: mod,
  version,
  lease: 0n,
});
const put = (key: string, value: string, mod: bigint, version = 1n, prevKv?: KeyValue): WatchEvent => ({
  type: 'PUT',
  kv: kv(key, value, mod, version),
  ...(prevKv === undefined ? {} : { prevKv }),
});

// 2: a=1, 3: a=2 and b=3, 4: a deleted, 5: b=4.
const gone: WatchEvent = {
  type: 'DELETE',
  kv: { ...kv('a', '', 4n), version: 0n, createRevision: 0n },
  prevKv: kv('a', '2', 3n, 2n),
};
const EVENTS: readonly WatchEvent[] = [
  put('a', '1', 2n),
  put('a', '2', 3n, 2n, kv('a', '1', 2n)),
  put('b', '3', 3n),
  gone,
  put('b', '4', 5n, 3n, kv('b', '3', 3n)),
];
const truth = new Truth(EVENTS);

const ANSWER: Omit<Answer, 'revision'> = { succeeded: true, kvs: [], previous: [], deleted: 0n };

function done(
  operation: Operation,
  revision: bigint | undefined,
  more: Partial<Answer> = {},
  called = 0,
  returned = called + 1,
): Done {
  const answer = revision === undefined ? undefined : { ...ANSWER, revision, ...more };
  return { operation, called, returned, answer };
}

const putting = (key: string, value: string): Operation => ({ kind: 'put', writes: [{ key, value }] });
const listing: Operation = { kind: 'list', revision: 0n };

describe('the check for linearizability', () => {
  const wrong = (...history: Done[]): string => checkHistory(history, truth).join('\n');

  test('a history that is right', () => {
    const history = [
      done(putting('a', '1'), 2n, { previous: [undefined] }, 0),
      done(listing, 2n, { kvs: [kv('a', '1', 2n)] }, 2),
      done({ kind: 'cas', writes: [{ key: 'b', value: 'x' }], expected: 9n }, 4n, { succeeded: false }, 4),
      done({ kind: 'delete', key: 'a' }, 4n, { deleted: 1n, previous: [kv('a', '2', 3n, 2n)] }, 3, 9),
      done(putting('b', '4'), undefined, {}, 1, 20),
      done(putting('z', 'never'), undefined, {}, 1, 20),
    ];
    expect(wrong(...history)).toBe('');
  });

  test.each<readonly [string, Done, string]>([
    ['a lost write', done(putting('a', 'lost'), 5n), 'written at no revision'],
    ['a revision that went away', done(putting('a', '1'), 9n), 'acknowledged revision 9 is lost'],
    ['a write at another revision', done(putting('a', '1'), 3n), 'acknowledged at 3, but 1 was written at 2'],
    [
      'a wrong previous value',
      done(putting('b', '4'), 5n, { previous: [undefined] }),
      'another value before',
    ],
    ['a stale read', done(listing, 3n, { kvs: [kv('a', '1', 2n)] }), '1 keys instead of 2'],
    ['a dirty read', done(listing, 5n, { kvs: [kv('b', 'dirty', 5n, 3n)] }), 'or other values'],
    [
      'a swap that should have failed',
      done({ kind: 'cas', writes: [{ key: 'b', value: '4' }], expected: 2n }, 5n),
      'done although the key was at 3',
    ],
    [
      'a swap that should have been done',
      done({ kind: 'cas', writes: [{ key: 'b', value: 'x' }], expected: 3n }, 4n, { succeeded: false }),
      'refused although the key was at 3',
    ],
    ['a key that was not found', done({ kind: 'delete', key: 'b' }, 4n), 'not found although it was there'],
  ])('%s', (_, operation, reason) => {
    expect(wrong(operation)).toContain(reason);
  });

  test('an answer from before what was known already', () => {
    const write = done(putting('b', '4'), 5n, { previous: [kv('b', '3', 3n)] }, 0);
    const read = done(listing, 4n, { kvs: [kv('b', '3', 3n)] }, 10);
    expect(wrong(write, read)).toContain('at 4, after an answer at 5');
    // At the same time either may be first.
    expect(wrong({ ...write, returned: 11 }, read)).toBe('');
  });

  test('a write that was done twice is no history at all', () => {
    expect(() => new Truth([...EVENTS, put('c', '4', 6n)])).toThrow('4 was written twice');
  });
});

describe('the check of the history itself', () => {
  const wrong = (...events: WatchEvent[]): string => checkVersions(new Truth(events)).join('\n');

  test('versions that count', () => {
    expect(wrong(...EVENTS.slice(0, 4), put('b', '4', 5n, 3n))).toContain('version 3 instead of 2');
    expect(wrong(...EVENTS.slice(0, 4), put('a', '4', 5n))).toBe('');
  });

  test.each<readonly [string, WatchEvent[], string]>([
    [
      'a version that was left out',
      [put('a', '1', 2n), put('a', '2', 3n, 3n)],
      'a at 3 has version 3 instead of 2',
    ],
    ['another creation', [put('a', '1', 2n), put('a', '2', 4n, 2n)], 'a at 4 was created at 3 instead of 2'],
    ['a revision that is missing', [put('a', '1', 2n), put('b', '2', 4n)], 'nothing happened at 3'],
    [
      'a deletion of nothing',
      [{ ...gone, kv: { ...gone.kv, modRevision: 2n } }],
      'a was deleted at 2, but was not there',
    ],
  ])('%s', (_, events, reason) => {
    expect(wrong(...events)).toContain(reason);
  });
});

describe('the check of leases', () => {
  const lease = { id: 7n, ttl: 5000, renewed: [1000, 3000] };
  const seen = (called: number, returned: number, left: number | undefined): string =>
    checkLeases([lease], [{ id: 7n, called, returned, left }]).join('\n');

  test('leases that are there, and that are gone when their time is up', () => {
    expect(seen(2000, 2010, 3000)).toBe('');
    expect(seen(3500, 3510, 5000)).toBe('');
    expect(seen(8005, 8010, undefined)).toBe('');
    // Renewed by then, but nobody knew it when this was asked.
    expect(seen(2900, 6100, undefined)).toBe('');
  });

  test('a lease that ends early, that lasts for longer than it was granted for, that loses time', () => {
    expect(seen(4000, 4010, undefined)).toBe('lease 7 was gone 3990 ms early');
    expect(seen(4000, 4010, 6000)).toBe('lease 7 of 5000 ms has 6000 ms left');
    expect(seen(4000, 4010, 2000)).toBe('lease 7 has 2000 ms left instead of 2990');
  });
});

describe('the check of the guarantees of watches', () => {
  const response = (revision: bigint, events: readonly WatchEvent[], more = {}): WatchStreamResponse => ({
    header: { clusterId: 1n, memberId: 1n, revision, raftTerm: 1n },
    watchId: 0n,
    created: false,
    canceled: false,
    compactRevision: 0n,
    cancelReason: '',
    fragment: false,
    events,
    ...more,
  });
  const created = response(5n, [], { created: true });
  const request = { key: b('a'), rangeEnd: b('z'), startRevision: 2n, prevKv: true };
  const [one, two, three, four, five] = EVENTS as [
    WatchEvent,
    WatchEvent,
    WatchEvent,
    WatchEvent,
    WatchEvent,
  ];
  const wrong = (...responses: WatchStreamResponse[]): string =>
    checkWatch({ request, responses: [created, ...responses] }, truth).join('\n');

  test('a watch that keeps them', () => {
    const bookmark = response(5n, [], { watchId: -1n });
    const responses = [response(2n, [one]), response(4n, [two, three, four]), response(5n, [five]), bookmark];
    expect(wrong(...responses)).toBe('');
  });

  test.each<readonly [string, WatchStreamResponse[], string]>([
    ['ordered', [response(4n, [gone, two, three])], 'not ordered'],
    ['unique', [response(2n, [one]), response(2n, [one])], 'not unique: 2 after 2'],
    ['reliable', [response(3n, [two, three])], 'not reliable: PUT a=1 at 2 is missing'],
    ['atomic', [response(2n, [one]), response(3n, [two]), response(3n, [three])], 'not atomic at 3'],
    ['bookmarkable', [response(2n, [one]), response(4n, [])], 'not bookmarkable: PUT a=2,PUT b=3 at 3'],
    [
      'previous values',
      [response(2n, [one]), response(3n, [put('a', '2', 3n, 2n), three])],
      'previous value at 3',
    ],
    [
      'another previous value',
      [response(2n, [one]), response(3n, [put('a', '2', 3n, 2n, kv('a', 'x', 2n)), three])],
      'previous value at 3',
    ],
    [
      'previous values that nobody asked about: none before the first',
      [response(2n, [put('a', '1', 2n, 1n, kv('a', '0', 1n))])],
      'previous value at 2',
    ],
    ['another version', [response(2n, [put('a', '1', 2n, 2n)])], 'not atomic at 2'],
    ['repeated within a response', [response(3n, [one, two, two, three])], 'not atomic at 3'],
    ['reordered within a revision', [response(3n, [one, three, two])], 'not atomic at 3'],
    ['resumable by the header', [response(1n, [one])], 'stamped 1, before its events of 2'],
    ['nothing else', [response(2n, [one, put('b', 'x', 2n)])], 'not atomic at 2'],
  ])('%s', (_, responses, reason) => {
    expect(wrong(...responses)).toContain(reason);
  });
});
