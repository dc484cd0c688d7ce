// What flannel's registry asks for, in its order, of a real etcd and of podwire's store: the answers must be the same.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WatchEvent } from '../../../protocol/etcd/types.ts';
import { EventLog, eventText } from '../../store-checks/event-log.ts';
import { FlannelClient, SUBNETS } from '../../store-checks/flannel-client.ts';
import { GRPC_TARGETS, type GrpcTarget } from '../../store-checks/grpc-targets.ts';
import { text } from '../../store-checks/history.ts';
import { all, tool } from '../../support/tools.ts';
import { below } from '../../unit/store/support.ts';

const etcd = tool('etcd');
const redis = tool('redis-server');
const needs = all(etcd, redis);

/** A day, as flannel asks for. */
const DAY = 86_400n;
/** The shortest that etcd grants. */
const SHORT = 2n;

describe.skipIf(needs.missing).each(GRPC_TARGETS)(needs.title('flannel at %s'), (_, startTarget) => {
  let target: GrpcTarget;
  let flannel: FlannelClient;

  beforeAll(async () => {
    target = await startTarget({ etcd: etcd.path, redis: redis.path });
    flannel = new FlannelClient(target.servers.at(-1)!);
  });
  afterAll(() => target?.stop());

  const texts = (events: readonly WatchEvent[]): string[] =>
    events.map((event) => eventText(event, SUBNETS).replace(/@\d+/, ''));

  test('configuration and subnets: taken once, with what is left of each lease', async () => {
    expect(await flannel.getNetworkConfig()).toBeUndefined();
    await flannel.putNetworkConfig('{"Network":"10.5.0.0/16"}');
    expect(text((await flannel.getNetworkConfig())!.value)).toBe('{"Network":"10.5.0.0/16"}');
    expect(await flannel.getSubnets()).toEqual({ leases: [], revision: 2n });
    const lease = await flannel.createSubnet('10.5.1.0-24', 'host1', DAY);
    expect(lease).toBeGreaterThan(0n);
    expect(await flannel.createSubnet('10.5.1.0-24', 'host2', DAY)).toBeUndefined();
    await flannel.putStatic('10.5.2.0-24', 'static');
    const { leases, revision } = await flannel.getSubnets();
    // The refused one left no trace, its revoked lease neither.
    expect(revision).toBe(4n);
    expect(leases.map(({ kv }) => [text(kv.key), text(kv.value), kv.lease])).toEqual([
      [`${SUBNETS}10.5.1.0-24`, 'host1', lease],
      [`${SUBNETS}10.5.2.0-24`, 'static', 0n],
    ]);
    expect(leases[0]!.ttl).toBeGreaterThan(DAY - 60n);
    expect(leases[0]!.ttl).toBeLessThanOrEqual(DAY);
    expect(leases[1]!.ttl).toBe(-1n);
    expect((await target.servers[0]!.leases()).leases).toEqual([lease]);
  });

  test('a renewed subnet outlives its first lease; one that is not renewed ends, and is told with what it was', async () => {
    const { revision } = await flannel.getSubnets();
    const watched = { ...below(SUBNETS), startRevision: revision + 1n };
    const log = new EventLog(target.servers[0]!, { ...watched, prevKv: true });
    await log.created();
    const asked = performance.now();
    const first = await flannel.createSubnet('10.5.3.0-24', 'host3', SHORT);
    await flannel.createSubnet('10.5.4.0-24', 'host4', SHORT);
    const second = await flannel.updateSubnet('10.5.3.0-24', 'host3', DAY);
    expect(second).not.toBe(first);
    await log.until(4);
    expect(performance.now() - asked).toBeGreaterThanOrEqual(Number(SHORT) * 1000);
    expect(texts(log.events)).toEqual([
      'PUT 10.5.3.0-24=host3',
      'PUT 10.5.4.0-24=host4',
      'PUT 10.5.3.0-24=host3 (host3)',
      'DELETE 10.5.4.0-24 (host4)',
    ]);
    expect(log.events.map(({ kv }) => kv.modRevision - revision)).toEqual([1n, 2n, 3n, 4n]);
    // The first lease ran out as well. It had no key any more, so that there is no revision for it.
    await gone(first!);
    const { leases, revision: end } = await flannel.getSubnets();
    expect(end).toBe(revision + 4n);
    const renewed = leases.find(({ kv }) => text(kv.value) === 'host3')!;
    expect(renewed.kv.lease).toBe(second);
    expect(renewed.ttl).toBeGreaterThan(DAY - 60n);
    // Without prev_kv, as flannel itself watches: the key is all that it needs.
    const plain = new EventLog(target.servers[0]!, watched);
    expect(texts(await plain.until(4)).at(-1)).toBe('DELETE 10.5.4.0-24');
    log.close();
    plain.close();
  });

  /** Waits until a lease is over. */
  async function gone(lease: bigint): Promise<void> {
    await expect
      .poll(async () => (await target.servers[0]!.leaseTimeToLive(lease)).ttl, {
        timeout: 10_000,
        interval: 20,
      })
      .toBe(-1n);
  }

  test('a watch that is opened anew behind the header of each response is told everything once', async () => {
    const { revision } = await flannel.getSubnets();
    const writes = 200;
    const writing = Promise.all(
      target.servers.map(async (server, which) => {
        const writer = new FlannelClient(server);
        const count = writes / target.servers.length;
        for (let i = 0; i < count; i++) {
          if (i % 4 === 3) await writer.deleteSubnet(`10.6.${which}-${i - 1}`);
          else await writer.putStatic(`10.6.${which}-${i}`, String(i));
        }
      }),
    );
    const told: WatchEvent[] = [];
    let next = revision + 1n;
    const watching = target.connect(0);
    while (told.length < writes) {
      const log = new EventLog(watching, { ...below(SUBNETS), startRevision: next });
      const { header, events } = await log.response((response) => response.events.length > 0);
      log.close();
      told.push(...events);
      next = header.revision + 1n;
    }
    await writing;
    expect(told.map(({ kv }) => kv.modRevision)).toEqual(
      Array.from({ length: writes }, (_, i) => revision + BigInt(i) + 1n),
    );
  });

  test('compaction past where a watch would resume: CompactRevision says so, the list that follows is whole', async () => {
    const { revision } = await flannel.getSubnets();
    for (const value of ['1', '2', '3']) await flannel.putStatic('10.7.0.0-24', value);
    await target.servers[0]!.compact(revision + 2n);
    const log = new EventLog(target.servers[0]!, { ...below(SUBNETS), startRevision: revision + 1n });
    const told = await log.response(({ canceled }) => canceled);
    expect(told).toMatchObject({ compactRevision: revision + 2n, events: [] });
    const { leases, revision: listed } = await flannel.getSubnets();
    expect(leases.map(({ kv }) => text(kv.key))).toContain(`${SUBNETS}10.7.0.0-24`);
    const again = new EventLog(target.servers[0]!, { ...below(SUBNETS), startRevision: listed + 1n });
    await again.created();
    await flannel.deleteSubnet('10.7.0.0-24');
    expect(texts(await again.until(1))).toEqual(['DELETE 10.7.0.0-24']);
    again.close();
    log.close();
  });
});
