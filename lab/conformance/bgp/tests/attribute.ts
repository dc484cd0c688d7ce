/** Single path attributes: RFC 4271 §5 and §6.3, RFC 7606 §7, RFC 7607, RFC 8092, RFC 9234 §5. */
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import {
  AGGREGATOR,
  AS_PATH,
  AS_SEQUENCE,
  ATOMIC_AGGREGATE,
  aggregator,
  attribute,
  CLUSTER_LIST,
  COMMUNITIES,
  clusterList,
  EXTENDED_COMMUNITIES,
  extendedCommunities,
  LARGE_COMMUNITIES,
  LOCAL_PREF,
  localPref,
  MED,
  OPTIONAL,
  ORIGIN,
  ORIGINATOR_ID,
  onlyToCustomer,
  originatorId,
  pathValue,
  type Segment,
  sequence,
  TRANSITIVE,
} from '../wire/attributes.ts';
import { address, bytes, hex, u16, u32 } from '../wire/bytes.ts';
import { CAP_FOUR_OCTET_AS } from '../wire/capabilities.ts';
import {
  announcement,
  attributeDiscarded,
  pairOf,
  requireKnown,
  routeArrives,
  type Sides,
  survives,
  treatedAsWithdraw,
} from './route-steps.ts';

const OPTIONAL_TRANSITIVE = OPTIONAL | TRANSITIVE;
const IPV6_EXTENDED_COMMUNITIES = 25;
/** A peer that does without 4-octet AS numbers ("OLD" in RFC 6793). */
const OLD: Sides = { sourceOptions: { without: [CAP_FOUR_OCTET_AS] } };

/** Steps: routes with an attribute of these lengths, of zeros, are treated as withdrawn. */
async function wrongLengths(
  t: Scene,
  name: string,
  flags: number,
  type: number,
  lengths: readonly number[],
  sides: Sides = {},
): Promise<void> {
  for (const length of lengths) {
    await treatedAsWithdraw(
      t,
      `${name}, length ${length}`,
      (source, prefix) =>
        announcement(source, prefix, { extra: [attribute(flags, type, new Uint8Array(length))] }),
      sides,
    );
  }
}

/** As {@link wrongLengths} for an attribute that not every speaker knows: `good` is one that is well-formed. */
async function wrongLengthsIfKnown(
  t: Scene,
  name: string,
  good: Uint8Array,
  lengths: readonly number[],
): Promise<void> {
  let known = false;
  await t.step(`${name}, well-formed`, async () => {
    await requireKnown(t, name, good);
    known = true;
  });
  if (known) await wrongLengths(t, name, OPTIONAL_TRANSITIVE, good[1]!, lengths);
}

export const ATTRIBUTE_TESTS: readonly Requirement[] = [
  {
    id: 'ATT-1',
    rfc: 'RFC 7606 7.1',
    level: 'must',
    title: 'Malformed ORIGIN',
    stimulus: 'ORIGIN of length 0 and 2; ORIGIN with the values 3 and 255',
    expected: 'the routes are treated as withdrawn, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await wrongLengths(t, 'ORIGIN', TRANSITIVE, ORIGIN, [0, 2]);
      for (const value of [3, 255]) {
        await treatedAsWithdraw(t, `value ${value}`, (source, prefix) =>
          announcement(source, prefix, { origin: value }),
        );
      }
    },
  },
  {
    id: 'ATT-2',
    rfc: 'RFC 7606 7.2',
    level: 'must',
    title: 'Malformed AS_PATH',
    stimulus:
      'a segment of type 0, of type 5; a segment that runs past the attribute; one octet behind the last segment; a segment without AS numbers',
    expected: 'the routes are treated as withdrawn, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const cases: Readonly<Record<string, (good: Uint8Array) => Uint8Array>> = {
        'segment of type 0': (good) => bytes(good, 0, good.subarray(1)),
        'segment of type 5': (good) => bytes(good, 5, good.subarray(1)),
        'segment overruns': (good) => bytes(good, AS_SEQUENCE, 2, good.subarray(2)),
        'one octet left': (good) => bytes(good, AS_SEQUENCE),
        'segment without AS numbers': (good) => bytes(good, AS_SEQUENCE, 0),
      };
      for (const [name, made] of Object.entries(cases)) {
        await treatedAsWithdraw(t, name, (source, prefix) => {
          const good = pathValue(sequence(source.identity.asn), source.asnOctets);
          return announcement(source, prefix, { extra: [attribute(TRANSITIVE, AS_PATH, made(good))] });
        });
      }
    },
  },
  {
    id: 'ATT-3',
    rfc: 'RFC 4271 6.3, RFC 7606 7.2',
    level: 'should',
    title: 'Leftmost AS is not that of the external peer',
    stimulus: 'AS_PATH that begins with another AS, to a target that is configured to check',
    expected: 'the routes are treated as withdrawn, the session stays (the check is optional in RFC 4271)',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await treatedAsWithdraw(t, 'another AS first', (source, prefix) =>
        announcement(source, prefix, { path: sequence(64900, source.identity.asn) }),
      );
    },
  },
  {
    id: 'ATT-4',
    rfc: 'RFC 7607 2',
    level: 'must',
    title: 'AS 0 in an attribute',
    stimulus:
      'AS 0 in AS_PATH, in a sequence and in a set; in AGGREGATOR; from a peer with 2-octet AS numbers in AS4_PATH and in AS4_AGGREGATOR',
    expected:
      'malformed (RFC 7606): treat-as-withdraw for AS_PATH, attribute discard for AGGREGATOR, and for both AS4 attributes (RFC 6793 6)',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const pathWithZero = async (name: string, rest: Segment): Promise<void> => {
        await treatedAsWithdraw(t, name, (source, prefix) =>
          announcement(source, prefix, { path: [...sequence(source.identity.asn), rest] }),
        );
      };
      await pathWithZero('AS_PATH, sequence', { type: AS_SEQUENCE, asns: [64900, 0] });
      await pathWithZero('AS_PATH, set', { type: 1, asns: [0, 64900] });
      await attributeDiscarded(t, 'AGGREGATOR', AGGREGATOR, (source, prefix) =>
        announcement(source, prefix, {
          extra: [aggregator(0, address('192.0.2.9'), source.asnOctets)],
        }),
      );
      await routeArrives(
        t,
        'AS4_PATH',
        (source, prefix) =>
          announcement(source, prefix, {
            through: [23456, 23456],
            extra: [attribute(OPTIONAL_TRANSITIVE, 17, pathValue(sequence(70000, 0), 4))],
          }),
        (route) =>
          t.check(
            route.pathText.endsWith('23456 23456'),
            `expected AS4_PATH to be discarded, got the path "${route.pathText}"`,
          ),
        OLD,
      );
      await routeArrives(
        t,
        'AS4_AGGREGATOR',
        (source, prefix) =>
          announcement(source, prefix, {
            extra: [
              aggregator(23456, address('192.0.2.9'), 2),
              attribute(OPTIONAL_TRANSITIVE, 18, bytes(u32(0), address('192.0.2.10'))),
            ],
          }),
        (route) => {
          const found = hex(route.attribute(AGGREGATOR)?.value ?? bytes());
          t.check(
            found === hex(bytes(u32(23456), address('192.0.2.9'))),
            `expected AGGREGATOR as it came, got ${found || 'none'}`,
          );
        },
        OLD,
      );
    },
  },
  {
    id: 'ATT-5',
    rfc: 'RFC 7606 7.3, 3 e; RFC 4271 6.3',
    level: 'must',
    title: 'Malformed NEXT_HOP',
    stimulus:
      'NEXT_HOP of length 3, 5 and 16; 0.0.0.0; 0.1.2.3; 224.0.0.1 (class D); 240.0.0.1 (class E); 255.255.255.255',
    expected: 'the routes are treated as withdrawn, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      for (const length of [3, 5, 16]) {
        await treatedAsWithdraw(t, `length ${length}`, (source, prefix) => {
          const value = new Uint8Array(length).fill(1);
          value.set(source.identity.nextHop.subarray(0, length));
          return announcement(source, prefix, { nextHop: value });
        });
      }
      for (const text of ['0.0.0.0', '0.1.2.3', '224.0.0.1', '240.0.0.1', '255.255.255.255']) {
        await treatedAsWithdraw(t, text, (source, prefix) =>
          announcement(source, prefix, { nextHop: address(text) }),
        );
      }
    },
  },
  {
    id: 'ATT-6',
    rfc: 'RFC 4271 6.3',
    level: 'should',
    title: 'Semantically wrong NEXT_HOP',
    stimulus:
      "NEXT_HOP that is the target's own address; one outside of the subnet shared with a one-hop peer",
    expected: 'the route is ignored, no NOTIFICATION is sent, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await t.step("the target's address", async () => {
        const own = address(t.profile.target.address);
        if (own.length !== 4) t.notApplicable('the target is reached by IPv6 here');
        const pair = await pairOf(t);
        const prefix = t.prefix();
        pair.source.announce(prefix, { nextHop: own });
        await survives(t, pair);
        t.check(pair.observer.routesTo(prefix).length === 0, 'expected the route to be ignored, but it came');
      });
      await t.step('off the subnet, one-hop peer', async () => {
        t.notApplicable(
          'the peers of a profile may be several hops away (all are multihop in printed configurations), where this check does not apply',
        );
      });
    },
  },
  {
    id: 'ATT-7',
    rfc: 'RFC 7606 7.4',
    level: 'must',
    title: 'MULTI_EXIT_DISC of a wrong length',
    stimulus: 'MULTI_EXIT_DISC of length 3, 5 and 8',
    expected: 'the routes are treated as withdrawn, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await wrongLengths(t, 'MULTI_EXIT_DISC', OPTIONAL, MED, [3, 5, 8]);
    },
  },
  {
    id: 'ATT-8',
    rfc: 'RFC 7606 7.5',
    level: 'must',
    title: 'LOCAL_PREF',
    stimulus:
      'LOCAL_PREF 777, and one of length 3, from an external peer; LOCAL_PREF of length 3 and 5 from an internal one',
    expected: 'attribute discard; attribute discard; treat-as-withdraw; the session stays',
    needs: [{ kind: 'ebgp' }, { kind: 'ibgp' }, OBSERVER],
    async run(t) {
      const toInternal: Sides = { observer: 'ibgp' };
      await routeArrives(
        t,
        'from an external peer',
        (source, prefix) => announcement(source, prefix, { extra: [localPref(777)] }),
        (route) => t.check(route.localPref !== 777, 'expected LOCAL_PREF 777 to be discarded, got it'),
        toInternal,
      );
      await routeArrives(
        t,
        'from an external peer, length 3',
        (source, prefix) =>
          announcement(source, prefix, { extra: [attribute(TRANSITIVE, LOCAL_PREF, [0, 0, 9])] }),
        undefined,
        toInternal,
      );
      await wrongLengths(t, 'from an internal peer', TRANSITIVE, LOCAL_PREF, [3, 5], { source: 'ibgp' });
    },
  },
  {
    id: 'ATT-9',
    rfc: 'RFC 7606 7.6, 7.7',
    level: 'must',
    title: 'ATOMIC_AGGREGATE and AGGREGATOR of a wrong length',
    stimulus:
      'ATOMIC_AGGREGATE of length 1; AGGREGATOR of length 6 and 9 from a peer with 4-octet AS numbers, of 8 and 5 from one without',
    expected: 'attribute discard: the route is accepted without the attribute, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await attributeDiscarded(t, 'ATOMIC_AGGREGATE, length 1', ATOMIC_AGGREGATE, (source, prefix) =>
        announcement(source, prefix, { extra: [attribute(TRANSITIVE, ATOMIC_AGGREGATE, 0)] }),
      );
      for (const [name, sides, lengths] of [
        ['4-octet AS numbers', {}, [6, 9]],
        ['2-octet AS numbers', OLD, [8, 5]],
      ] as const) {
        for (const length of lengths) {
          const value = bytes(u16(64900), 192, 0, 2, 9, 1, 1, 1).subarray(0, length);
          await attributeDiscarded(
            t,
            `AGGREGATOR, length ${length}, ${name}`,
            AGGREGATOR,
            (source, prefix) =>
              announcement(source, prefix, { extra: [attribute(OPTIONAL_TRANSITIVE, AGGREGATOR, value)] }),
            sides,
          );
        }
      }
    },
  },
  {
    id: 'ATT-10',
    rfc: 'RFC 7606 7.8, 7.14, 7.15; RFC 8092 5',
    level: 'must',
    title: 'Communities of a wrong length',
    stimulus:
      'COMMUNITIES of length 0, 3 and 5; EXTENDED_COMMUNITIES of 0, 7 and 12; IPv6 extended communities of 0, 19 and 21; LARGE_COMMUNITIES of 0, 8 and 13',
    expected: 'the routes are treated as withdrawn, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await wrongLengths(t, 'COMMUNITIES', OPTIONAL_TRANSITIVE, COMMUNITIES, [0, 3, 5]);
      await wrongLengths(t, 'EXTENDED_COMMUNITIES', OPTIONAL_TRANSITIVE, EXTENDED_COMMUNITIES, [0, 7, 12]);
      await wrongLengths(t, 'LARGE_COMMUNITIES', OPTIONAL_TRANSITIVE, LARGE_COMMUNITIES, [0, 8, 13]);
      await wrongLengthsIfKnown(
        t,
        'IPv6 EXTENDED_COMMUNITIES',
        attribute(
          OPTIONAL_TRANSITIVE,
          IPV6_EXTENDED_COMMUNITIES,
          bytes(0, 2, address('2001:db8::9'), u16(1)),
        ),
        [0, 19, 21],
      );
    },
  },
  {
    id: 'ATT-11',
    rfc: 'RFC 7606 7.14',
    level: 'must',
    title: 'Extended community of an unknown type',
    stimulus: 'EXTENDED_COMMUNITIES with a transitive type (0x3e) that IANA has not assigned',
    expected: 'no error: the route is accepted and passed on with the community',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const unknown = bytes(0x3e, 0xaa, 1, 2, 3, 4, 5, 6);
      await routeArrives(
        t,
        'type 0x3e',
        (source, prefix) => announcement(source, prefix, { extra: [extendedCommunities(unknown)] }),
        (route) => {
          const found = hex(route.attribute(EXTENDED_COMMUNITIES)?.value ?? bytes());
          t.check(found === hex(unknown), `expected the community to be passed on, got ${found || 'none'}`);
        },
      );
    },
  },
  {
    id: 'ATT-12',
    rfc: 'RFC 7606 7.9, 7.10',
    level: 'must',
    title: 'ORIGINATOR_ID and CLUSTER_LIST',
    stimulus:
      'each well-formed from an external peer; ORIGINATOR_ID of length 3 and 5, CLUSTER_LIST of length 0 and 5 from an internal one',
    expected: 'attribute discard; treat-as-withdraw; the session stays',
    needs: [{ kind: 'ebgp' }, { kind: 'ibgp' }, OBSERVER],
    async run(t) {
      const id = 0xc0_00_02_63;
      for (const [name, one] of [
        ['ORIGINATOR_ID', originatorId(id)],
        ['CLUSTER_LIST', clusterList(id)],
      ] as const) {
        await attributeDiscarded(
          t,
          `${name} from an external peer`,
          one[1]!,
          (source, prefix) => announcement(source, prefix, { extra: [one] }),
          { observer: 'ibgp' },
        );
      }
      const internal: Sides = { source: 'ibgp' };
      await wrongLengths(t, 'ORIGINATOR_ID', OPTIONAL, ORIGINATOR_ID, [3, 5], internal);
      await wrongLengths(t, 'CLUSTER_LIST', OPTIONAL, CLUSTER_LIST, [0, 5], internal);
    },
  },
  {
    id: 'ATT-13',
    rfc: 'RFC 9234 5',
    level: 'must',
    title: 'Only to Customer of a wrong length',
    stimulus: 'OTC of length 3 and 5',
    expected: 'the routes are treated as withdrawn, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await wrongLengthsIfKnown(t, 'OTC', onlyToCustomer(64900), [3, 5]);
    },
  },
];
