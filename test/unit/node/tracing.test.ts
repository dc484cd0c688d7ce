import { beforeEach, describe, expect, test } from 'vitest';
import type { TraceFilter, TraceStepRow } from '../../../agents/control/types.ts';
import { Tracing } from '../../../agents/node/tracing.ts';
import { packetId } from '../../../protocol/forwarder/packet-id.ts';
import { SimClock } from '../../support/sim-net.ts';
import { type Node, TwoHosts } from '../forwarder/two-hosts.ts';

const POD1 = '10.65.1.1';
const POD2 = '10.65.2.1';

let net: TwoHosts;
let a: Node;
let clock: SimClock;
let tracing: Tracing;

beforeEach(() => {
  net = new TwoHosts();
  a = net.nodes[0];
  clock = new SimClock();
  clock.run(5);
  tracing = new Tracing(a.forwarder, 'host1', clock);
  a.onStep = (step, packet) => tracing.step(step, packet);
  // ARP is done with.
  a.ping(POD2);
});

/** A trace that runs until `stop`. */
function start(filter: TraceFilter): {
  readonly rows: TraceStepRow[];
  readonly stop: () => void;
  readonly done: Promise<void>;
} {
  const rows: TraceStepRow[] = [];
  const controller = new AbortController();
  const done = tracing.trace(filter, (row) => rows.push(row), controller.signal);
  return { rows, stop: () => controller.abort(), done };
}

/** First steps: which packets a trace saw. */
function packets(rows: readonly TraceStepRow[]): string[] {
  return rows
    .filter(({ at }) => at === 'port')
    .map(({ fields }) => String(fields.packet).replace(/ id .*/, ''));
}

const REQUEST = `${POD1} > ${POD2} ICMP echo request`;
const REPLY = `${POD2} > ${POD1} ICMP echo reply`;

test('a step is told with node, time, packet and addresses', () => {
  const { rows } = start({ a: POD1, b: POD2, protocol: 'icmp' });
  a.ping(POD2);
  const id = packetId(net.wire.at(-2)!.payload, 22, net.wire.at(-2)!.payload.length - 22);
  const packet = { packetId: id.toString(16).padStart(16, '0'), source: POD1, destination: POD2 };
  expect(rows[1]).toEqual({
    node: 'host1',
    time: '5000000',
    ...packet,
    at: 'route',
    text: expect.stringContaining('route 10.65.2.0/26 via 10.65.2.0 dev vxlan.calico onlink'),
    fields: expect.objectContaining({ prefix: '10.65.2.0/26', host: 'host1' }),
  });
  expect(packets(rows)).toEqual([REQUEST, REPLY]);
});

test('ends with its signal, and then nothing is traced', async () => {
  const { rows, stop, done } = start({});
  a.ping(POD2);
  const seen = rows.length;
  stop();
  await done;
  a.ping(POD2);
  expect(seen).toBeGreaterThan(5);
  expect(rows).toHaveLength(seen);
});

test('says when it is armed; an aborted signal and a wrong filter arm nothing', async () => {
  let ready = 0;
  const onReady = (): void => void ready++;
  await tracing.trace({}, () => undefined, AbortSignal.abort(), onReady);
  const wrong = tracing.trace({ a: 'web' }, () => undefined, new AbortController().signal, onReady);
  await expect(wrong).rejects.toThrow('web');
  expect(ready).toBe(0);
  const controller = new AbortController();
  const armed = tracing.trace({}, () => undefined, controller.signal, onReady);
  expect(ready).toBe(1);
  controller.abort();
  await armed;
});

describe('two traces at once', () => {
  test('with different filters see their own packets, as if each were alone', () => {
    const udp = start({ a: POD1, protocol: 'udp' });
    const icmp = start({ a: POD2, b: POD1, protocol: 'icmp' });
    const others = start({ a: '10.65.2.9' });
    const errors = start({ a: POD1, b: '10.99.0.1' });
    a.ping(POD2);
    a.ping('10.99.0.1');
    expect(packets(udp.rows)).toEqual([]);
    expect(packets(icmp.rows)).toEqual([REQUEST, REPLY]);
    expect(packets(others.rows)).toEqual([]);
    // The ICMP error comes from the host: it is told for the packet that it quotes.
    expect(packets(errors.rows)).toEqual([
      `${POD1} > 10.99.0.1 ICMP echo request`,
      `10.65.1.0 > ${POD1} ICMP net unreachable, 112 bytes`,
    ]);
  });

  test('with the same filter see the same, each until it ends', async () => {
    const filter = { a: POD1 };
    const one = start(filter);
    const two = start(filter);
    a.ping(POD2);
    expect(one.rows).toEqual(two.rows);
    const seen = one.rows.length;
    one.stop();
    await one.done;
    a.ping(POD2);
    expect(one.rows).toHaveLength(seen);
    expect(two.rows).toHaveLength(2 * seen);
  });

  test('see ARP of a pod at one end', () => {
    const fresh = new TwoHosts();
    [a] = fresh.nodes;
    tracing = new Tracing(a.forwarder, 'host1', clock);
    a.onStep = (step, packet) => tracing.step(step, packet);
    const own = start({ a: POD2, b: POD1 });
    const other = start({ a: POD2 });
    a.ping(POD2);
    expect(own.rows[0]).toMatchObject({ at: 'arp', source: POD1, destination: '169.254.1.1' });
    expect(other.rows.some(({ at }) => at === 'arp')).toBe(false);
  });
});

test('fragments carry the addresses of the packet', () => {
  net = new TwoHosts(576);
  [a] = net.nodes;
  tracing = new Tracing(a.forwarder, 'host1', clock);
  a.onStep = (step, packet) => tracing.step(step, packet);
  const { rows } = start({ a: POD1, b: POD2 });
  a.ping(POD2, { size: 1472 });
  const sent = rows.filter(({ at, source }) => at === 'encap' && source === POD1);
  expect(new Set(sent.map(({ packetId: id }) => id)).size).toBeGreaterThan(2);
  expect(rows.filter(({ source, destination }) => source === '' || destination === '')).toEqual([]);
});

test('close ends every trace, and later ones at once', async () => {
  const { done } = start({});
  tracing.close();
  await done;
  await start({}).done;
});

test('what a listener throws ends its trace only, and does not stop the packet', async () => {
  const broken = new Error('listener');
  let calls = 0;
  const traced = tracing.trace(
    {},
    () => {
      calls++;
      throw broken;
    },
    new AbortController().signal,
  );
  const other = start({});
  expect(a.ping(POD2)).toMatchObject([{ kind: 'echo-reply' }]);
  await expect(traced).rejects.toBe(broken);
  expect(calls).toBe(1);
  expect(packets(other.rows)).toEqual([REQUEST, REPLY]);
});
