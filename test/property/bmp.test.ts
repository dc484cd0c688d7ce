// BMP messages of any content, and what a collector believes after any sequence of changes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BmpCollectors } from '../../agents/bmp/collectors.ts';
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { beginMessage, endMessage, NOTIFICATION, OPEN, UPDATE } from '../../protocol/bgp/message/header.ts';
import { compilePolicies } from '../../protocol/bgp/policy/compile.ts';
import type { PolicyDefinitions } from '../../protocol/bgp/policy/definition.ts';
import { type BmpMessage, decodeBmp, writeBmp } from '../../protocol/bmp/message.ts';
import type { DownCause } from '../../protocol/bmp/peer-down.ts';
import type { PeerHeader } from '../../protocol/bmp/peer-header.ts';
import type { Statistic } from '../../protocol/bmp/statistics.ts';
import { BmpStream } from '../../protocol/bmp/stream.ts';
import { silentLog } from '../support/bgp.ts';
import { seededRandom } from '../support/sim-net.ts';
import { peerAt, SpeakerLab } from '../support/speaker-lab.ts';
import { COLLECTOR, SimCollector } from '../unit/bmp/collector-sim.ts';

const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffffffff);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const octets = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

const peer: fc.Arbitrary<PeerHeader> = fc
  .record({ size: fc.constantFrom(4, 16), peerType: fc.nat(4), flags: fc.nat(0x7f) })
  .chain(({ size, peerType, flags }) =>
    fc.record({
      peerType: fc.constant(peerType),
      flags: fc.constant(flags),
      distinguisher: octets(8),
      // A Loc-RIB has no address of IPv6.
      address: octets(peerType === 3 ? 4 : size),
      asn: uint32,
      bgpId: uint32,
      seconds: uint32,
      microseconds: uint32,
    }),
  );

/** A BGP message of which only the header makes sense. */
const pdu = (type: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength: 40 }).map((body) => {
    const writer = new ByteWriter();
    const start = beginMessage(writer, type);
    writer.append(body);
    endMessage(writer, start);
    return writer.finish();
  });

const tlvs = fc.array(fc.record({ type: uint16, value: fc.uint8Array({ maxLength: 30 }) }), { maxLength: 4 });

const statistic: fc.Arbitrary<Statistic> = fc.oneof(
  fc.record({ kind: fc.constant('counter' as const), type: uint16, value: uint32 }),
  fc.record({ kind: fc.constant('gauge' as const), type: uint16, value: uint64 }),
  fc.record({
    kind: fc.constant('family-gauge' as const),
    type: uint16,
    family: fc.record({ afi: uint16, safi: fc.nat(255) }),
    value: uint64,
  }),
  fc.record({ kind: fc.constant('opaque' as const), type: uint16, value: octets(5) }),
);

const cause: fc.Arbitrary<DownCause> = fc.oneof(
  fc.record({ reason: fc.constantFrom(1 as const, 3 as const), notification: pdu(NOTIFICATION) }),
  fc.record({ reason: fc.constant(2 as const), fsmEvent: uint16 }),
  fc.record({ reason: fc.constantFrom(4 as const, 5 as const) }),
  fc.record({ reason: fc.constant(6 as const), information: tlvs }),
  fc.record({
    reason: fc.constant('other' as const),
    code: fc.integer({ min: 7, max: 255 }),
    data: fc.uint8Array({ maxLength: 20 }),
  }),
);

const message: fc.Arbitrary<BmpMessage> = fc.oneof(
  fc.record({ kind: fc.constant('route-monitoring' as const), peer, update: pdu(UPDATE) }),
  fc.record({
    kind: fc.constant('statistics-report' as const),
    peer,
    statistics: fc.array(statistic, { maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('peer-down' as const), peer, cause }),
  peer.chain((header) =>
    fc.record({
      kind: fc.constant('peer-up' as const),
      peer: fc.constant(header),
      localAddress: octets(header.address.length),
      localPort: uint16,
      remotePort: uint16,
      sentOpen: pdu(OPEN),
      receivedOpen: pdu(OPEN),
      information: tlvs,
    }),
  ),
  fc.record({ kind: fc.constantFrom('initiation' as const, 'termination' as const), information: tlvs }),
  fc.record({ kind: fc.constant('route-mirroring' as const), peer, items: tlvs }),
);

test('messages are read as they were written, however the stream comes in pieces', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.integer({ min: 1, max: 200 }), (messages, size) => {
      const writer = new ByteWriter();
      for (const each of messages) writeBmp(writer, each);
      const octetsOfAll = writer.finish();
      const stream = new BmpStream();
      const read: unknown[] = [];
      for (let at = 0; at < octetsOfAll.length; at += size) {
        for (const { bytes, offset } of stream.messages(octetsOfAll.slice(at, at + size))) {
          read.push(decodeBmp(bytes.slice(), offset));
        }
      }
      expect(read).toEqual(messages);
    }),
    { numRuns: 300 },
  );
});

const A = '10.0.0.1';
const B = '10.0.0.2';

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ what: fc.constant('announce' as const), route: fc.nat(30), med: fc.nat(3) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('withdraw' as const), route: fc.nat(30), med: fc.nat(0) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constantFrom(
        'policy' as const,
        'reset' as const,
        'collector' as const,
        'burst' as const,
        'refresh' as const,
      ),
      route: fc.nat(30),
      med: fc.nat(3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('wait' as const), route: fc.nat(300), med: fc.nat(0) }),
  },
);

/** Refuses what has this MED. */
function refusing(med: number): {
  readonly importPolicy?: ReturnType<ReturnType<typeof compilePolicies>['policy']>;
} {
  if (med === 0) return {};
  const definitions = `{ "policies": { "p": [
    { "match": { "med": ${med} }, "then": "reject" },
    { "set": { "localPref": ${100 + med} }, "then": "accept" }
  ] } }`;
  return { importPolicy: compilePolicies(JSON.parse(definitions) as PolicyDefinitions).policy(['p']) };
}

test('whatever happened, a collector believes in the end what the speaker has', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(500, 100_000),
      async (steps, limit) => {
        const lab = new SpeakerLab();
        const collector = new SimCollector(lab);
        const a = lab.speaker(A);
        const b = lab.speaker(B, { asn: 65002 });
        const families = ['ipv4-unicast', 'ipv6-unicast'] as const;
        const neighbour = { asn: 65002, families };
        a.setPeers([peerAt(B, neighbour)]);
        b.setPeers([peerAt(A, { passive: true, families })]);
        await Promise.all([a.start(), b.start()]);
        const ports = { clock: lab.clock, random: seededRandom(3), tcp: lab.net.tcp(A), log: silentLog };
        const collectors = new BmpCollectors(a, ports, { sysName: 'a', sysDescr: 'a' }, limit);
        const routes = ['pre-policy', 'post-policy', 'loc-rib', 'adj-rib-out'] as const;
        collectors.configure([{ ...COLLECTOR, statistics: 0, routes }]);
        a.announce('10.200.0.0/16');
        const name = (route: number): string =>
          route % 3 === 0 ? `2001:db8:${route}::/48` : `10.1.${route}.0/24`;
        for (const { what, route, med } of steps) {
          if (what === 'announce') b.announce(name(route), { med });
          else if (what === 'withdraw') b.withdraw(name(route));
          else if (what === 'policy') a.setPeers([peerAt(B, { ...neighbour, ...refusing(med) })]);
          else if (what === 'reset') a.peer(B).clear('reset');
          else if (what === 'collector') collector.connection?.destroy();
          else if (what === 'burst') for (let i = 0; i <= route; i++) b.announce(name(i), { med });
          else if (what === 'refresh')
            a.peer(B).session.machine.state === 'Established' && a.peer(B).requestRefresh();
          else lab.clock.run(route);
        }
        lab.untilUp(a, b);
        lab.clock.runUntil(() => collector.connection !== undefined, 200_000);
        lab.clock.run(1000);
        const received = a.adjRibIn(B);
        const names = (paths: readonly { readonly prefix: string }[]): string[] =>
          paths.map(({ prefix }) => prefix).sort();
        expect(collector.prefixes('adj-rib-in-pre', B)).toEqual(names(received));
        const accepted = received.filter(({ ineligible }) => ineligible === undefined);
        expect(collector.prefixes('adj-rib-in-post', B)).toEqual(names(accepted));
        for (const { prefix, med } of received) {
          expect(collector.route('adj-rib-in-pre', B, prefix)!.med).toBe(med);
        }
        const best = a.rib().filter((path) => path.best);
        expect(collector.prefixes('loc-rib', '0.0.0.0')).toEqual(names(best));
        for (const { prefix, med, localPref } of best) {
          expect(collector.route('loc-rib', '0.0.0.0', prefix)).toMatchObject(
            JSON.parse(JSON.stringify({ med, localPref })) as object,
          );
        }
        expect(collector.prefixes('adj-rib-out-post', B)).toEqual(names(a.adjRibOut(B)));
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
