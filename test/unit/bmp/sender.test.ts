// What collectors are told of speakers on a simulated network.
import { beforeEach, describe, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import { BmpCollectors } from '../../../agents/bmp/collectors.ts';
import type { BmpCollectorConfig } from '../../../agents/bmp/types.ts';
import type { TcpPort } from '../../../agents/ports.ts';
import { decodeNotification } from '../../../protocol/bgp/message/notification.ts';
import { decodeOpen } from '../../../protocol/bgp/message/open.ts';
import { compilePolicies } from '../../../protocol/bgp/policy/compile.ts';
import type { PolicyDefinitions } from '../../../protocol/bgp/policy/definition.ts';
import type { Policy } from '../../../protocol/bgp/policy/policy.ts';
import { terminationReason } from '../../../protocol/bmp/termination.ts';
import { tlvText } from '../../../protocol/bmp/tlv.ts';
import { PERMANENTLY_CLOSED, SYS_DESCR, SYS_NAME } from '../../../protocol/bmp/types.ts';
import { formatAddress } from '../../../protocol/ip/prefix.ts';
import { silentLog } from '../../support/bgp.ts';
import { seededRandom } from '../../support/sim-net.ts';
import { peerAt, SpeakerLab } from '../../support/speaker-lab.ts';
import { COLLECTOR, SimCollector } from './collector-sim.ts';

const A = '10.0.0.1';
const B = '10.0.0.2';

let lab: SpeakerLab;
let a: BgpSpeaker;
let b: BgpSpeaker;
let collector: SimCollector;

/** Collectors of a speaker. @param limit octets of changes that may wait. */
function monitor(
  speaker: BgpSpeaker,
  configs: readonly Partial<BmpCollectorConfig>[],
  limit?: number,
): BmpCollectors {
  const ports = { clock: lab.clock, random: seededRandom(5), tcp: lab.net.tcp(A), log: silentLog };
  const collectors = new BmpCollectors(speaker, ports, { sysName: 'a', sysDescr: 'podwire' }, limit);
  collectors.configure(configs.map((config) => ({ ...COLLECTOR, ...config })));
  return collectors;
}

/** The policy that refuses 10.66.0.0/16 and gives everything else a community. */
function importPolicy(): Policy {
  const definitions = `{ "policies": { "tag": [
    { "match": { "prefix": "10.66.0.0/16" }, "then": "reject" },
    { "set": { "communities": { "add": ["65000:7"] } }, "then": "accept" }
  ] } }`;
  return compilePolicies(JSON.parse(definitions) as PolicyDefinitions).policy(['tag']);
}

beforeEach(async () => {
  lab = new SpeakerLab();
  collector = new SimCollector(lab);
  a = lab.speaker(A);
  b = lab.speaker(B, { asn: 65002 });
});

async function up(settings: Parameters<typeof peerAt>[1] = {}): Promise<void> {
  a.setPeers([peerAt(B, { asn: 65002, ...settings })]);
  b.setPeers([
    peerAt(A, {
      asn: 64512,
      passive: true,
      ...('families' in settings ? { families: settings.families! } : {}),
    }),
  ]);
  await Promise.all([a.start(), b.start()]);
  lab.untilUp(a, b);
  lab.clock.run(100);
}

describe('a collector', () => {
  test('is told who monitors, who is up with the OPENs as they were, the table, and its end', async () => {
    b.announce('10.1.0.0/16', { med: 5 });
    b.announce('10.2.0.0/16');
    await up();
    monitor(a, [{ statistics: 0 }]);
    lab.clock.run(200);
    const [initiation, peerUp] = collector.messages;
    expect(initiation).toMatchObject({ kind: 'initiation' });
    const { information } = collector.of('initiation')[0]!;
    expect([tlvText(information, SYS_NAME), tlvText(information, SYS_DESCR)]).toEqual(['a', 'podwire']);
    expect(peerUp).toMatchObject({ kind: 'peer-up', peer: { asn: 65002, peerType: 0, flags: 0 } });
    const opens = collector.of('peer-up')[0]!;
    expect(decodeOpen(opens.sentOpen)).toMatchObject({ myAs: 64512, bgpId: 0x0a000001, holdTime: 90 });
    expect(decodeOpen(opens.receivedOpen)).toMatchObject({ myAs: 65002, bgpId: 0x0a000002 });
    expect(formatAddress(opens.localAddress)).toBe(A);
    expect([opens.localPort, opens.remotePort]).toContain(179);
    expect(opens.peer.seconds * 1e6 + opens.peer.microseconds).toBeGreaterThan(0);
    expect(collector.prefixes('adj-rib-in-pre', B)).toEqual(['10.1.0.0/16', '10.2.0.0/16']);
    expect(collector.route('adj-rib-in-pre', B, '10.1.0.0/16')).toMatchObject({
      asPath: '65002',
      med: 5,
      nextHop: '10.0.0.2',
    });
    expect(collector.ends).toEqual(['adj-rib-in-pre 10.0.0.2 ipv4-unicast']);
  });

  test('is told of changes as they come, with the time at which they came', async () => {
    await up();
    monitor(a, [{ statistics: 0 }]);
    lab.clock.run(200);
    b.announce('10.3.0.0/16');
    lab.clock.run(50);
    expect(collector.prefixes('adj-rib-in-pre', B)).toEqual(['10.3.0.0/16']);
    const [monitoring] = collector.of('route-monitoring').slice(-1);
    const at = monitoring!.peer.seconds * 1000 + monitoring!.peer.microseconds / 1000;
    expect(lab.clock.now() - at).toBeLessThan(51);
    b.withdraw('10.3.0.0/16');
    lab.clock.run(50);
    expect(collector.prefixes('adj-rib-in-pre', B)).toEqual([]);
  });

  test('sees with post-policy what import makes of routes, and of new policies', async () => {
    b.announce('10.1.0.0/16');
    b.announce('10.66.0.0/16');
    await up({ importPolicy: importPolicy() });
    monitor(a, [{ statistics: 0, routes: ['pre-policy', 'post-policy'] }]);
    lab.clock.run(200);
    expect(collector.prefixes('adj-rib-in-pre', B)).toEqual(['10.1.0.0/16', '10.66.0.0/16']);
    expect(collector.prefixes('adj-rib-in-post', B)).toEqual(['10.1.0.0/16']);
    expect(collector.route('adj-rib-in-pre', B, '10.1.0.0/16')!.communities).toEqual([]);
    expect(collector.route('adj-rib-in-post', B, '10.1.0.0/16')!.communities).toEqual(['65000:7']);
    a.setPeers([peerAt(B, { asn: 65002 })]);
    lab.clock.run(100);
    expect(collector.prefixes('adj-rib-in-post', B)).toEqual(['10.1.0.0/16', '10.66.0.0/16']);
    expect(collector.route('adj-rib-in-post', B, '10.1.0.0/16')!.communities).toEqual([]);
    a.setPeers([peerAt(B, { asn: 65002, importPolicy: importPolicy() })]);
    lab.clock.run(100);
    expect(collector.prefixes('adj-rib-in-post', B)).toEqual(['10.1.0.0/16']);
    expect(collector.of('peer-down')).toEqual([]);
  });

  test('is told how sessions end: our NOTIFICATION, the one of the peer, or none', async () => {
    await up();
    monitor(a, [{ statistics: 0 }]);
    lab.clock.run(200);
    a.peer(B).clear('reset');
    lab.clock.runUntil(() => collector.of('peer-down').length === 1);
    const ours = collector.of('peer-down')[0]!.cause;
    expect(ours).toMatchObject({ reason: 1 });
    expect(decodeNotification((ours as { notification: Uint8Array }).notification)).toMatchObject({
      code: 6,
      subcode: 4,
    });
    lab.clock.runUntil(() => collector.of('peer-up').length === 2);
    b.peer(A).shutdown({ message: 'bye' });
    lab.clock.runUntil(() => collector.of('peer-down').length === 2);
    const theirs = collector.of('peer-down')[1]!.cause;
    expect(theirs).toMatchObject({ reason: 3 });
    expect(decodeNotification((theirs as { notification: Uint8Array }).notification)).toMatchObject({
      code: 6,
      subcode: 2,
    });
    b.peer(A).enable();
    lab.clock.runUntil(() => collector.of('peer-up').length === 3);
    await lab.stop(b, { restart: true });
    lab.clock.runUntil(() => collector.of('peer-down').length === 3);
    expect(collector.of('peer-down')[2]!.cause).toEqual({ reason: 4 });
  });

  test('gets Peer Downs and a Termination when the speaker ends', async () => {
    await up();
    const collectors = monitor(a, [{ statistics: 0 }]);
    lab.clock.run(200);
    await lab.stop(a, { restart: true });
    await lab.clock.outcome(collectors.close());
    lab.clock.run(10);
    expect(collector.of('peer-down').map(({ cause }) => cause)).toEqual([{ reason: 2, fsmEvent: 2 }]);
    expect(collector.messages.at(-1)!.kind).toBe('termination');
    expect(terminationReason(collector.of('termination')[0]!)).toBe(0);
    expect(collector.connection).toBeUndefined();
  });

  test('is told so when it is taken out of the configuration; one that stays keeps its connection', async () => {
    await up();
    const collectors = monitor(a, [{ statistics: 0 }]);
    lab.clock.run(200);
    collectors.configure([{ ...COLLECTOR, statistics: 0 }]);
    lab.clock.run(200);
    expect([collector.connections, collector.of('termination').length]).toEqual([1, 0]);
    collectors.configure([]);
    lab.clock.run(200);
    expect(terminationReason(collector.of('termination')[0]!)).toBe(PERMANENTLY_CLOSED);
    lab.clock.run(100_000);
    expect(collector.connections).toBe(1);
  });

  test('is dialled again, at longer and longer intervals, and then gets everything anew', async () => {
    b.announce('10.1.0.0/16');
    await up();
    monitor(a, [{ statistics: 0 }]);
    lab.clock.run(200);
    collector.connection!.destroy();
    lab.clock.run(100);
    expect(collector.prefixes('adj-rib-in-pre', B)).toEqual(['10.1.0.0/16']);
    lab.clock.runUntil(() => collector.connections === 2);
    lab.clock.run(100);
    expect(collector.of('initiation')).toHaveLength(2);
    expect(collector.prefixes('adj-rib-in-pre', B)).toEqual(['10.1.0.0/16']);
    const dials: number[] = [];
    for (let i = 0; i < 5; i++) {
      const { connections } = collector;
      const before = lab.clock.now();
      collector.connection!.destroy();
      lab.clock.runUntil(() => collector.connections > connections, 100_000);
      dials.push(lab.clock.now() - before);
      lab.clock.run(10);
    }
    expect(dials.at(-1)!).toBeGreaterThan(dials[0]! * 4);
  });

  test('gets statistics at its interval', async () => {
    b.announce('10.1.0.0/16');
    b.announce('10.66.0.0/16');
    a.announce('10.9.0.0/16');
    await up({ importPolicy: importPolicy() });
    monitor(a, [{ statistics: 10, routes: ['post-policy'] }]);
    lab.clock.run(25_000);
    const reports = collector.of('statistics-report');
    expect(reports).toHaveLength(2);
    const { statistics } = reports[1]!;
    const value = (type: number): number =>
      Number((statistics.find((each) => each.type === type) as { value: bigint }).value);
    expect([value(0), value(7), value(9), value(11), value(15)]).toEqual([1, 2, 2, 0, 1]);
  });

  test('sees the best routes and what peers are sent, where it is to', async () => {
    b.announce('10.1.0.0/16');
    a.announce('10.9.0.0/16');
    await up();
    monitor(a, [{ statistics: 0, routes: ['loc-rib', 'adj-rib-out'] }]);
    lab.clock.run(200);
    expect(collector.prefixes('loc-rib', '0.0.0.0')).toEqual(['10.1.0.0/16', '10.9.0.0/16']);
    expect(collector.prefixes('adj-rib-out-post', B)).toEqual(['10.9.0.0/16']);
    expect(collector.route('adj-rib-out-post', B, '10.9.0.0/16')!.asPath).toBe('64512');
    expect(collector.ends.sort()).toEqual([
      'adj-rib-out-post 10.0.0.2 ipv4-unicast',
      'loc-rib 0.0.0.0 ipv4-unicast',
    ]);
    a.announce('10.8.0.0/16');
    a.withdraw('10.9.0.0/16');
    b.withdraw('10.1.0.0/16');
    lab.clock.run(200);
    expect(collector.prefixes('loc-rib', '0.0.0.0')).toEqual(['10.8.0.0/16']);
    expect(collector.prefixes('adj-rib-out-post', B)).toEqual(['10.8.0.0/16']);
    expect(collector.prefixes('adj-rib-in-pre', B)).toEqual([]);
  });

  test('reads IPv6 and several paths of a prefix as the OPENs say', async () => {
    const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
    b.announce('2001:db8:1::/48');
    b.announce('10.1.0.0/16');
    await up({ families });
    monitor(a, [{ statistics: 0 }]);
    lab.clock.run(200);
    expect(collector.prefixes('adj-rib-in-pre', B)).toEqual(['10.1.0.0/16', '2001:db8:1::/48']);
    expect(collector.ends).toHaveLength(2);
  });
});

describe('a collector that does not keep up', () => {
  test('is told to forget a peer and gets its whole table, once more changes wait than may', async () => {
    await up();
    monitor(a, [{ statistics: 0 }], 2000);
    lab.clock.run(200);
    // Many changes in one turn, before anything is written.
    for (let i = 0; i < 60; i++) b.announce(`10.1.${i}.0/24`, { med: i });
    lab.clock.run(200);
    expect(collector.of('peer-down').map(({ cause }) => cause)).toEqual([{ reason: 5 }]);
    expect(collector.of('peer-up')).toHaveLength(2);
    expect(collector.prefixes('adj-rib-in-pre', B)).toHaveLength(60);
    expect(collector.route('adj-rib-in-pre', B, '10.1.59.0/24')!.med).toBe(59);
    b.withdraw('10.1.59.0/24');
    lab.clock.run(200);
    expect(collector.prefixes('adj-rib-in-pre', B)).toHaveLength(59);
  });

  test('costs nothing more while it takes nothing, and is given up after two minutes', async () => {
    await up();
    const inner = lab.net.tcp(A);
    let writes = 0;
    /** Takes the first octets into its queue, and then nothing. */
    const full: TcpPort = {
      ...inner,
      connect(remote, options, handler) {
        const connection = inner.connect(remote, options, handler);
        return {
          local: connection.local,
          remote: connection.remote,
          queued: 100_000,
          write: () => {
            writes += 1;
            return false;
          },
          end: () => connection.end(),
          destroy: () => connection.destroy(),
        };
      },
    };
    const ports = { clock: lab.clock, random: seededRandom(5), tcp: full, log: silentLog };
    new BmpCollectors(a, ports, { sysName: 'a', sysDescr: 'a' }).configure([{ ...COLLECTOR, statistics: 1 }]);
    lab.clock.run(1000);
    expect([writes, collector.connections]).toEqual([1, 1]);
    b.announce('10.1.0.0/16');
    lab.clock.run(100_000);
    expect([writes, collector.connections]).toEqual([1, 1]);
    expect(a.neighbors()[0]!.state).toBe('Established');
    lab.clock.run(40_000);
    expect([writes, collector.connections]).toEqual([2, 2]);
  });
});
