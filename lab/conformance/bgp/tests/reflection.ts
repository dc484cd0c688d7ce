/** Route reflection: RFC 4456, and the rule of RFC 4271 §9.2 that it relaxes. */
import { readUint32 } from '../../../../protocol/bytes/uint.ts';
import { formatIpv4 } from '../../../../protocol/ip/ipv4.ts';
import type { Peer } from '../peer.ts';
import type { Requirement } from '../requirement.ts';
import type { Route } from '../route.ts';
import type { Scene } from '../scene.ts';
import { CLUSTER_LIST, clusterList, ORIGINATOR_ID, originatorId, sequence } from '../wire/attributes.ts';
import { hex } from '../wire/bytes.ts';

/** Cluster ids and an originator somewhere else in the AS. */
const CLUSTERS = [0xc6_12_01_01, 0xc6_12_01_02] as const;
const ORIGINATOR = 0xc6_12_02_01;

/** Cluster ids of a route; empty where it has none. */
function clustersOf(route: Route): number[] {
  const value = route.attribute(CLUSTER_LIST)?.value ?? new Uint8Array(0);
  return Array.from({ length: value.length >> 2 }, (_, i) => readUint32(value, i * 4));
}

function originatorOf(route: Route): number | undefined {
  const value = route.attribute(ORIGINATOR_ID)?.value;
  return value?.length === 4 ? readUint32(value, 0) : undefined;
}

function ids(list: readonly (number | undefined)[]): string {
  return list.map((id) => (id === undefined ? 'none' : formatIpv4(id))).join(' ') || 'none';
}

/**
 * Expects that a route which `observer` may not have has not gone there: `witness` was sent it, and what `speaker`
 * announced afterwards has come out at `observer`.
 */
async function expectWithheld(
  t: Scene,
  prefix: string,
  { witness, observer, speaker }: { readonly witness: Peer; readonly observer: Peer; readonly speaker: Peer },
): Promise<void> {
  await witness.expectRoute(prefix);
  await t.barrier(speaker, observer);
  t.check(
    observer.historyOf(prefix).length === 0,
    `expected ${prefix} not to be sent to ${observer.identity.label}, but it was`,
  );
}

/** The target's cluster id: what it puts before nothing. */
async function ownCluster(t: Scene, client: Peer, other: Peer): Promise<number> {
  const prefix = t.prefix();
  client.announce(prefix);
  const clusters = clustersOf(await other.expectRoute(prefix));
  client.withdraw(prefix);
  if (clusters.length !== 1) t.inconclusive(`a reflected route has the cluster list ${ids(clusters)}`);
  return clusters[0]!;
}

export const REFLECTION_TESTS: readonly Requirement[] = [
  {
    id: 'RR-1',
    rfc: 'RFC 4456 6',
    level: 'must',
    title: 'To whom routes are reflected',
    stimulus: 'a route from a client, from a non-client, from an external peer',
    expected: 'it goes to clients, non-clients and external peers; to clients and external peers; to all',
    needs: [
      { kind: 'ibgp-client' },
      { kind: 'ibgp-client' },
      { kind: 'ibgp' },
      { kind: 'ibgp' },
      { kind: 'ebgp' },
      { kind: 'ebgp2' },
    ],
    async run(t) {
      await t.step('from a client', async () => {
        const source = await t.establish('ibgp-client');
        const observers = [
          await t.establish('ibgp-client'),
          await t.establish('ibgp'),
          await t.establish('ebgp'),
        ];
        const prefix = t.prefix();
        source.announce(prefix);
        for (const observer of observers) await observer.expectRoute(prefix);
      });
      await t.step('from a non-client', async () => {
        const source = await t.establish('ibgp');
        const client = await t.establish('ibgp-client');
        const other = await t.establish('ibgp');
        const external = await t.establish('ebgp');
        const prefix = t.prefix();
        source.announce(prefix);
        await external.expectRoute(prefix);
        await expectWithheld(t, prefix, { witness: client, observer: other, speaker: external });
      });
      await t.step('from an external peer', async () => {
        const source = await t.establish('ebgp');
        const observers = [await t.establish('ibgp-client'), await t.establish('ibgp')];
        if (t.has({ kind: 'ebgp2' })) observers.push(await t.establish('ebgp2'));
        const prefix = t.prefix();
        source.announce(prefix);
        for (const observer of observers) await observer.expectRoute(prefix);
      });
    },
  },
  {
    id: 'RR-2',
    rfc: 'RFC 4456 8',
    level: 'must',
    title: 'What reflecting adds',
    stimulus:
      'routes from a client and from a non-client, without ORIGINATOR_ID and CLUSTER_LIST and with both',
    expected:
      "ORIGINATOR_ID is the originator's BGP identifier, one that was there stays; the own cluster id stands before the others",
    needs: [{ kind: 'ibgp-client' }, { kind: 'ibgp-client' }, { kind: 'ibgp' }],
    async run(t) {
      for (const kind of ['ibgp-client', 'ibgp'] as const) {
        const from = kind === 'ibgp' ? 'a non-client' : 'a client';
        await t.step(`neither is there, from ${from}`, async () => {
          const source = await t.establish(kind);
          const client = await t.establish('ibgp-client');
          const prefix = t.prefix();
          source.announce(prefix);
          const route = await client.expectRoute(prefix);
          const [originator, clusters] = [originatorOf(route), clustersOf(route)];
          t.check(
            originator === source.sentOpen!.bgpId,
            `expected ORIGINATOR_ID ${ids([source.sentOpen!.bgpId])}, got ${ids([originator])}`,
          );
          t.check(clusters.length === 1, `expected the target's cluster id alone, got ${ids(clusters)}`);
          const own = t.profile.clusterId;
          if (own !== undefined) {
            t.check(ids(clusters) === own, `expected cluster id ${own}, got ${ids(clusters)}`);
          }
        });
        await t.step(`both are there, from ${from}`, async () => {
          const source = await t.establish(kind);
          const client = await t.establish('ibgp-client');
          const prefix = t.prefix();
          source.announce(prefix, { extra: [originatorId(ORIGINATOR), clusterList(...CLUSTERS)] });
          const route = await client.expectRoute(prefix);
          const [originator, clusters] = [originatorOf(route), clustersOf(route)];
          t.check(
            originator === ORIGINATOR,
            `expected ORIGINATOR_ID ${ids([ORIGINATOR])} as it was, got ${ids([originator])}`,
          );
          t.check(
            clusters.length === 3 && ids(clusters.slice(1)) === ids(CLUSTERS),
            `expected one cluster id before ${ids(CLUSTERS)}, got ${ids(clusters)}`,
          );
        });
      }
    },
  },
  {
    id: 'RR-3',
    rfc: 'RFC 4456 8',
    level: 'should',
    title: 'Loops of reflection',
    stimulus: "a route whose ORIGINATOR_ID is the target's BGP identifier; its cluster id in CLUSTER_LIST",
    expected: 'the route is ignored, the session stays',
    needs: [{ kind: 'ibgp-client' }, { kind: 'ibgp-client' }, { kind: 'ebgp' }],
    async run(t) {
      const ignored = async (source: Peer, observer: Peer, extra: readonly Uint8Array[]): Promise<void> => {
        const prefix = t.prefix();
        source.announce(prefix, { extra });
        await t.barrier(source, observer);
        t.check(
          observer.historyOf(prefix).length === 0,
          `expected the route to be ignored, but ${observer.identity.label} was sent it`,
        );
      };
      await t.step('own BGP identifier in ORIGINATOR_ID', async () => {
        const source = await t.establish('ibgp-client');
        const observer = await t.observer(source);
        await ignored(source, observer, [originatorId(source.open!.bgpId), clusterList(...CLUSTERS)]);
      });
      await t.step('own cluster id in CLUSTER_LIST', async () => {
        const source = await t.establish('ibgp-client');
        const own = await ownCluster(t, source, await t.establish('ibgp-client'));
        const observer = await t.observer(source);
        await ignored(source, observer, [originatorId(ORIGINATOR), clusterList(CLUSTERS[0], own)]);
      });
    },
  },
  {
    id: 'RR-4',
    rfc: 'RFC 4456 10',
    level: 'should',
    title: 'What reflecting leaves alone',
    stimulus: 'a route from a client with a next hop, path, LOCAL_PREF and MED of its own',
    expected: 'NEXT_HOP, AS_PATH, LOCAL_PREF and MED are as they were',
    needs: [{ kind: 'ibgp-client' }, { kind: 'ibgp-client' }, { kind: 'ibgp' }],
    async run(t) {
      for (const kind of ['ibgp-client', 'ibgp'] as const) {
        await t.step(kind === 'ibgp' ? 'to a non-client' : 'to a client', async () => {
          const source = await t.establish('ibgp-client');
          const observer = await t.establish(kind);
          const prefix = t.prefix();
          source.announce(prefix, { path: sequence(64901, 64902), localPref: 150, med: 77 });
          const route = await observer.expectRoute(prefix);
          const got = `${route.nextHopText}, path ${route.pathText}, LOCAL_PREF ${route.localPref}, MED ${route.med}`;
          t.check(
            hex(route.nextHop) === hex(source.identity.nextHop) &&
              route.pathText === '64901 64902' &&
              route.localPref === 150 &&
              route.med === 77,
            `expected next hop ${hexAddress(source.identity.nextHop)}, path 64901 64902, LOCAL_PREF 150, MED 77, got ${got}`,
          );
        });
      }
    },
  },
  {
    id: 'RR-5',
    rfc: 'RFC 4271 9.2',
    level: 'must',
    title: 'Internal routes do not go to internal peers',
    stimulus: 'a route from an internal peer that is no client',
    expected: 'it goes to external peers, and to no internal peer but clients',
    needs: [{ kind: 'ibgp' }, { kind: 'ibgp' }, { kind: 'ebgp' }],
    async run(t) {
      const source = await t.establish('ibgp');
      const external = await t.establish('ebgp');
      const observer = await t.establish('ibgp');
      const prefix = t.prefix();
      source.announce(prefix);
      await expectWithheld(t, prefix, { witness: external, observer, speaker: external });
    },
  },
];

function hexAddress(octets: Uint8Array): string {
  return formatIpv4(readUint32(octets, 0));
}
