/** UPDATE messages that are wrong as a whole: RFC 4271 §6.3, RFC 7606 §3 to §5.2. Single attributes: attribute.ts. */
import { OBSERVER, type Requirement } from '../requirement.ts';
import {
  AGGREGATOR,
  AS_PATH,
  ATOMIC_AGGREGATE,
  attribute,
  COMMUNITIES,
  communities,
  EXTENDED_LENGTH,
  LARGE_COMMUNITIES,
  LOCAL_PREF,
  MED,
  mpReach,
  mpUnreach,
  NEXT_HOP,
  OPTIONAL,
  ORIGIN,
  origin,
  pathValue,
  sequence,
  TRANSITIVE,
} from '../wire/attributes.ts';
import { update } from '../wire/build.ts';
import { bytes, nlri } from '../wire/bytes.ts';
import { IPV6_UNICAST } from '../wire/capabilities.ts';
import {
  announcement,
  announcementOf,
  attributeDiscarded,
  ipv6PairOf,
  pairOf,
  routeArrives,
  sessionReset,
  survives,
  treatedAsWithdraw,
  UNASSIGNED,
} from './route-steps.ts';

const WELL_KNOWN = TRANSITIVE;
const OPTIONAL_TRANSITIVE = OPTIONAL | TRANSITIVE;
/** Malformed for all speakers: ORIGIN has the values 0 to 2. */
const BAD_ORIGIN = origin(3);

export const UPDATE_ERROR_TESTS: readonly Requirement[] = [
  {
    id: 'UPD-1',
    rfc: 'RFC 4271 6.3, RFC 7606 3 b',
    level: 'must',
    title: 'Section lengths that exceed the message',
    stimulus:
      'Withdrawn Routes Length one octet and 65535 octets too large; Total Path Attribute Length one octet too large, alone and behind withdrawn routes',
    expected: 'NOTIFICATION 3/1 and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      const malformed = [3, 1] as const;
      await sessionReset(
        t,
        'withdrawn routes, by one octet',
        // Behind the withdrawn routes there are the two octets of the other length: three more are one too many.
        (_, prefix) => update({ withdrawn: [nlri(prefix)], withdrawnLength: nlri(prefix).length + 3 }),
        malformed,
      );
      await sessionReset(
        t,
        'withdrawn routes, 65535',
        (source, prefix) =>
          update({ withdrawnLength: 0xffff, attributes: source.attributes(), nlri: [nlri(prefix)] }),
        malformed,
      );
      await sessionReset(
        t,
        'attributes, by one octet',
        (source) => {
          const attributes = source.attributes();
          return update({ attributes, attributesLength: bytes(...attributes).length + 1 });
        },
        malformed,
      );
      await sessionReset(
        t,
        'both together',
        (source, prefix) => {
          const attributes = source.attributes();
          const attributesLength = bytes(...attributes, nlri(prefix)).length + 1;
          return update({ withdrawn: [nlri(prefix)], attributes, attributesLength, nlri: [nlri(prefix)] });
        },
        malformed,
      );
    },
  },
  {
    id: 'UPD-2',
    rfc: 'RFC 7606 5.2',
    level: 'must',
    title: 'Attribute errors without reachable NLRI',
    stimulus:
      'bad ORIGIN and no NLRI; bad ORIGIN beside MP_UNREACH_NLRI; ATOMIC_AGGREGATE with length 1 and no NLRI',
    expected: 'NOTIFICATION 3 and close in the first two cases; the session stays in the third',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await sessionReset(
        t,
        'treat-as-withdraw error, no NLRI',
        (source) => update({ attributes: source.attributes({ extra: [BAD_ORIGIN] }) }),
        [3],
      );
      await t.step('treat-as-withdraw error beside MP_UNREACH_NLRI', async () => {
        const { source } = await ipv6PairOf(t);
        const gone = mpUnreach(IPV6_UNICAST, [nlri(t.prefix6())]);
        source.send(update({ attributes: [gone, BAD_ORIGIN] }));
        await source.expectReset(3);
      });
      await t.step('attribute discard error, no NLRI', async () => {
        const pair = await pairOf(t);
        const wrong = attribute(WELL_KNOWN, ATOMIC_AGGREGATE, 0);
        pair.source.send(update({ attributes: pair.source.attributes({ extra: [wrong] }) }));
        await survives(t, pair);
      });
    },
  },
  {
    id: 'UPD-3',
    rfc: 'RFC 4271 6.3',
    level: 'must',
    title: 'Correct attributes without NLRI',
    stimulus: 'an UPDATE with the mandatory attributes and no routes',
    expected: 'it is valid: the session stays, and the routes are as before',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const pair = await pairOf(t);
      const { source, observer } = pair;
      const prefix = t.prefix();
      source.announce(prefix);
      await observer.expectRoute(prefix);
      source.send(update({ attributes: source.attributes({ origin: 2 }) }));
      await survives(t, pair);
      // The same route may have been sent twice: when the session came up, and when it was learned.
      const unchanged = observer
        .historyOf(prefix)
        .every(({ route }) => route?.attribute(ORIGIN)?.value[0] === 0);
      t.check(unchanged, `expected ${prefix} to stay as it was, but the target changed or withdrew it`);
    },
  },
  {
    id: 'UPD-4',
    rfc: 'RFC 7606 3 d',
    level: 'must',
    title: 'Mandatory attribute missing',
    stimulus:
      'no ORIGIN; no AS_PATH; no NEXT_HOP with routes in the NLRI field; IPv6 routes with no ORIGIN, and with no AS_PATH',
    expected: 'the routes are treated as withdrawn, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      for (const [name, type] of [
        ['ORIGIN', ORIGIN],
        ['AS_PATH', AS_PATH],
        ['NEXT_HOP', NEXT_HOP],
      ] as const) {
        await treatedAsWithdraw(t, `no ${name}`, (source, prefix) =>
          announcement(source, prefix, { omit: [type] }),
        );
      }
      for (const [name, type] of [
        ['ORIGIN', ORIGIN],
        ['AS_PATH', AS_PATH],
      ] as const) {
        await t.step(`IPv6, no ${name}`, async () => {
          const pair = await ipv6PairOf(t);
          const { source, observer } = pair;
          const prefix = t.prefix6();
          source.announce(prefix);
          await observer.expectRoute(prefix);
          source.announce(prefix, { omit: [type] });
          await observer.expectNoRoute(prefix);
          await survives(t, pair);
        });
      }
    },
  },
  {
    id: 'UPD-5',
    rfc: 'RFC 7606 3 g',
    level: 'must',
    title: 'Attribute that appears twice',
    stimulus: 'ORIGIN twice; COMMUNITIES twice; MP_REACH_NLRI twice; MP_UNREACH_NLRI twice',
    expected: 'the first ORIGIN and the first COMMUNITIES count; NOTIFICATION 3/1 and close for the others',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await routeArrives(
        t,
        'ORIGIN',
        (source, prefix) => announcementOf(prefix, [...source.attributes({ origin: 1 }), origin(2)]),
        (route) => {
          const value = route.attribute(ORIGIN)?.value[0];
          t.check(value === 1, `expected the first ORIGIN, 1, got ${value}`);
        },
      );
      await routeArrives(
        t,
        'COMMUNITIES',
        (source, prefix) =>
          announcementOf(prefix, [
            ...source.attributes(),
            communities(0xfc00_0001),
            communities(0xfc00_0002),
          ]),
        (route) => {
          const value = route.attribute(COMMUNITIES)?.value ?? bytes();
          t.check(value.length === 4 && value[3] === 1, 'expected the community of the first COMMUNITIES');
        },
      );
      await t.step('MP_REACH_NLRI', async () => {
        const { source } = await ipv6PairOf(t);
        const reach = (): Uint8Array => mpReach(IPV6_UNICAST, source.identity.nextHop6, [nlri(t.prefix6())]);
        source.send(update({ attributes: [reach(), ...source.attributes({ omit: [NEXT_HOP] }), reach()] }));
        await source.expectReset(3, 1);
      });
      await t.step('MP_UNREACH_NLRI', async () => {
        const { source } = await ipv6PairOf(t);
        const unreach = (): Uint8Array => mpUnreach(IPV6_UNICAST, [nlri(t.prefix6())]);
        source.send(update({ attributes: [unreach(), unreach()] }));
        await source.expectReset(3, 1);
      });
    },
  },
  {
    id: 'UPD-6',
    rfc: 'RFC 7606 3 c',
    level: 'must',
    title: 'Optional or Transitive bit wrong on a known attribute',
    stimulus:
      'ORIGIN optional, ORIGIN not transitive, AS_PATH optional, NEXT_HOP not transitive, MULTI_EXIT_DISC transitive, MULTI_EXIT_DISC well-known, ATOMIC_AGGREGATE optional, COMMUNITIES not transitive, COMMUNITIES well-known',
    expected: 'the routes are treated as withdrawn, the session stays (MP attributes: MP-2)',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const withFlags = (flags: number, type: number, value: Uint8Array) => [flags, type, value] as const;
      const cases = {
        'ORIGIN optional': () => withFlags(OPTIONAL_TRANSITIVE, ORIGIN, bytes(0)),
        'ORIGIN not transitive': () => withFlags(0, ORIGIN, bytes(0)),
        'NEXT_HOP not transitive': (hop: Uint8Array) => withFlags(0, NEXT_HOP, hop),
        'MULTI_EXIT_DISC transitive': () => withFlags(OPTIONAL_TRANSITIVE, MED, bytes(0, 0, 0, 7)),
        'MULTI_EXIT_DISC well-known': () => withFlags(WELL_KNOWN, MED, bytes(0, 0, 0, 7)),
        'ATOMIC_AGGREGATE optional': () => withFlags(OPTIONAL_TRANSITIVE, ATOMIC_AGGREGATE, bytes()),
        'COMMUNITIES not transitive': () => withFlags(OPTIONAL, COMMUNITIES, bytes(0xfc, 0, 0, 1)),
        'COMMUNITIES well-known': () => withFlags(WELL_KNOWN, COMMUNITIES, bytes(0xfc, 0, 0, 1)),
      };
      for (const [name, made] of Object.entries(cases)) {
        await treatedAsWithdraw(t, name, (source, prefix) =>
          announcement(source, prefix, { extra: [attribute(...made(source.identity.nextHop))] }),
        );
      }
      await treatedAsWithdraw(t, 'AS_PATH optional', (source, prefix) => {
        const path = pathValue(sequence(source.identity.asn), source.asnOctets);
        return announcement(source, prefix, { extra: [attribute(OPTIONAL_TRANSITIVE, AS_PATH, path)] });
      });
    },
  },
  {
    id: 'UPD-7',
    rfc: 'RFC 7606 3 h',
    level: 'must',
    title: 'Errors of different strength in one UPDATE',
    stimulus:
      'ATOMIC_AGGREGATE with length 1 (attribute discard) before and behind a bad ORIGIN (treat-as-withdraw)',
    expected: 'the stronger one counts: the routes are treated as withdrawn, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const weak = attribute(WELL_KNOWN, ATOMIC_AGGREGATE, 0);
      await treatedAsWithdraw(t, 'attribute discard first', (source, prefix) =>
        announcementOf(prefix, [weak, BAD_ORIGIN, ...source.attributes({ omit: [ORIGIN] })]),
      );
      await treatedAsWithdraw(t, 'treat-as-withdraw first', (source, prefix) =>
        announcementOf(prefix, [BAD_ORIGIN, ...source.attributes({ omit: [ORIGIN] }), weak]),
      );
    },
  },
  {
    id: 'UPD-8',
    rfc: 'RFC 7606 4',
    level: 'must',
    title: 'Attributes that do not fill the Total Path Attribute Length',
    stimulus:
      'COMMUNITIES, as the last attribute, whose length runs past the total; one octet, two octets, and three with the Extended Length bit left behind the last attribute',
    expected:
      'the NLRI are found by the Total Path Attribute Length, and treated as withdrawn; the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const trailing = {
        'last attribute overruns': attribute(OPTIONAL_TRANSITIVE, COMMUNITIES, bytes(0xfc, 0, 0, 1), 200),
        'one octet left': bytes(OPTIONAL_TRANSITIVE),
        'two octets left': bytes(OPTIONAL_TRANSITIVE, COMMUNITIES),
        'three octets left, extended length': bytes(OPTIONAL_TRANSITIVE | EXTENDED_LENGTH, COMMUNITIES, 0),
      };
      for (const [name, rest] of Object.entries(trailing)) {
        await treatedAsWithdraw(t, name, (source, prefix) =>
          announcementOf(prefix, [...source.attributes(), rest]),
        );
      }
    },
  },
  {
    id: 'UPD-9',
    rfc: 'RFC 7606 4',
    level: 'must',
    title: 'Attributes of length 0',
    stimulus:
      'ORIGIN, NEXT_HOP, MULTI_EXIT_DISC, COMMUNITIES, LARGE_COMMUNITIES and AGGREGATOR of length 0 from an external peer; LOCAL_PREF from an internal one; AS_PATH from an internal one and ATOMIC_AGGREGATE, where 0 is right',
    expected:
      'treat-as-withdraw; of AGGREGATOR attribute discard; the routes with an empty AS_PATH and with ATOMIC_AGGREGATE are accepted',
    needs: [{ kind: 'ebgp' }, OBSERVER, { kind: 'ibgp' }],
    async run(t) {
      for (const [name, flags, type] of [
        ['ORIGIN', WELL_KNOWN, ORIGIN],
        ['NEXT_HOP', WELL_KNOWN, NEXT_HOP],
        ['MULTI_EXIT_DISC', OPTIONAL, MED],
        ['COMMUNITIES', OPTIONAL_TRANSITIVE, COMMUNITIES],
        ['LARGE_COMMUNITIES', OPTIONAL_TRANSITIVE, LARGE_COMMUNITIES],
      ] as const) {
        await treatedAsWithdraw(t, name, (source, prefix) =>
          announcement(source, prefix, { extra: [attribute(flags, type, [])] }),
        );
      }
      await treatedAsWithdraw(
        t,
        'LOCAL_PREF',
        (source, prefix) => announcement(source, prefix, { extra: [attribute(WELL_KNOWN, LOCAL_PREF, [])] }),
        { source: 'ibgp' },
      );
      await attributeDiscarded(t, 'AGGREGATOR', AGGREGATOR, (source, prefix) =>
        announcement(source, prefix, { extra: [attribute(OPTIONAL_TRANSITIVE, AGGREGATOR, [])] }),
      );
      await routeArrives(
        t,
        'AS_PATH, which may be empty',
        (source, prefix) => announcement(source, prefix, { path: [] }),
        undefined,
        { source: 'ibgp' },
      );
      await routeArrives(
        t,
        'ATOMIC_AGGREGATE, which is empty',
        (source, prefix) =>
          announcement(source, prefix, { extra: [attribute(WELL_KNOWN, ATOMIC_AGGREGATE, [])] }),
        (route) => t.check(route.has(ATOMIC_AGGREGATE), 'expected ATOMIC_AGGREGATE to be kept'),
      );
    },
  },
  {
    id: 'UPD-10',
    rfc: 'RFC 4271 6.3',
    level: 'must',
    title: 'Unknown attribute that is not optional',
    stimulus: 'attribute type 213 with the flags transitive, and with none',
    expected: 'NOTIFICATION 3/2 whose data is the attribute, and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      for (const [name, flags] of [
        ['transitive', WELL_KNOWN],
        ['no flags', 0],
      ] as const) {
        const unknown = attribute(flags, UNASSIGNED, [1, 2, 3]);
        await sessionReset(t, name, (source, prefix) => announcement(source, prefix, { extra: [unknown] }), [
          3,
          2,
          unknown,
        ]);
      }
    },
  },
];
