import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backupPieces, DIGEST } from '../../protocol/etcd/backup.ts';
import { BackupReader } from '../../protocol/etcd/backup-reader.ts';
import { decodeLogEntry, encodeLogEntry, type LogEntry } from '../../protocol/etcd/entry.ts';
import { KeyIndex } from '../../protocol/etcd/index.ts';
import { decodeSnapshot, encodeSnapshot } from '../../protocol/etcd/snapshot.ts';
import { EtcdStore } from '../../protocol/etcd/store.ts';
import type { RequestOp } from '../../protocol/etcd/types.ts';
import type { WatchOutput } from '../../protocol/etcd/watch.ts';
import { b, everything, full, t } from '../unit/etcd/helpers.ts';

/** What a store must hold, in the most naive way: a whole copy of everything for every revision. */
interface Held {
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly lease: bigint;
}
class Model {
  readonly revisions: Map<string, Held>[] = [new Map(), new Map()];
  readonly leases: Set<bigint> = new Set();
  compacted = -1;

  get current(): number {
    return this.revisions.length - 1;
  }

  /** Changes as one revision, if there are any. */
  change(
    changes: readonly { readonly key: string; readonly value?: string; readonly lease?: bigint }[],
  ): void {
    const next = new Map(this.revisions.at(-1)!);
    const mod = this.current + 1;
    let changed = false;
    for (const { key, value, lease = 0n } of changes) {
      const before = next.get(key);
      if (value === undefined) {
        if (before !== undefined) changed = true;
        next.delete(key);
      } else {
        changed = true;
        next.set(key, {
          value,
          create: before?.create ?? mod,
          mod,
          version: (before?.version ?? 0) + 1,
          lease,
        });
      }
    }
    if (changed) this.revisions.push(next);
  }

  lines(revision: number): string[] {
    const held = [...this.revisions[revision]!].sort(([x], [y]) => (x < y ? -1 : 1));
    return held.map(
      ([key, { value, create, mod, version }]) => `${key}=${value}@${create}/${mod}/${version}`,
    );
  }

  /** Events of one revision in key order, by comparing it with the one before. */
  events(revision: number): string[] {
    const before = this.revisions[revision - 1]!;
    const after = this.revisions[revision]!;
    const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
    const visible = revision - 1 >= this.compacted;
    return keys.flatMap((key) => {
      const held = after.get(key);
      const was = before.get(key);
      const previous = was !== undefined && visible ? `(${was.value})` : '';
      if (held === undefined) return was === undefined ? [] : [`-${key}${previous}`];
      return held.mod === revision ? [`+${key}=${held.value}${previous}`] : [];
    });
  }
}

const key = fc.constantFrom('a', 'ab', 'b', 'ba', 'c', 'd');
const value = fc.constantFrom('', '1', '2', '3');
const lease = fc.constantFrom(0n, 0n, 5n, -6n);
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value, lease }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), key, end: key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('txn' as const),
      guard: key,
      version: fc.integer({ min: 0, max: 2 }),
      put: fc.uniqueArray(fc.record({ key, value }), { maxLength: 3, selector: (each) => each.key }),
      otherwise: key,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('grant' as const), lease: fc.constantFrom(5n, -6n) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('revoke' as const), lease: fc.constantFrom(5n, -6n) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('compact' as const), back: fc.integer({ min: 0, max: 6 }) }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** Runs a command on the model; false where it must fail. */
function onModel(model: Model, run: Command): boolean {
  const latest = model.revisions.at(-1)!;
  switch (run.kind) {
    case 'put':
      if (run.lease !== 0n && !model.leases.has(run.lease)) return false;
      model.change([run]);
      return true;
    case 'delete': {
      const keys = [...latest.keys()].filter((each) => each >= run.key && each < run.end);
      model.change(keys.map((each) => ({ key: each })));
      return true;
    }
    case 'txn':
      if ((latest.get(run.guard)?.version ?? 0) === run.version) model.change(run.put);
      else model.change([{ key: run.otherwise }]);
      return true;
    case 'grant':
      if (model.leases.has(run.lease)) return false;
      model.leases.add(run.lease);
      return true;
    case 'revoke': {
      if (!model.leases.delete(run.lease)) return false;
      const keys = [...latest].filter(([, held]) => held.lease === run.lease).map(([each]) => each);
      model.change(keys.map((each) => ({ key: each })));
      return true;
    }
    case 'compact': {
      const revision = model.current - run.back;
      if (revision <= model.compacted || revision < 0) return false;
      model.compacted = revision;
      return true;
    }
  }
}

/** Evaluates the same command on a draft; the entry to log, if any. Throws where it fails. */
function onDraft(draft: ReturnType<EtcdStore['draft']>, run: Command): LogEntry | undefined {
  switch (run.kind) {
    case 'put':
      return draft.put({ key: b(run.key), value: b(run.value), lease: run.lease }).entry;
    case 'delete':
      return draft.deleteRange({ key: b(run.key), rangeEnd: b(run.end) }).entry;
    case 'txn': {
      const target = { kind: 'VERSION', operand: BigInt(run.version) } as const;
      const success = run.put.map((each): RequestOp => {
        return { kind: 'put', request: { key: b(each.key), value: b(each.value) } };
      });
      const failure: RequestOp[] = [{ kind: 'deleteRange', request: { key: b(run.otherwise) } }];
      return draft.txn({ compare: [{ key: b(run.guard), result: 'EQUAL', target }], success, failure }).entry;
    }
    case 'grant':
      return draft.grant(run.lease, 60n).entry;
    case 'revoke':
      return draft.revoke(run.lease).entry;
    case 'compact':
      return draft.compact(draft.view.revision - BigInt(run.back)).entry;
  }
}

const newStore = (): EtcdStore => new EtcdStore({ clusterId: 1n, memberId: 1n });

function eventsFrom(store: EtcdStore, start: number): string[][] {
  const { watchId, outputs } = store.watch({ ...everything, startRevision: BigInt(start), prevKv: true });
  store.cancelWatch(watchId);
  return outputs.slice(1).map(responseLines);
}

function responseLines({ events }: WatchOutput['response']): string[] {
  const lines = events.map(({ type, kv, prevKv }) => {
    const before = prevKv === undefined ? '' : `(${t(prevKv.value)})`;
    return type === 'PUT' ? `+${t(kv.key)}=${t(kv.value)}${before}` : `-${t(kv.key)}${before}`;
  });
  // The model does not know the order within a transaction; a range deletion's is the keys'.
  return lines.sort((x, y) => (x.slice(1) < y.slice(1) ? -1 : 1));
}

/** Every revision that can be read, and every watch that can be opened, agree with the model. */
function agree(store: EtcdStore, model: Model): void {
  const first = Math.max(model.compacted, 1);
  expect(store.revision).toBe(BigInt(model.current));
  expect(store.compactRevision).toBe(BigInt(model.compacted));
  for (let revision = first; revision <= model.current; revision++) {
    const { kvs, count } = store.range({ ...everything, revision: BigInt(revision) });
    expect(kvs.map(full)).toEqual(model.lines(revision));
    expect(count).toBe(BigInt(kvs.length));
  }
  const start = Math.max(first, 2);
  const expected: string[][] = [];
  for (let revision = start; revision <= model.current; revision++) {
    expected.push(model.events(revision).sort((x, y) => (x.slice(1) < y.slice(1) ? -1 : 1)));
  }
  expect(eventsFrom(store, start)).toEqual(expected);
  expect(new Set(store.leaseIds())).toEqual(model.leases);
  for (const id of model.leases) {
    const attached = [...model.revisions.at(-1)!]
      .filter(([, held]) => held.lease === id)
      .map(([each]) => each);
    expect(store.timeToLive(id, 0).keys.map(t).sort()).toEqual(attached.sort());
  }
}

describe('the etcd machine against a naive model', () => {
  test('histories, watches, leases and compactions; replay of the log; restart from a snapshot', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (commands, batch) => {
        const model = new Model();
        const store = newStore();
        const replayed = newStore();
        const live: string[][] = [];
        store.watch({ ...everything, prevKv: true });
        let restarted: EtcdStore | undefined;
        for (let i = 0; i < commands.length; i += batch) {
          // A batch is evaluated on one draft and applied afterwards, as on Redis.
          const draft = store.draft();
          const entries: LogEntry[] = [];
          for (const run of commands.slice(i, i + batch)) {
            const expected = onModel(model, run);
            let entry: LogEntry | undefined;
            const evaluate = (): void => {
              entry = onDraft(draft, run);
            };
            if (expected) evaluate();
            else expect(evaluate).toThrow(/^etcdserver: /);
            if (entry !== undefined) entries.push(entry);
          }
          for (const entry of entries) {
            for (const { response } of store.apply(entry, 0)) live.push(responseLines(response));
            const logged = decodeLogEntry(encodeLogEntry(entry));
            replayed.apply(logged, 0);
            restarted?.apply(logged, 0);
            if (entry.kind === 'compact') {
              while (store.trim(100));
              restarted = restart(store);
            }
          }
        }
        agree(store, model);
        agree(replayed, model);
        if (restarted !== undefined) agree(restarted, model);
        agree(restored(store), model);
        expect(live).toHaveLength(model.current - 1);
      }),
      { numRuns: 400 },
    );
  });

  /** A new store from the snapshot and the log behind it. */
  function restart(store: EtcdStore): EtcdStore {
    const fresh = newStore();
    const snapshot = decodeSnapshot(encodeSnapshot(store.snapshot()));
    fresh.restore(snapshot, 0);
    for (let next = snapshot.revision + 1n; next <= store.revision; next++)
      fresh.apply(store.revisionEntry(next)!, 0);
    return fresh;
  }

  /** A new store from a backup's octets. */
  function restored(store: EtcdStore): EtcdStore {
    const reader = new BackupReader('backup');
    for (const piece of backupPieces(store.backup())) reader.push(piece);
    reader.push(new Uint8Array(DIGEST));
    const fresh = newStore();
    fresh.restoreBackup(reader.end().backup, 0);
    return fresh;
  }

  test('the key index against a sorted list', () => {
    const keys = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 3000 })), { maxLength: 6000 });
    fc.assert(
      fc.property(
        keys,
        fc.integer({ min: 0, max: 3000 }),
        fc.integer({ min: 0, max: 3000 }),
        (changes, x, y) => {
          const index = new KeyIndex<number>();
          const model = new Map<string, number>();
          const name = (each: number): string => String(each).padStart(4, '0');
          for (const [add, each] of changes) {
            if (add) index.set(name(each), each);
            else index.delete(name(each));
            if (add) model.set(name(each), each);
            else model.delete(name(each));
          }
          const seen: string[] = [];
          index.scan({ from: name(x), to: name(y) }, (_, each) => seen.push(each));
          expect(seen).toEqual([...model.keys()].filter((each) => each >= name(x) && each < name(y)).sort());
          expect(index.size).toBe(model.size);
          for (let each = 0; each <= 3000; each++) expect(index.get(name(each))).toBe(model.get(name(each)));
        },
      ),
      { numRuns: 50, size: 'max' } as fc.Parameters<unknown>,
    );
  });

  test('arbitrary bytes are an entry, a snapshot or a DecodeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const decode of [decodeLogEntry, decodeSnapshot]) {
          for (const input of [bytes, Uint8Array.from([1, ...bytes]), Uint8Array.from([1, 0, ...bytes])]) {
            try {
              decode(input);
            } catch (error) {
              expect((error as Error).name).toBe('DecodeError');
            }
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});
