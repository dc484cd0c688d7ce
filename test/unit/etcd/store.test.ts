import { describe, expect, test } from 'vitest';
import { ETCD_ERRORS, etcdError } from '../../../protocol/etcd/errors.ts';
import type { RequestOp } from '../../../protocol/etcd/types.ts';
import { b, below, commit, del, everything, full, newStore, put, t, thrown } from './helpers.ts';

const COMPACTED = '11 etcdserver: mvcc: required revision has been compacted';
const FUTURE = '11 etcdserver: mvcc: required revision is a future revision';

describe('revisions', () => {
  test('REV-1 an empty store is at revision 1, the first write makes 2', () => {
    const store = newStore();
    expect(store.header()).toEqual({ clusterId: 1n, memberId: 2n, revision: 1n, raftTerm: 1n });
    put(store, 'a', '1');
    expect(store.revision).toBe(2n);
  });

  test('REV-2 changes of a transaction keep their order within its revision', () => {
    const store = newStore();
    put(store, 'x', '1');
    const ops: RequestOp[] = [
      { kind: 'put', request: { key: b('z'), value: b('1') } },
      { kind: 'deleteRange', request: { key: b('x') } },
      { kind: 'put', request: { key: b('a'), value: b('1') } },
    ];
    const { entry } = store.draft().txn({ compare: [], success: ops, failure: [] });
    if (entry?.kind !== 'revision') throw new Error('no revision');
    expect(entry.revision).toBe(3n);
    expect(entry.changes.map((kv) => `${t(kv.key)}${kv.version}`)).toEqual(['z1', 'x0', 'a1']);
  });

  test('REV-6 headers inside a transaction carry the revision only', () => {
    const store = newStore();
    const inner: RequestOp = {
      kind: 'txn',
      request: {
        compare: [],
        success: [{ kind: 'put', request: { key: b('a'), value: b('1') } }],
        failure: [],
      },
    };
    const { responses } = commit(store, (draft) => draft.txn({ compare: [], success: [inner], failure: [] }));
    const none = { clusterId: 0n, memberId: 0n, raftTerm: 0n };
    expect(responses).toEqual([
      {
        kind: 'txn',
        response: {
          header: { ...none, revision: 0n },
          succeeded: true,
          responses: [{ kind: 'put', response: { header: { ...none, revision: 2n } } }],
        },
      },
    ]);
  });

  test('a gap or a repetition in the log is refused', () => {
    const store = newStore();
    const entry = { kind: 'revision' as const, revision: 3n, changes: [], revoked: [] };
    expect(thrown(() => store.apply(entry, 0))).toBe(
      'RangeError revision 3 applied to a store at revision 1',
    );
  });
});

describe('drafts', () => {
  test('requests see the ones before them; the store sees nothing until they are applied', () => {
    const store = newStore();
    put(store, 'a', '1');
    const draft = store.draft();
    const first = draft.put({ key: b('b'), value: b('2') });
    const second = draft.txn({
      compare: [{ key: b('b'), result: 'EQUAL', target: { kind: 'VALUE', operand: b('2') } }],
      success: [
        { kind: 'range', request: everything },
        { kind: 'deleteRange', request: { key: b('a') } },
        { kind: 'range', request: { ...everything, revision: 3n } },
        { kind: 'range', request: everything },
      ],
      failure: [],
    });
    expect(second.response.succeeded).toBe(true);
    const read = second.response.responses.map((op) =>
      op.kind === 'range' ? op.response.kvs.map(full) : op.kind,
    );
    expect(read).toEqual([
      ['a=1@2/2/1', 'b=2@3/3/1'],
      'deleteRange',
      ['a=1@2/2/1', 'b=2@3/3/1'],
      ['b=2@3/3/1'],
    ]);
    expect(store.range(everything).kvs.map(full)).toEqual(['a=1@2/2/1']);
    store.apply(first.entry!, 0);
    store.apply(second.entry!, 0);
    expect(store.range(everything).kvs.map(full)).toEqual(['b=2@3/3/1']);
    expect(store.revision).toBe(4n);
  });

  test('a request that fails leaves nothing in the draft', () => {
    const store = newStore();
    const draft = store.draft();
    draft.put({ key: b('a'), value: b('1') });
    const failing = {
      compare: [],
      success: [
        { kind: 'put', request: { key: b('a'), value: b('2') } },
        { kind: 'put', request: { key: b('c'), value: b('2'), lease: 9n } },
      ],
      failure: [],
    } as const;
    expect(thrown(() => draft.txn(failing))).toBe('5 etcdserver: requested lease not found');
    const { response, entry } = draft.put({ key: b('a'), value: b('3'), prevKv: true });
    expect(t(response.prevKv!.value)).toBe('1');
    expect(entry).toMatchObject({ revision: 3n });
    expect(draft.view.latest('c')).toBeUndefined();
  });

  test('a lease granted and revoked in one draft', () => {
    const store = newStore();
    const draft = store.draft();
    const entries = [
      draft.grant(5n, 60n).entry!,
      draft.put({ key: b('b'), value: b('1'), lease: 5n }).entry!,
      draft.put({ key: b('a'), value: b('1'), lease: 5n }).entry!,
      draft.put({ key: b('c'), value: b('1'), lease: 5n }).entry!,
      draft.put({ key: b('c'), value: b('1') }).entry!,
      draft.revoke(5n).entry!,
    ];
    expect(thrown(() => draft.revoke(5n))).toBe('5 etcdserver: requested lease not found');
    for (const entry of entries) store.apply(entry, 0);
    expect(store.range(everything).kvs.map(full)).toEqual(['c=1@4/5/2']);
    expect(store.leaseIds()).toEqual([]);
  });

  test('the caller may reuse its buffers', () => {
    const store = newStore();
    const key = Buffer.from('key');
    const value = Buffer.from('one');
    commit(store, (draft) => draft.put({ key, value }));
    key.fill(0);
    value.fill(0);
    expect(store.range(everything).kvs.map(full)).toEqual(['key=one@2/2/1']);
  });
});

describe('compaction', () => {
  test('CMP-1 a fresh store accepts 0 and then 1', () => {
    const store = newStore();
    commit(store, (draft) => draft.compact(0n));
    expect(thrown(() => store.draft().compact(0n))).toBe(COMPACTED);
    commit(store, (draft) => draft.compact(1n));
    expect(thrown(() => store.draft().compact(2n))).toBe(FUTURE);
  });

  test('CMP-2 the newest version at or before the revision stays, deleted keys go', () => {
    const store = newStore();
    put(store, 'a', '1'); // 2
    put(store, 'a', '2'); // 3
    put(store, 'b', '1'); // 4
    del(store, 'b'); // 5
    put(store, 'a', '3'); // 6
    commit(store, (draft) => draft.compact(5n));
    expect(store.range({ ...below('a'), revision: 5n }).kvs.map(full)).toEqual(['a=2@2/3/2']);
    expect(store.range(everything).kvs.map(full)).toEqual(['a=3@2/6/3']);
    expect(thrown(() => store.range({ ...everything, revision: 4n }))).toBe(COMPACTED);
    put(store, 'b', '2');
    expect(store.range(below('b')).kvs.map(full)).toEqual(['b=2@7/7/1']);
  });

  test('RNG-8 the compacted revision itself can be read', () => {
    const store = newStore();
    put(store, 'a', '1');
    put(store, 'a', '2');
    commit(store, (draft) => draft.compact(2n));
    expect(store.range({ ...everything, revision: 2n }).kvs.map(full)).toEqual(['a=1@2/2/1']);
  });
});

describe('errors', () => {
  test('ERR-1 every one has its code and begins as etcd writes it', () => {
    for (const name of Object.keys(ETCD_ERRORS) as (keyof typeof ETCD_ERRORS)[]) {
      const [code, text] = ETCD_ERRORS[name];
      expect(etcdError(name)).toMatchObject({ name: 'EtcdError', code, message: text });
      expect(text).toMatch(code === 2 ? /^auth: / : /^etcdserver: /);
    }
  });
});
