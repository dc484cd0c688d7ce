import { expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { createKey, deleteKey, updateKey } from '../../../agents/store/keys.ts';
import { listWatch } from '../../../agents/store/list-watch.ts';
import type { RequestOp } from '../../../protocol/etcd/types.ts';
import type { Scene } from './scene.ts';
import { b, below, eventLine, failure, line, put, record, t } from './support.ts';

/** Compaction, watches, leases and the helpers for agents; the identifiers are the rules'. */
export function watchRules(scene: () => Scene): void {
  test('CMP-1 RNG-8 compaction', async () => {
    const s = scene();
    await s.fill('a', 'b');
    const revision = await s.now();
    await s.client.put({ key: b(`${s.p}a`), value: b('new') });
    expect(await failure(s.client.compact(revision + 2n))).toBe(
      '11 etcdserver: mvcc: required revision is a future revision',
    );
    await s.client.compact(revision);
    const compacted = '11 etcdserver: mvcc: required revision has been compacted';
    expect(await failure(s.client.compact(revision))).toBe(compacted);
    expect(await failure(s.client.range({ ...below(s.p), revision: revision - 1n }))).toBe(compacted);
    expect(await s.lines({ revision })).toEqual(['a=A', 'b=B']);
    expect(await s.lines()).toEqual(['a=new', 'b=B']);
    await s.client.compact(revision + 1n);
    expect(await s.lines()).toEqual(['a=new', 'b=B']);
  });

  test('WCH-1 WCH-9 a watch from now on', async () => {
    const s = scene();
    await s.fill('old');
    const revision = await s.now();
    const seen = record(s.client, below(s.p));
    expect(await seen.untilCreated()).toBe(revision);
    await s.fill('a');
    await s.client.put({ key: b(`${s.p}a`), value: b('2') });
    await s.client.put({ key: b('/elsewhere'), value: b('x') });
    const { header } = await s.client.deleteRange({ key: b(`${s.p}a`) });
    await s.fill('z');
    expect((await seen.until(4)).map(eventLine)).toEqual([
      `PUT ${s.p}a=A`,
      `PUT ${s.p}a=2`,
      `DELETE ${s.p}a`,
      `PUT ${s.p}z=Z`,
    ]);
    expect(seen.events[2]!.kv).toMatchObject({
      modRevision: header.revision,
      createRevision: 0n,
      version: 0n,
    });
    seen.watch.cancel();
  });

  test('WCH-3 WCH-8 a watch from an old revision, with previous values', async () => {
    const s = scene();
    await s.fill('a', 'b');
    const start = (await s.now()) - 1n;
    await s.client.put({ key: b(`${s.p}a`), value: b('2') });
    await s.client.deleteRange(below(s.p));
    const seen = record(s.client, { ...below(s.p), startRevision: start, prevKv: true });
    expect((await seen.until(5)).map(eventLine)).toEqual([
      `PUT ${s.p}a=A`,
      `PUT ${s.p}b=B`,
      `PUT ${s.p}a=2 (A)`,
      `DELETE ${s.p}a (2)`,
      `DELETE ${s.p}b (B)`,
    ]);
    await s.fill('c');
    expect((await seen.until(6)).map(eventLine).at(-1)).toBe(`PUT ${s.p}c=C`);
    seen.watch.cancel();
  });

  test('WCH-6 all events of a revision come in one response', async () => {
    const s = scene();
    const seen = record(s.client, below(s.p));
    await seen.untilCreated();
    const puts = Array.from({ length: 100 }, (_, i) => put(`${s.p}${String(i).padStart(3, '0')}`, 'x'));
    await s.client.txn({ compare: [], success: puts, failure: [] });
    await s.client.deleteRange(below(s.p));
    await seen.until(200);
    expect(seen.sizes).toEqual([100, 100]);
    seen.watch.cancel();
  });

  test('WCH-3 a watch from a future revision is silent until then', async () => {
    const s = scene();
    const revision = await s.now();
    const seen = record(s.client, { ...below(s.p), startRevision: revision + 3n });
    await seen.untilCreated();
    await s.fill('a', 'b', 'c', 'd');
    expect((await seen.until(2)).map(eventLine)).toEqual([`PUT ${s.p}c=C`, `PUT ${s.p}d=D`]);
    seen.watch.cancel();
  });

  test('WCH-9 filters', async () => {
    const s = scene();
    const start = (await s.now()) + 1n;
    await s.fill('a', 'b');
    await s.client.deleteRange({ key: b(`${s.p}a`) });
    await s.fill('end');
    await s.client.deleteRange({ key: b(`${s.p}end`) });
    const puts = record(s.client, { ...below(s.p), startRevision: start, filters: ['NODELETE'] });
    const deletes = record(s.client, { ...below(s.p), startRevision: start, filters: ['NOPUT'] });
    expect((await puts.until(3)).map(eventLine)).toEqual([
      `PUT ${s.p}a=A`,
      `PUT ${s.p}b=B`,
      `PUT ${s.p}end=END`,
    ]);
    expect((await deletes.until(2)).map(eventLine)).toEqual([`DELETE ${s.p}a`, `DELETE ${s.p}end`]);
    puts.watch.cancel();
    deletes.watch.cancel();
  });

  test('WCH-4 a watch from a compacted revision ends with the compaction', async () => {
    const s = scene();
    await s.fill('a', 'b', 'c');
    const revision = await s.now();
    await s.client.compact(revision);
    const late = record(s.client, { ...below(s.p), startRevision: revision - 1n });
    expect(await late.ended).toMatchObject({
      code: 11,
      message: 'etcdserver: mvcc: required revision has been compacted',
    });
    const just = record(s.client, { ...below(s.p), startRevision: revision, prevKv: true });
    expect((await just.until(1)).map(eventLine)).toEqual([`PUT ${s.p}c=C`]);
    just.watch.cancel();
  });

  test('WCH-2 an empty range', async () => {
    const s = scene();
    const seen = record(s.client, { key: b(`${s.p}b`), rangeEnd: b(`${s.p}a`) });
    expect(await seen.ended).toMatchObject({ message: 'mvcc: watcher range is empty' });
  });

  test('WCH-10 nothing after cancel; others go on', async () => {
    const s = scene();
    const one = record(s.client, below(s.p));
    const two = record(s.client, below(s.p));
    await Promise.all([one.untilCreated(), two.untilCreated()]);
    one.watch.cancel();
    await s.fill('a');
    await two.until(1);
    expect(one.events).toEqual([]);
    two.watch.cancel();
  });

  test('LSE-1 ids and TTLs', async () => {
    const s = scene();
    const chosen = await s.client.leaseGrant(60n);
    expect(chosen.id).toBeGreaterThan(0n);
    expect(chosen.ttl).toBe(60n);
    const negative = -(BigInt(Date.now()) * 1000n + BigInt(s.number));
    expect(await s.client.leaseGrant(60n, negative)).toMatchObject({ id: negative, ttl: 60n });
    expect(await failure(s.client.leaseGrant(60n, negative))).toBe('9 etcdserver: lease already exists');
    expect(await failure(s.client.leaseGrant(9_000_000_001n))).toBe('11 etcdserver: too large lease TTL');
    expect((await s.client.leaseGrant(1n)).ttl).toBe(2n);
    await s.client.put({ key: b(`${s.p}a`), value: b('1'), lease: negative });
    expect((await s.client.range({ key: b(`${s.p}a`) })).kvs[0]!.lease).toBe(negative);
  });

  test('WCH-8 previous values are those of the revision before, also where one revision puts and deletes a key', async () => {
    const s = scene();
    await s.fill('old');
    const seen = record(s.client, { ...below(s.p), prevKv: true });
    await seen.untilCreated();
    const nested = (op: RequestOp): RequestOp => {
      return { kind: 'txn', request: { compare: [], success: [op], failure: [] } };
    };
    const deletion = nested({ kind: 'deleteRange', request: below(s.p) });
    const puts = ['new', 'old'].map((key) => nested(put(s.p + key, '2')));
    const { succeeded } = await s.client.txn({ compare: [], success: [...puts, deletion], failure: [] });
    expect(succeeded).toBe(true);
    expect((await seen.until(4)).map((event) => eventLine(event).replaceAll(s.p, ''))).toEqual([
      'PUT new=2',
      'PUT old=2 (OLD)',
      'DELETE new',
      'DELETE old (OLD)',
    ]);
    seen.watch.cancel();
  });

  test('LSE-2 revoking deletes the keys in one revision, in key order', async () => {
    const s = scene();
    const { id } = await s.client.leaseGrant(60n);
    for (const key of ['c', 'a', 'b']) await s.client.put({ key: b(s.p + key), value: b('1'), lease: id });
    await s.fill('stays');
    const seen = record(s.client, { ...below(s.p), prevKv: true });
    await seen.untilCreated();
    const before = await s.now();
    await s.client.leaseRevoke(id);
    expect((await seen.until(3)).map(eventLine)).toEqual(
      ['a', 'b', 'c'].map((key) => `DELETE ${s.p}${key} (1)`),
    );
    expect(seen.sizes).toEqual([3]);
    expect(await s.now()).toBe(before + 1n);
    expect(await failure(s.client.leaseRevoke(id))).toBe('5 etcdserver: requested lease not found');
    expect(await failure(s.client.leaseKeepAlive(id))).toBe('5 etcdserver: requested lease not found');
    seen.watch.cancel();
  });

  test('LSE-3 LSE-5 a lease ends after its TTL, not before, and not while it is kept alive', async () => {
    const s = scene();
    const begin = performance.now();
    const short = await s.client.leaseGrant(2n);
    const kept = await s.client.leaseGrant(2n);
    await s.client.put({ key: b(`${s.p}short`), value: b('1'), lease: short.id });
    await s.client.put({ key: b(`${s.p}kept`), value: b('1'), lease: kept.id });
    const seen = record(s.client, below(s.p));
    const alive = setInterval(() => void s.client.leaseKeepAlive(kept.id).catch(() => {}), 300);
    expect((await seen.until(1)).map(eventLine)).toEqual([`DELETE ${s.p}short`]);
    clearInterval(alive);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(2000);
    expect(await s.client.leaseKeepAlive(kept.id)).toBe(2n);
    expect(await s.lines()).toEqual(['kept=1']);
    seen.watch.cancel();
  });

  test('helpers: create, update and delete with guards', async () => {
    const s = scene();
    const key = b(`${s.p}a`);
    const created = await createKey(s.client, key, b('1'));
    if (created.kind !== 'ok') throw new Error('not created');
    expect(await createKey(s.client, key, b('2'))).toMatchObject({
      kind: 'conflict',
      current: { value: b('1') },
    });
    const updated = await updateKey(s.client, key, b('2'), created.revision);
    expect(updated).toMatchObject({ kind: 'ok', previous: { value: b('1') } });
    expect(await updateKey(s.client, key, b('3'), created.revision)).toMatchObject({ kind: 'conflict' });
    expect(await deleteKey(s.client, key, created.revision)).toMatchObject({ kind: 'conflict' });
    expect(await deleteKey(s.client, key)).toMatchObject({ kind: 'ok', previous: { value: b('2') } });
    expect(await deleteKey(s.client, key)).toEqual({ kind: 'conflict', current: undefined });
  });

  test('a storm of guarded updates loses none', async () => {
    const s = scene();
    const key = b(`${s.p}counter`);
    await s.client.put({ key, value: b('0') });
    const increment = async (): Promise<void> => {
      let { kvs } = await s.client.range({ key });
      for (;;) {
        const next = b(String(Number(t(kvs[0]!.value)) + 1));
        const result = await updateKey(s.client, key, next, kvs[0]!.modRevision);
        if (result.kind === 'ok') return;
        kvs = [result.current!];
      }
    };
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(await s.get(`${s.p}counter`)).toBe('20');
  });

  test('listWatch tells each change once', async () => {
    const s = scene();
    await s.fill('a', 'b');
    const told: string[] = [];
    let wake = (): void => {};
    const follower = listWatch(
      s.client,
      b(s.p),
      {
        onPut: (kv, previous) =>
          told.push(`+${line(kv).slice(s.p.length)}${previous === undefined ? '' : '!'}`),
        onDelete: (kv) => {
          told.push(`-${t(kv.key).slice(s.p.length)}`);
          wake();
        },
        onSynced: () => {
          told.push('synced');
          wake();
        },
      },
      { clock: systemClock() },
    );
    const woken = (): Promise<void> =>
      new Promise((resolve) => {
        wake = resolve;
      });
    await woken();
    const deleted = woken();
    await s.client.put({ key: b(`${s.p}a`), value: b('2') });
    await s.fill('c');
    await s.client.deleteRange({ key: b(`${s.p}b`) });
    await deleted;
    follower.close();
    expect(told).toEqual(['+a=A', '+b=B', 'synced', '+a=2!', '+c=C', '-b']);
  });

  test('a closed client: calls fail, watches end', async () => {
    const s = scene();
    const other = s.subject.client();
    const seen = record(other, below(s.p));
    await seen.untilCreated();
    await other.close();
    expect(await seen.ended).toMatchObject({ code: 1 });
    expect(await failure(other.range({ key: b(s.p) }))).toBe('1 the store client is closed');
  });
}
