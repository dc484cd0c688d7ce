/** What routes look like when they are passed on, and when they are not: RFC 4271 §5.1, §9.1.3, §9.2, RFC 1997, RFC 8212. */
import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import type { Requirement } from '../requirement.ts';
import type { Route } from '../route.ts';
import type { Scene } from '../scene.ts';
import {
  AS_PATH,
  AS_SEQUENCE,
  AS_SET,
  communities,
  LOCAL_PREF,
  type Segment,
  sequence,
} from '../wire/attributes.ts';
import { pathText } from '../wire/describe.ts';

const NO_POLICY: Need = { kind: 'ebgp', features: ['no-policy'] };
const NO_EXPORT = 0xffffff01;
const NO_ADVERTISE = 0xffffff02;
const NO_EXPORT_SUBCONFED = 0xffffff03;

/** AS that the target shows to external peers. */
function outerAs(t: Scene): number {
  return t.profile.confederation ?? t.profile.asn;
}

function sameSegments(a: readonly Segment[], b: readonly Segment[]): boolean {
  return (
    JSON.stringify(a.map(({ type, asns }) => [type, asns])) ===
    JSON.stringify(b.map(({ type, asns }) => [type, asns]))
  );
}

function checkPath(t: Scene, { path }: Route, wanted: readonly Segment[]): void {
  t.check(sameSegments(path, wanted), `expected path ${segmentsText(wanted)}, got ${segmentsText(path)}`);
}

/** The segments apart: `"65000 | 64901 64902 | {64903}"`; of long ones the ends. */
function segmentsText(path: readonly Segment[]): string {
  const text = (segment: Segment): string => {
    const { asns } = segment;
    return asns.length < 10 ? pathText([segment]) : `${asns[0]} ... ${asns.at(-1)} (${asns.length})`;
  };
  return path.map(text).join(' | ') || 'empty';
}

/** `prefix` was not sent to `observer`, where what `speaker` announced later has come out. */
async function expectKept(t: Scene, prefix: string, speaker: Peer, observer: Peer): Promise<void> {
  await t.barrier(speaker, observer);
  t.check(
    observer.historyOf(prefix).length === 0,
    `expected ${prefix} not to be sent to ${observer.identity.label}, but it was`,
  );
}

export const PROPAGATION_TESTS: readonly Requirement[] = [
  {
    id: 'PRO-1',
    rfc: 'RFC 4271 5.1.2',
    level: 'must',
    title: 'Prepending to AS_PATH towards external peers',
    stimulus:
      'internal routes whose path begins with a sequence, begins with a set, is empty, begins with a sequence of 255',
    expected: 'the own AS comes first in the sequence; in a new segment in the three other cases',
    needs: [{ kind: 'ibgp' }, { kind: 'ebgp' }],
    async run(t) {
      const full = Array.from({ length: 255 }, (_, i) => 64600 + i);
      const set: Segment = { type: AS_SET, asns: [64901, 64902] };
      const own = outerAs(t);
      const cases: readonly (readonly [string, readonly Segment[], readonly Segment[]])[] = [
        ['a sequence first', sequence(64901, 64902), sequence(own, 64901, 64902)],
        ['a set first', [set], [{ type: AS_SEQUENCE, asns: [own] }, set]],
        ['an empty path', [], sequence(own)],
        ['a sequence of 255 first', sequence(...full), [...sequence(own), ...sequence(...full)]],
      ];
      for (const [name, path, wanted] of cases) {
        await t.step(name, async () => {
          const source = await t.establish('ibgp');
          const observer = await t.establish('ebgp');
          const prefix = t.prefix();
          source.announce(prefix, { path });
          checkPath(t, await observer.expectRoute(prefix), wanted);
        });
      }
    },
  },
  {
    id: 'PRO-2',
    rfc: 'RFC 4271 5.1.2, 5.1.5',
    level: 'must',
    title: 'AS_PATH and LOCAL_PREF by kind of peer',
    stimulus:
      'an external route, seen by an internal peer; a route of the target itself, seen by one; an internal route with LOCAL_PREF, seen by an external peer',
    expected: 'the path is unchanged and LOCAL_PREF is there; the path is empty; there is no LOCAL_PREF',
    needs: [{ kind: 'ebgp' }, { kind: 'ibgp' }],
    async run(t) {
      await t.step('an external route to an internal peer', async () => {
        const source = await t.establish('ebgp');
        const observer = await t.establish('ibgp');
        const prefix = t.prefix();
        source.announce(prefix, { through: [64901] });
        const route = await observer.expectRoute(prefix);
        checkPath(t, route, sequence(source.identity.asn, 64901));
        t.check(route.localPref !== undefined, 'expected LOCAL_PREF, got none');
      });
      await t.step("the target's own route to an internal peer", async () => {
        const observer = await t.establish('ibgp');
        const prefix = t.prefix();
        await t.command('originate', { prefix });
        try {
          const route = await observer.expectRoute(prefix);
          t.check(route.has(AS_PATH), 'expected an empty AS_PATH, got none');
          checkPath(t, route, []);
          t.check(route.localPref !== undefined, 'expected LOCAL_PREF, got none');
        } finally {
          await t.command('originate-end', { prefix });
        }
      });
      await t.step('an internal route to an external peer', async () => {
        const source = await t.establish('ibgp');
        const observer = await t.establish('ebgp');
        const prefix = t.prefix();
        source.announce(prefix, { localPref: 150 });
        const route = await observer.expectRoute(prefix);
        t.check(!route.has(LOCAL_PREF), `expected no LOCAL_PREF, got ${route.localPref}`);
      });
    },
  },
  {
    id: 'PRO-3',
    rfc: 'RFC 4271 5.1.4',
    level: 'must',
    title: 'MULTI_EXIT_DISC stays between two ASes',
    stimulus: 'a route with MED 4711 from one AS, seen by a peer in another',
    expected: 'that MED is not passed on',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      const source = await t.establish('ebgp');
      const observer = await t.establish('ebgp2');
      const prefix = t.prefix();
      source.announce(prefix, { med: 4711 });
      const route = await observer.expectRoute(prefix);
      t.check(route.med !== 4711, 'expected no MED, or another one, got MED 4711 as received');
    },
  },
  {
    id: 'PRO-4',
    rfc: 'RFC 4271 9.1.3, 9.2',
    level: 'must',
    title: 'What follows from changes',
    stimulus:
      'the only route is withdrawn; its session ends; it is replaced by one that cannot be chosen (own AS in the path); the best of two is withdrawn; it is announced again as it was',
    expected: 'withdrawn in the first three cases; replaced by the other one; nothing is sent (SHOULD)',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }],
    // Alone: a target that groups its peers may send routes again to all of a group when one of them asks.
    exclusive: true,
    async run(t) {
      const announced = async (): Promise<{ source: Peer; observer: Peer; prefix: string }> => {
        const source = await t.establish('ebgp');
        const observer = await t.observer(source);
        const prefix = t.prefix();
        source.announce(prefix, { through: [64901] });
        await observer.expectRoute(prefix);
        return { source, observer, prefix };
      };
      await t.step('withdrawn', async () => {
        const { source, observer, prefix } = await announced();
        source.withdraw(prefix);
        await observer.expectNoRoute(prefix);
      });
      await t.step('session ends', async () => {
        const { source, observer, prefix } = await announced();
        await source.close();
        await observer.expectNoRoute(prefix);
      });
      await t.step('cannot be chosen any more', async () => {
        const { source, observer, prefix } = await announced();
        source.announce(prefix, { through: [t.profile.asn] });
        await observer.expectNoRoute(prefix);
      });
      await t.step('the best of two withdrawn', async () => {
        const { source, observer, prefix } = await announced();
        const other = await t.establish('ebgp');
        other.announce(prefix, { through: [64902, 64903] });
        await t.barrier(other, observer);
        source.withdraw(prefix);
        await observer.expectRoute(prefix, ({ pathText }) => pathText.endsWith('64903'));
        t.check(
          observer.historyOf(prefix).every(({ what }) => what === 'announced'),
          'expected the route to be replaced, but it was withdrawn in between',
        );
      });
      await t.step('announced again as it was', async () => {
        const { source, observer, prefix } = await announced();
        await t.barrier(source, observer);
        const before = observer.historyOf(prefix).length;
        source.announce(prefix, { through: [64901] });
        await t.barrier(source, observer);
        const more = observer.historyOf(prefix).length - before;
        t.check(more === 0, `expected nothing to be sent about ${prefix}, got ${more} UPDATEs`);
      });
    },
  },
  {
    id: 'PRO-5',
    rfc: 'RFC 1997; RFC 8212 2, 3',
    level: 'must',
    title: 'Routes that must stay',
    stimulus:
      'routes with NO_EXPORT, NO_EXPORT_SUBCONFED, NO_ADVERTISE; routes from and for an external peer without policies',
    expected:
      'the first two go to internal peers alone, the third to nobody; nothing comes from or goes to that peer',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp2' }, { kind: 'ibgp' }, NO_POLICY],
    async run(t) {
      for (const [name, community] of [
        ['NO_EXPORT', NO_EXPORT],
        ['NO_EXPORT_SUBCONFED', NO_EXPORT_SUBCONFED],
      ] as const) {
        await t.step(name, async () => {
          const source = await t.establish('ebgp');
          const internal = await t.establish('ibgp');
          const external = await t.establish('ebgp2');
          const prefix = t.prefix();
          source.announce(prefix, { extra: [communities(community)] });
          await internal.expectRoute(prefix);
          await expectKept(t, prefix, source, external);
        });
      }
      await t.step('NO_ADVERTISE', async () => {
        const source = await t.establish('ebgp');
        const internal = await t.establish('ibgp');
        const external = await t.establish('ebgp2');
        const prefix = t.prefix();
        source.announce(prefix, { extra: [communities(NO_ADVERTISE)] });
        await expectKept(t, prefix, source, internal);
        await expectKept(t, prefix, source, external);
      });
      await t.step('from an external peer without policy', async () => {
        const source = await t.establish(NO_POLICY);
        const witness = await t.establish('ebgp');
        const observer = await t.observer(witness);
        const prefix = t.prefix();
        source.announce(prefix);
        // The target has read the route when it has answered what came after it.
        await source.expectAlive();
        await expectKept(t, prefix, witness, observer);
      });
      await t.step('to an external peer without policy', async () => {
        const observer = await t.establish(NO_POLICY);
        const source = await t.establish('ebgp2');
        const witness = await t.observer(source);
        const prefix = t.prefix();
        source.announce(prefix);
        await witness.expectRoute(prefix);
        await t.barrier(source, witness);
        await observer.expectAlive();
        t.check(
          observer.history.length === 0,
          `expected nothing to be sent to a peer without policy, got ${observer.history[0]?.prefix}`,
        );
      });
    },
  },
];
