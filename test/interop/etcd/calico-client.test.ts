// What Calico's etcd backend asks for, in its order, of a real etcd and of podwire's store: the answers must be the same.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allocationsOf, inUse } from '../../../protocol/calico/ipam/block.ts';
import { BLOCK } from '../../../protocol/calico/ipam/values.ts';
import {
  blockKey,
  blockPrefix,
  HANDLE_PREFIX,
  resourceKey,
  resourcePrefix,
} from '../../../protocol/calico/keys.ts';
import { CalicoClient } from '../../store-checks/calico-client.ts';
import { EventLog, eventText } from '../../store-checks/event-log.ts';
import { GRPC_TARGETS, type GrpcTarget } from '../../store-checks/grpc-targets.ts';
import { text } from '../../store-checks/history.ts';
import { Allocator, makeBlocks, Ownership } from '../../store-checks/ipam-storm.ts';
import { Dice } from '../../store-checks/random.ts';
import { all, tool } from '../../support/tools.ts';
import { b, below } from '../../unit/store/support.ts';

const etcd = tool('etcd');
const redis = tool('redis-server');
const needs = all(etcd, redis);

const POOLS = resourcePrefix('IPPool');
const pool = (name: string): string => resourceKey('IPPool', name);
const BLOCKS = ['192.168.0.0/25', '192.168.0.128/25', '192.168.1.0/25'];
const ALLOCATORS = 50;
const ROUNDS = 6;
const SEED = Number(process.env.PODWIRE_STORE_SEED ?? 5);

describe.skipIf(needs.missing).each(GRPC_TARGETS)(needs.title('Calico at %s'), (_, startTarget) => {
  let target: GrpcTarget;
  let calico: CalicoClient;

  beforeAll(async () => {
    target = await startTarget({ etcd: etcd.path, redis: redis.path });
    calico = new CalicoClient(target.servers.at(-1)!);
  });
  afterAll(() => target?.stop());

  const revision = async (): Promise<bigint> => (await calico.list('/')).revision;

  test('create, update, apply, delete and clean: done, or refused with what is there', async () => {
    const now = await revision();
    expect(await calico.create(pool('a'), '1')).toEqual({ done: true, revision: now + 1n });
    expect(await calico.create(pool('a'), '2')).toMatchObject({
      done: false,
      current: { value: b('1'), createRevision: now + 1n, modRevision: now + 1n, version: 1n, lease: 0n },
    });
    expect(await calico.update(pool('a'), '2', now + 1n)).toEqual({ done: true, revision: now + 2n });
    expect(await calico.update(pool('a'), '3', now + 1n)).toMatchObject({
      done: false,
      current: { value: b('2'), modRevision: now + 2n, version: 2n },
    });
    expect(await calico.update(pool('b'), '3', now + 1n)).toEqual({ done: false, current: undefined });
    expect(await calico.remove(pool('a'), now + 1n)).toMatchObject({
      done: false,
      current: { value: b('2') },
    });
    expect(await calico.remove(pool('a'), now + 2n)).toEqual({ done: true, revision: now + 3n });
    expect(await calico.apply(pool('b'), '4')).toBe(now + 4n);
    expect(await calico.clean(POOLS)).toBe(now + 5n);
    // Nothing left to clean is no revision.
    expect(await calico.clean(POOLS)).toBe(now + 5n);
  });

  test('a list, then a watch behind it, broken off and resumed behind the last event: each change once, with what was before', async () => {
    await calico.apply(pool('a'), '1');
    const { kvs, revision: listed } = await calico.list(POOLS);
    expect(kvs.map(({ value }) => text(value))).toEqual(['1']);
    const watching = target.connect(0);
    const first = new EventLog(watching, { ...below(POOLS), startRevision: listed + 1n, prevKv: true });
    await first.created();
    await calico.apply(pool('a'), '2');
    await calico.create(pool('b'), '3');
    expect((await first.until(2)).map((event) => eventText(event, POOLS))).toEqual([
      `PUT a=2@${listed + 1n} (1)`,
      `PUT b=3@${listed + 2n}`,
    ]);
    // The connection is lost, and much happens before there is another.
    await watching.close();
    await calico.apply(pool('a'), '4');
    await calico.remove(pool('b'), listed + 2n);
    await calico.apply('/calico/elsewhere', '5');
    await calico.clean(POOLS);
    const again = new EventLog(target.connect(0), {
      ...below(POOLS),
      startRevision: listed + 3n,
      prevKv: true,
    });
    expect((await again.until(3)).map((event) => eventText(event, POOLS))).toEqual([
      `PUT a=4@${listed + 3n} (2)`,
      `DELETE b@${listed + 4n} (3)`,
      `DELETE a@${listed + 6n} (4)`,
    ]);
    // Nothing more came: the next is what is written now.
    await calico.apply(pool('c'), '6');
    expect((await again.until(4)).map((event) => eventText(event, POOLS)).at(-1)).toBe(
      `PUT c=6@${listed + 7n}`,
    );
    expect(again.events).toHaveLength(4);
    await calico.clean(POOLS);
  });

  test('compaction past where a watch would resume: it is told, lists again and goes on; one that keeps up is not disturbed', async () => {
    await calico.apply(pool('a'), '1');
    const listed = (await calico.list(POOLS)).revision;
    const quick = new EventLog(target.servers[0]!, { ...below(POOLS), startRevision: listed + 1n });
    await quick.created();
    for (const value of ['2', '3', '4']) await calico.apply(pool('a'), value);
    await quick.until(3);
    const compacted = listed + 3n;
    await target.servers[0]!.compact(compacted);
    const late = new EventLog(target.connect(0), { ...below(POOLS), startRevision: listed + 1n });
    const told = await late.response(({ canceled }) => canceled);
    expect(late.responses.map(({ created }) => created)).toEqual([true, false]);
    expect(told).toMatchObject({ compactRevision: compacted, cancelReason: '', events: [] });
    // "Error watching: list again", and go on from there.
    const { kvs, revision: again } = await calico.list(POOLS);
    expect(kvs.map(({ value }) => text(value))).toEqual(['4']);
    const next = new EventLog(target.connect(0), { ...below(POOLS), startRevision: again + 1n });
    await next.created();
    await calico.apply(pool('a'), '5');
    expect((await next.until(1)).map((event) => eventText(event, POOLS))).toEqual([`PUT a=5@${again + 1n}`]);
    await quick.until(4);
    expect(quick.responses.some(({ canceled }) => canceled)).toBe(false);
    await calico.clean(POOLS);
  });

  test('a key with a TTL ends by itself, not before its time, as a deletion with what it was', async () => {
    const key = '/calico/felix/v2/no-region/host/host1/status';
    const log = new EventLog(target.servers[0]!, { ...below('/calico/felix/'), prevKv: true });
    await log.created();
    const asked = performance.now();
    const created = await calico.create(key, 'alive', 2n);
    expect(created.done).toBe(true);
    const [put, gone] = await log.until(2);
    expect(performance.now() - asked).toBeGreaterThanOrEqual(2000);
    expect(put!.kv.lease).not.toBe(0n);
    expect(eventText(gone!, '/calico/felix/v2/')).toBe(
      `DELETE no-region/host/host1/status@${put!.kv.modRevision + 1n} (alive)`,
    );
    expect(gone!.prevKv!.lease).toBe(put!.kv.lease);
  });

  test(`${ALLOCATORS} allocators share blocks by compare-and-swap: no address has two owners, the blocks count right`, async () => {
    await makeBlocks(calico, BLOCKS, '2026-01-01T00:00:00Z');
    const start = await revision();
    const log = new EventLog(target.connect(0), {
      ...below(blockPrefix(4)),
      startRevision: start + 1n,
      prevKv: true,
    });
    const ownership = new Ownership();
    const allocators = Array.from({ length: ALLOCATORS }, (_, i) => {
      const server = target.servers[i % target.servers.length]!;
      return new Allocator(`host${i}`, new Dice(SEED + i), server, BLOCKS, ownership);
    });
    await Promise.all(allocators.map((allocator) => allocator.run(ROUNDS)));
    expect(ownership.wrong, `seed ${SEED}`).toEqual([]);
    expect(ownership.conflicts).toBeGreaterThan(ALLOCATORS);
    // Each write that was acknowledged has a revision of its own, and nothing else has one.
    expect((await revision()) - start).toBe(BigInt(ownership.writes));

    const blocks = (await calico.list(blockPrefix(4))).kvs.map((kv) => ({
      kv,
      block: BLOCK.parse(text(kv.value)),
    }));
    expect(blocks.map(({ block }) => block.cidr).sort()).toEqual(BLOCKS.toSorted());
    const held = blocks.flatMap(({ block }) => allocationsOf(block));
    expect(new Map(held.map(({ address, secondary }) => [address, secondary.node]))).toEqual(
      ownership.owners,
    );
    expect(held).toHaveLength(ownership.owners.size);
    const handles = (await calico.list(HANDLE_PREFIX)).kvs.map(({ key }) =>
      text(key).slice(HANDLE_PREFIX.length),
    );
    expect(handles).toEqual(held.map(({ handle_id }) => handle_id).toSorted());
    for (const { block } of blocks) {
      expect(inUse(block) + block.unallocated.length).toBe(128);
      expect(new Set(block.unallocated).size).toBe(block.unallocated.length);
      expect(block.unallocated.every((offset) => block.allocations[offset] === null)).toBe(true);
    }

    // Every version of every block was told once, each with the one before it: a chain without a gap.
    const writes = blocks.reduce((sum, { kv }) => sum + Number(kv.version) - 1, 0);
    const events = await log.until(writes);
    expect(events).toHaveLength(writes);
    for (const { kv, block } of blocks) {
      const own = events.filter((event) => text(event.kv.key) === blockKey(block.cidr));
      expect(own.map((event) => event.kv.version)).toEqual(own.map((_, i) => BigInt(i + 2)));
      expect(own.map((event) => event.prevKv!.modRevision)).toEqual([
        kv.createRevision,
        ...own.slice(0, -1).map((event) => event.kv.modRevision),
      ]);
    }
    log.close();
  });
});
