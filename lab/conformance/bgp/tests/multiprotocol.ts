/** MP_REACH_NLRI and MP_UNREACH_NLRI: RFC 4760, RFC 7606 §5 and §7.11, RFC 8950. */
import { formatAddress } from '../../../../protocol/ip/prefix.ts';
import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import {
  attribute,
  extendedCommunities,
  MP_REACH,
  MP_UNREACH,
  mpReach,
  mpUnreach,
  NEXT_HOP,
  nextHop,
  OPTIONAL,
  TRANSITIVE,
} from '../wire/attributes.ts';
import { update } from '../wire/build.ts';
import { address, bytes, hex, nlri, u16, u32 } from '../wire/bytes.ts';
import {
  CAP_EXTENDED_NEXT_HOP,
  extendedNextHop,
  IPV4_UNICAST,
  IPV6_UNICAST,
  L2VPN_EVPN,
} from '../wire/capabilities.ts';
import { fate, ipv6PairOf, lastWord, type Pair, pairOf, requireFamily, survives } from './route-steps.ts';

const EVPN: Need = { kind: 'ebgp', features: ['evpn'] };
const EXTENDED_NEXT_HOP: Need = { kind: 'ebgp', features: ['extended-next-hop'] };
/** First octets of MP_REACH_NLRI and MP_UNREACH_NLRI for IPv6 unicast. */
const IPV6 = bytes(u16(2), 1);

/** An UPDATE with an MP_REACH_NLRI made by hand beside the other mandatory attributes. */
function reaching(source: Peer, reach: Uint8Array): Uint8Array {
  return update({ attributes: [reach, ...source.attributes({ omit: [NEXT_HOP] })] });
}

/**
 * Step: an UPDATE after which the MP attribute cannot be trusted. The target drops all IPv6 routes of the peer, and
 * either ends the session or ignores IPv6 routes from then on.
 * @param subcode of the NOTIFICATION; undefined: any.
 */
async function resetOrDisabled(
  t: Scene,
  name: string,
  stimulus: (source: Peer, prefix: string) => Uint8Array,
  subcode?: number,
): Promise<void> {
  await t.step(name, async () => {
    const pair = await ipv6PairOf(t);
    await loseFamily(t, pair, stimulus(pair.source, t.prefix6()));
    if ((await fate(t, pair)) === 'alive') return;
    const { source } = pair;
    const last = source.received.findLast(({ body }) => body.kind === 'notification')?.body;
    const right =
      last?.kind === 'notification' && last.code === 3 && (subcode === undefined || last.subcode === subcode);
    t.check(
      right,
      `expected NOTIFICATION 3/${subcode ?? 'any'}, but the session ended (${lastWord(source)})`,
    );
  });
}

/** Sends a bad MP attribute after a good IPv6 route, and waits until that is gone. */
async function loseFamily(t: Scene, { source, observer }: Pair, stimulus: Uint8Array): Promise<string> {
  const older = t.prefix6();
  source.announce(older);
  await observer.expectRoute(older);
  source.send(stimulus);
  await observer.expectNoRoute(older);
  return older;
}

/** MP_REACH_NLRI for IPv6 whose next hop has an impossible length. */
function nextHopOfLength(length: number): (source: Peer, prefix: string) => Uint8Array {
  return (source, prefix) =>
    reaching(source, mpReach(IPV6_UNICAST, new Uint8Array(length).fill(0x20), [nlri(prefix)]));
}

export const MULTIPROTOCOL_TESTS: readonly Requirement[] = [
  {
    id: 'MP-1',
    rfc: 'RFC 7606 7.11, RFC 4760 7',
    level: 'must',
    title: 'Next hop of an impossible length',
    stimulus: 'IPv6 routes with a next hop of 0, 4, 15 and 17 octets',
    expected:
      "NOTIFICATION 3/9 and close, or all IPv6 routes of the peer are dropped and later ones ignored (the subcode is RFC 4760's SHOULD)",
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      for (const length of [0, 4, 15, 17]) {
        await resetOrDisabled(t, `${length} octets`, nextHopOfLength(length), 9);
      }
    },
  },
  {
    id: 'MP-2',
    rfc: 'RFC 7606 5.3',
    level: 'must',
    title: 'MP attributes that cannot be read',
    stimulus:
      'MP_REACH_NLRI of 4 octets; MP_UNREACH_NLRI of 2; an IPv6 prefix of length 129 in each; one that runs past each; a next hop that runs past the attribute; each with the Transitive bit, each well-known',
    expected: 'NOTIFICATION 3 and close, or all IPv6 routes of the peer are dropped and later ones ignored',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const tooLong = bytes(129, new Uint8Array(17).fill(0x20));
      const overrun = bytes(48, 0x20, 0x01);
      const reachOf = (source: Peer, list: readonly Uint8Array[]): Uint8Array =>
        reaching(source, mpReach(IPV6_UNICAST, source.identity.nextHop6, list));
      const unreachOf = (value: Uint8Array, flags = OPTIONAL): Uint8Array =>
        update({ attributes: [attribute(flags, MP_UNREACH, value)] });
      const withFlags = (source: Peer, prefix: string, flags: number): Uint8Array => {
        const value = bytes(IPV6, 16, source.identity.nextHop6, 0, nlri(prefix));
        return reaching(source, attribute(flags, MP_REACH, value));
      };
      const cases: Readonly<Record<string, (source: Peer, prefix: string) => Uint8Array>> = {
        'MP_REACH_NLRI of 4 octets': (source) =>
          reaching(source, attribute(OPTIONAL, MP_REACH, bytes(IPV6, 0))),
        'MP_UNREACH_NLRI of 2 octets': () => unreachOf(u16(2)),
        'length 129 in MP_REACH_NLRI': (source, prefix) => reachOf(source, [nlri(prefix), tooLong]),
        'length 129 in MP_UNREACH_NLRI': (_, prefix) => unreachOf(bytes(IPV6, nlri(prefix), tooLong)),
        'overrun in MP_REACH_NLRI': (source, prefix) => reachOf(source, [nlri(prefix), overrun]),
        'overrun in MP_UNREACH_NLRI': (_, prefix) => unreachOf(bytes(IPV6, nlri(prefix), overrun)),
        'next hop overruns': (source) =>
          reaching(source, mpReach(IPV6_UNICAST, source.identity.nextHop6, [], { nextHopLength: 32 })),
        'MP_REACH_NLRI transitive': (source, prefix) => withFlags(source, prefix, OPTIONAL | TRANSITIVE),
        'MP_REACH_NLRI well-known': (source, prefix) => withFlags(source, prefix, TRANSITIVE),
        'MP_UNREACH_NLRI transitive': (_, prefix) =>
          unreachOf(bytes(IPV6, nlri(prefix)), OPTIONAL | TRANSITIVE),
        'MP_UNREACH_NLRI well-known': (_, prefix) => unreachOf(bytes(IPV6, nlri(prefix)), TRANSITIVE),
      };
      for (const [name, stimulus] of Object.entries(cases)) await resetOrDisabled(t, name, stimulus);
    },
  },
  {
    id: 'MP-3',
    rfc: 'RFC 4760 7',
    level: 'must',
    title: 'Routes of a family whose attribute was wrong',
    stimulus:
      'a good IPv6 route, then an MP_REACH_NLRI with an IPv6 prefix of length 129, then the good one again',
    expected:
      'all IPv6 routes of the peer are dropped; where the target does not end the session, it ignores later ones (SHOULD)',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const tooLong = bytes(129, new Uint8Array(17).fill(0x20));
      const disable = async (): Promise<readonly [Pair, string]> => {
        const pair = await ipv6PairOf(t);
        const { source } = pair;
        const bad = reaching(source, mpReach(IPV6_UNICAST, source.identity.nextHop6, [tooLong]));
        return [pair, await loseFamily(t, pair, bad)];
      };
      await t.step('its routes are dropped', async () => {
        await disable();
      });
      await t.step('later ones are ignored', async () => {
        const [pair, older] = await disable();
        const { source, observer } = pair;
        if ((await fate(t, pair)) === 'closed') t.notApplicable('the target ends the session instead');
        source.announce(older);
        await survives(t, pair);
        t.check(
          observer.routesTo(older).length === 0,
          'expected IPv6 routes to be ignored, but one came out',
        );
      });
    },
  },
  {
    id: 'MP-4',
    rfc: 'RFC 4760 3',
    level: 'should',
    title: 'Octets and attributes to be ignored',
    stimulus:
      'reserved octet of MP_REACH_NLRI 255; NEXT_HOP beside MP_REACH_NLRI in an UPDATE without other routes',
    expected: 'both are ignored: the routes are accepted',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await t.step('reserved octet 255', async () => {
        const pair = await ipv6PairOf(t);
        const { source, observer } = pair;
        const prefix = t.prefix6();
        const hop = source.identity.nextHop6;
        source.send(reaching(source, mpReach(IPV6_UNICAST, hop, [nlri(prefix)], { reserved: 255 })));
        await observer.expectRoute(prefix);
        await survives(t, pair);
      });
      await t.step('NEXT_HOP beside it', async () => {
        const pair = await ipv6PairOf(t);
        const { source, observer } = pair;
        const prefix = t.prefix6();
        const reach = mpReach(IPV6_UNICAST, source.identity.nextHop6, [nlri(prefix)]);
        const attributes = source.attributes({ extra: [nextHop('203.0.113.99')] });
        source.send(update({ attributes: [reach, ...attributes] }));
        const route = await observer.expectRoute(prefix);
        t.check(route.nextHop.length >= 16, `expected an IPv6 next hop, got ${route.nextHopText}`);
        await survives(t, pair);
      });
    },
  },
  {
    id: 'MP-5',
    rfc: 'RFC 7606 5.1',
    level: 'must',
    title: 'How the target itself sends routes',
    stimulus: 'IPv4 and IPv6 routes that it passes on, and their withdrawals',
    expected:
      'an MP attribute is the first one; no UPDATE has more than one of NLRI, withdrawn routes, MP_REACH_NLRI and MP_UNREACH_NLRI',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const pair = await ipv6PairOf(t);
      const { source, observer } = pair;
      const prefixes = [t.prefix(), t.prefix6(), t.prefix(), t.prefix6()];
      for (const prefix of prefixes) source.announce(prefix);
      for (const prefix of prefixes) await observer.expectRoute(prefix);
      for (const prefix of prefixes) source.withdraw(prefix);
      for (const prefix of prefixes) await observer.expectNoRoute(prefix);
      for (const { body } of observer.received) {
        if (body.kind !== 'update') continue;
        const types = body.attributes.map(({ type }) => type);
        const mp = types.filter((type) => type === MP_REACH || type === MP_UNREACH);
        t.check(
          mp.every((type) => types.indexOf(type) < mp.length),
          `expected the MP attribute first, got the types ${types.join(', ')}`,
        );
        const { withdrawn, nlri: announced } = body.fields;
        const fields = mp.length + (withdrawn.length > 0 ? 1 : 0) + (announced.length > 0 ? 1 : 0);
        t.check(fields <= 1, `expected one field with routes in each UPDATE, got ${fields}`);
      }
    },
  },
  {
    id: 'MP-6',
    rfc: 'RFC 7606 5.1',
    level: 'must',
    title: 'Every field in one UPDATE, in any order',
    stimulus:
      'withdrawn routes, NLRI, MP_UNREACH_NLRI and MP_REACH_NLRI in one UPDATE, the MP attributes last, and in the middle',
    expected: 'each takes effect',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      for (const place of ['last', 'in the middle'] as const) {
        await t.step(`MP attributes ${place}`, async () => {
          const pair = await ipv6PairOf(t);
          const { source, observer } = pair;
          const [old4, old6, new4, new6] = [t.prefix(), t.prefix6(), t.prefix(), t.prefix6()];
          source.announce(old4);
          source.announce(old6);
          await observer.expectRoute(old4);
          await observer.expectRoute(old6);
          const mp = [
            mpUnreach(IPV6_UNICAST, [nlri(old6)]),
            mpReach(IPV6_UNICAST, source.identity.nextHop6, [nlri(new6)]),
          ];
          const usual = source.attributes();
          const at = place === 'last' ? usual.length : 1;
          const attributes = [...usual.slice(0, at), ...mp, ...usual.slice(at)];
          source.send(update({ withdrawn: [nlri(old4)], attributes, nlri: [nlri(new4)] }));
          await observer.expectRoute(new4);
          await observer.expectRoute(new6);
          await observer.expectNoRoute(old4);
          await observer.expectNoRoute(old6);
          await survives(t, pair);
        });
      }
    },
  },
  {
    id: 'MP-7',
    rfc: 'RFC 8950 3, 4',
    level: 'must',
    title: 'IPv4 routes with IPv6 next hops',
    stimulus:
      'IPv4 NLRI in MP_REACH_NLRI with a next hop of 16 and of 32 octets, the capability both ways; to an internal peer with the capability and to one without',
    expected:
      'accepted, and passed on with an IPv6 next hop to the one with the capability; never with one to the other',
    needs: [EXTENDED_NEXT_HOP, { kind: 'ibgp', features: ['extended-next-hop'] }],
    async run(t) {
      const able = { capabilities: [extendedNextHop()] };
      const both = { source: EXTENDED_NEXT_HOP, sourceOptions: able } as const;
      const internal: Need = { kind: 'ibgp', features: ['extended-next-hop'] };
      const announce = (source: Peer, hop: Uint8Array): string => {
        if (!source.targetHas(CAP_EXTENDED_NEXT_HOP)) {
          t.notApplicable('the target does not offer extended next hops');
        }
        const prefix = t.prefix();
        source.send(reaching(source, mpReach(IPV4_UNICAST, hop, [nlri(prefix)])));
        return prefix;
      };
      for (const length of [16, 32]) {
        await t.step(`${length} octets, to a peer with the capability`, async () => {
          const pair = await pairOf(t, { ...both, observer: internal, observerOptions: able });
          const { source, observer } = pair;
          const hop = source.identity.nextHop6;
          const prefix = announce(source, length === 16 ? hop : bytes(hop, address('fe80::1')));
          const route = await observer.expectRoute(prefix);
          t.check(
            route.nextHop.length >= 16,
            `expected an IPv6 next hop such as ${formatAddress(hop)}, got ${route.nextHopText}`,
          );
          await survives(t, pair);
        });
      }
      await t.step('to a peer without the capability', async () => {
        const pair = await pairOf(t, { ...both, observer: internal });
        const { source, observer } = pair;
        const prefix = announce(source, source.identity.nextHop6);
        await survives(t, pair);
        const wrong = observer.historyOf(prefix).some(({ route }) => (route?.nextHop.length ?? 0) > 4);
        t.check(!wrong, 'expected no IPv6 next hop, got one');
      });
    },
  },
  {
    id: 'MP-8',
    rfc: 'RFC 7606 5.4',
    level: 'should',
    title: 'EVPN route of an unknown type',
    stimulus: 'an EVPN route of type 99 before a MAC/IP advertisement in one MP_REACH_NLRI',
    expected: 'the route of the unknown type alone is discarded',
    needs: [EVPN, { kind: 'ebgp2', features: ['evpn'] }],
    async run(t) {
      const families = { families: [IPV4_UNICAST, L2VPN_EVPN] };
      const pair = await pairOf(t, {
        source: EVPN,
        observer: { kind: 'ebgp2', features: ['evpn'] },
        sourceOptions: families,
        observerOptions: families,
      });
      requireFamily(t, pair, L2VPN_EVPN, 'EVPN');
      const { source, observer } = pair;
      const unknown = bytes(99, 4, 1, 2, 3, 4);
      const mac = macRoute(source.identity.bgpId);
      const target = bytes(0, 2, u16(64900), u32(100));
      const vxlan = bytes(3, 0x0c, 0, 0, 0, 0, u16(8));
      const attributes = source.attributes({ omit: [NEXT_HOP], extra: [extendedCommunities(target, vxlan)] });
      const reach = mpReach(L2VPN_EVPN, source.identity.nextHop, [unknown, mac]);
      source.send(update({ attributes: [reach, ...attributes] }));
      await observer.expectRoute(`25/70 ${hex(mac)}`);
      await survives(t, pair);
    },
  },
];

/** A MAC/IP advertisement (RFC 7432 §7.2) without an IP address, whose route distinguisher is the peer's own. */
function macRoute(id: number): Uint8Array {
  const body = bytes(u16(1), u32(id), u16(7), new Uint8Array(10), u32(0), 48, 2, 0, 0, 0, 0, 1, 0, 0, 0, 100);
  return bytes(2, body.length, body);
}
