/** 4-octet AS numbers beside peers without them ("OLD", the others "NEW"): RFC 6793 §4 and §6. */
import type { Peer } from '../peer.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Route } from '../route.ts';
import type { Scene } from '../scene.ts';
import {
  AGGREGATOR,
  AS_CONFED_SEQUENCE,
  AS_SEQUENCE,
  AS_SET,
  AS4_AGGREGATOR,
  AS4_PATH,
  aggregator,
  as4Aggregator,
  as4Path,
  attribute,
  OPTIONAL,
  pathValue,
  type Segment,
  sequence,
  TRANSITIVE,
} from '../wire/attributes.ts';
import { address, bytes, hex, u16, u32 } from '../wire/bytes.ts';
import { CAP_FOUR_OCTET_AS } from '../wire/capabilities.ts';
import { pathText } from '../wire/describe.ts';
import { readPath } from '../wire/read.ts';
import { announcement, pairOf, routeArrives, type Sides, survives } from './route-steps.ts';

const AS_TRANS = 23456;
const OPTIONAL_TRANSITIVE = OPTIONAL | TRANSITIVE;
const ROUTER = address('192.0.2.9');
const OTHER_ROUTER = address('192.0.2.10');
const WITHOUT = { without: [CAP_FOUR_OCTET_AS] };
const FROM_OLD: Sides = { sourceOptions: WITHOUT };
const TO_OLD: Sides = { observerOptions: WITHOUT };

/** AS numbers that the target has put before what came, and that of the peer itself. */
function head(t: Scene, source: Peer): string {
  return `${t.profile.confederation ?? t.profile.asn} ${source.identity.asn}`;
}

/** Step: an OLD peer sends a path and an AS4_PATH; a NEW one is sent `expected` behind the head. */
async function merged(
  t: Scene,
  name: string,
  path: readonly Segment[],
  extra: readonly Uint8Array[],
  expected: string,
): Promise<void> {
  await routeArrives(
    t,
    name,
    (source, prefix) => announcement(source, prefix, { path: prepended(source.identity.asn, path), extra }),
    (route, { source }) => {
      const whole = `${head(t, source)} ${expected}`;
      t.check(route.pathText === whole, `expected the path "${whole}", got "${route.pathText}"`);
      t.check(!route.has(AS4_PATH), 'expected no AS4_PATH to a peer with 4-octet AS numbers, got one');
    },
    FROM_OLD,
  );
}

/** The peer's AS before a path, inside of its first segment where that is a sequence. */
function prepended(asn: number, path: readonly Segment[]): readonly Segment[] {
  const [first, ...rest] = path;
  if (first?.type !== AS_SEQUENCE) return [...sequence(asn), ...path];
  return [{ type: AS_SEQUENCE, asns: [asn, ...first.asns] }, ...rest];
}

function aggregatorIs(t: Scene, route: Route, expected: Uint8Array): void {
  const found = hex(route.attribute(AGGREGATOR)?.value ?? bytes());
  t.check(found === hex(expected), `expected AGGREGATOR ${hex(expected)}, got ${found || 'none'}`);
}

export const FOUR_OCTET_AS_TESTS: readonly Requirement[] = [
  {
    id: 'AS4-1',
    rfc: 'RFC 6793 4.1, 6',
    level: 'must',
    title: 'AS4 attributes between NEW speakers',
    stimulus: 'AS4_PATH and AS4_AGGREGATOR from a peer with 4-octet AS numbers',
    expected: 'both are discarded, the route is accepted as the other attributes say',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await routeArrives(
        t,
        'both',
        (source, prefix) =>
          announcement(source, prefix, {
            through: [AS_TRANS],
            extra: [
              aggregator(AS_TRANS, ROUTER, source.asnOctets),
              as4Path(sequence(70000)),
              as4Aggregator(70000, OTHER_ROUTER),
            ],
          }),
        (route, { source }) => {
          const whole = `${head(t, source)} ${AS_TRANS}`;
          t.check(route.pathText === whole, `expected the path "${whole}", got "${route.pathText}"`);
          aggregatorIs(t, route, bytes(u32(AS_TRANS), ROUTER));
          t.check(!route.has(AS4_PATH), 'expected AS4_PATH to be discarded, got it');
          t.check(!route.has(AS4_AGGREGATOR), 'expected AS4_AGGREGATOR to be discarded, got it');
        },
      );
    },
  },
  {
    id: 'AS4-2',
    rfc: 'RFC 6793 4.2.2',
    level: 'must',
    title: 'Routes to an OLD speaker',
    stimulus:
      'a path with an AS above 65535, and an AGGREGATOR with one, to a peer without the capability; a path without; a path that begins with a confederation segment, to an internal peer',
    expected:
      '23456 in AS_PATH and AGGREGATOR, with AS4_PATH and AS4_AGGREGATOR; neither of them; no confederation segments in AS4_PATH',
    needs: [{ kind: 'ebgp' }, OBSERVER, { kind: 'confed' }, { kind: 'ibgp' }],
    async run(t) {
      await routeArrives(
        t,
        'AS above 65535',
        (source, prefix) => announcement(source, prefix, { through: [70000, 64900] }),
        (route, { source }) => {
          const whole = `${head(t, source)} ${AS_TRANS} 64900`;
          t.check(route.pathText === whole, `expected the path "${whole}", got "${route.pathText}"`);
          const real = as4Text(route);
          t.check(real.endsWith('70000 64900'), `expected AS4_PATH to end with 70000 64900, got "${real}"`);
        },
        TO_OLD,
      );
      await routeArrives(
        t,
        'AGGREGATOR above 65535',
        (source, prefix) =>
          announcement(source, prefix, { extra: [aggregator(70000, ROUTER, source.asnOctets)] }),
        (route) => {
          aggregatorIs(t, route, bytes(u16(AS_TRANS), ROUTER));
          const real = hex(route.attribute(AS4_AGGREGATOR)?.value ?? bytes());
          const wanted = hex(bytes(u32(70000), ROUTER));
          t.check(real === wanted, `expected AS4_AGGREGATOR ${wanted}, got ${real || 'none'}`);
        },
        TO_OLD,
      );
      await routeArrives(
        t,
        'no AS above 65535',
        (source, prefix) =>
          announcement(source, prefix, {
            through: [64900],
            extra: [aggregator(64900, ROUTER, source.asnOctets)],
          }),
        (route, { source }) => {
          const whole = `${head(t, source)} 64900`;
          t.check(route.pathText === whole, `expected the path "${whole}", got "${route.pathText}"`);
          aggregatorIs(t, route, bytes(u16(64900), ROUTER));
          t.check(!route.has(AS4_PATH), 'expected no AS4_PATH, got one');
          t.check(!route.has(AS4_AGGREGATOR), 'expected no AS4_AGGREGATOR, got one');
        },
        TO_OLD,
      );
      await t.step('confederation segment', async () => {
        const pair = await pairOf(t, { source: 'confed', observer: 'ibgp', observerOptions: WITHOUT });
        const prefix = t.prefix();
        pair.source.announce(prefix, { through: [70000] });
        const route = await pair.observer.expectRoute(prefix);
        const found = as4Text(route);
        t.check(found === '70000', `expected the AS4_PATH "70000", got "${found}"`);
        t.check(
          route.path[0]?.type === AS_CONFED_SEQUENCE,
          `expected a confederation segment in AS_PATH, got "${route.pathText}"`,
        );
        await survives(t, pair);
      });
    },
  },
  {
    id: 'AS4-3',
    rfc: 'RFC 6793 4.2.3',
    level: 'must',
    title: 'AS_PATH at least as long as AS4_PATH',
    stimulus:
      'from an OLD peer: both of the same length behind its own AS; a longer AS_PATH, cut inside of its segment; an AS_SET at the end, which counts as one',
    expected: 'the leading part of AS_PATH and then AS4_PATH, the count of AS numbers as in AS_PATH',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const [trans, real] = [sequence(AS_TRANS, AS_TRANS), [as4Path(sequence(70000, 80000))]];
      await merged(t, 'same length', trans, real, '70000 80000');
      await merged(
        t,
        'longer, cut inside of a segment',
        sequence(64900, 64901, AS_TRANS),
        [as4Path(sequence(70000))],
        '64900 64901 70000',
      );
      await merged(
        t,
        'AS_SET at the end',
        [...sequence(64900, AS_TRANS), { type: AS_SET, asns: [64902, AS_TRANS] }],
        [as4Path([...sequence(70000), { type: AS_SET, asns: [64902, 80000] }])],
        '64900 70000 {64902 80000}',
      );
    },
  },
  {
    id: 'AS4-4',
    rfc: 'RFC 6793 4.2.3',
    level: 'must',
    title: 'AS_PATH shorter than AS4_PATH',
    stimulus: 'from an OLD peer: an AS4_PATH with one AS number more than AS_PATH',
    expected: 'AS4_PATH is ignored',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const longer = as4Path(sequence(70000, 80000, 90000));
      await merged(t, 'shorter', sequence(AS_TRANS), [longer], `${AS_TRANS}`);
    },
  },
  {
    id: 'AS4-5',
    rfc: 'RFC 6793 4.2.3',
    level: 'must',
    title: 'AGGREGATOR decides about the AS4 attributes',
    stimulus:
      'from an OLD peer, with AS4_PATH and AS4_AGGREGATOR: AGGREGATOR with an AS other than 23456; with 23456',
    expected: 'both AS4 attributes are ignored; both are used',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      for (const [name, asn, used] of [
        ['another AS than 23456', 64903, false],
        ['23456', AS_TRANS, true],
      ] as const) {
        await routeArrives(
          t,
          name,
          (source, prefix) =>
            announcement(source, prefix, {
              through: [AS_TRANS],
              extra: [
                aggregator(asn, ROUTER, 2),
                as4Path(sequence(70000)),
                as4Aggregator(70000, OTHER_ROUTER),
              ],
            }),
          (route, { source }) => {
            const whole = `${head(t, source)} ${used ? 70000 : AS_TRANS}`;
            t.check(route.pathText === whole, `expected the path "${whole}", got "${route.pathText}"`);
            aggregatorIs(t, route, used ? bytes(u32(70000), OTHER_ROUTER) : bytes(u32(asn), ROUTER));
          },
          FROM_OLD,
        );
      }
    },
  },
  {
    id: 'AS4-6',
    rfc: 'RFC 6793 6',
    level: 'must',
    title: 'Malformed AS4 attributes',
    stimulus:
      'from an OLD peer: AS4_PATH of length 4, of length 7, with a segment of type 5, with one that overruns, with one without AS numbers; AS4_AGGREGATOR of length 6 and 9',
    expected: 'the attribute is discarded: AS_PATH and AGGREGATOR count as they came; the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const good = pathValue(sequence(70000), 4);
      const paths: Readonly<Record<string, Uint8Array>> = {
        'length 4': bytes(AS_SEQUENCE, 1, 0, 1),
        'length 7': bytes(good, 0),
        'segment of type 5': bytes(5, good.subarray(1)),
        'segment overruns': bytes(AS_SEQUENCE, 2, good.subarray(2)),
        'segment without AS numbers': bytes(good, AS_SEQUENCE, 0),
      };
      for (const [name, value] of Object.entries(paths)) {
        const wrong = attribute(OPTIONAL_TRANSITIVE, AS4_PATH, value);
        await merged(t, `AS4_PATH, ${name}`, sequence(AS_TRANS), [wrong], `${AS_TRANS}`);
      }
      for (const length of [6, 9]) {
        const value = bytes(u32(70000), OTHER_ROUTER, 0).subarray(0, length);
        await routeArrives(
          t,
          `AS4_AGGREGATOR, length ${length}`,
          (source, prefix) =>
            announcement(source, prefix, {
              extra: [aggregator(AS_TRANS, ROUTER, 2), attribute(OPTIONAL_TRANSITIVE, AS4_AGGREGATOR, value)],
            }),
          (route) => aggregatorIs(t, route, bytes(u32(AS_TRANS), ROUTER)),
          FROM_OLD,
        );
      }
    },
  },
];

/** AS4_PATH of a route as text; empty where it has none. */
function as4Text(route: Route): string {
  const found = route.attribute(AS4_PATH);
  return found === undefined ? '' : pathText(readPath(found.value, 4));
}
