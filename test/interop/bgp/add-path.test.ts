// Several paths of a prefix between podwire and BIRD, FRR and GoBGP in both directions (RFC 7911).
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { PathView, PeerConfig } from '../../../agents/bgp/types.ts';
import { realSpeaker } from '../../support/bgp.ts';
import { all } from '../../support/tools.ts';
import { type Capture, capture, wiretap } from './capture.ts';
import type { Router, RouterPath } from './router.ts';
import { ROUTERS, type RouterKind } from './routers.ts';
import { Witness } from './witness.ts';

const PORT = 17993;
const ASN = 64512;
const ROUTER_ASN = 64600;
const FAMILIES = ['ipv4-unicast', 'ipv6-unicast'] as const;
const WAIT = { timeout: 20_000, interval: 50 };
/** What both neighbours of the sender announce, and with which next hops. */
const PREFIXES: Readonly<Record<string, readonly [string, string]>> = {
  '10.30.0.0/24': ['192.0.2.10', '192.0.2.20'],
  '2001:db8:30::/64': ['2001:db8::10', '2001:db8::20'],
};

let router: Router | undefined;
let traffic: Capture | undefined;
let speakers: BgpSpeaker[] = [];

beforeEach(() => {
  router = undefined;
  traffic = undefined;
  speakers = [];
});

afterEach(async () => {
  await Promise.all(speakers.map((speaker) => speaker.stop()));
  await router?.stop();
  await traffic?.discard();
});

function addresses({ subnet }: RouterKind) {
  const at = (host: number): string => `127.110.${subnet}.${host}`;
  return { ours: at(141), theirs: at(142), sources: [at(143), at(144)] };
}

/** podwire with a session to the router, and captures what they say to each other. */
async function connect(kind: RouterKind, others: readonly PeerConfig[], routerPeers: readonly string[]) {
  const { ours, theirs } = addresses(kind);
  traffic = await capture(PORT, `host ${ours} and host ${theirs}`);
  router = await kind.start({
    address: theirs,
    asn: ROUTER_ASN,
    port: PORT,
    families: FAMILIES,
    nextHop6: '2001:db8::99',
    networks: [],
    peers: [
      { address: ours, asn: ASN, addPath: true },
      ...routerPeers.map((address, i) => ({ address, asn: 64601 + i })),
    ],
  });
  const podwire = realSpeaker({ asn: ASN, routerId: ours, listen: [{ address: ours, port: PORT }] });
  speakers.push(podwire);
  podwire.setPeers([
    {
      name: 'router',
      address: theirs,
      port: PORT,
      asn: ROUTER_ASN,
      localAddress: ours,
      families: FAMILIES,
      connectRetry: 1,
      nextHopUnchanged: true,
      familySettings: FAMILIES.map((family) => ({ family, addPath: { receive: true, send: 'all' } })),
    },
    ...others,
  ]);
  await podwire.start();
  return { router, podwire, traffic, ours };
}

/** Speakers that announce all prefixes to a peer, each with a next hop of its own. */
async function startSources(
  kind: RouterKind,
  peer: { readonly address: string; readonly asn: number },
  passive: boolean,
) {
  const { sources } = addresses(kind);
  return Promise.all(
    sources.map(async (address, i) => {
      const { speaker } = await Witness.start({
        address,
        asn: 64601 + i,
        port: PORT,
        families: FAMILIES,
        peer,
        settings: { nextHopUnchanged: true, passive, connectRetry: 1 },
      });
      speakers.push(speaker);
      for (const [prefix, nextHops] of Object.entries(PREFIXES))
        speaker.announce(prefix, { nextHop: nextHops[i]! });
      return speaker;
    }),
  );
}

/** What a table has of the prefixes: all paths of these sources through `through`. */
function fromSources(indices: readonly number[], through: number): string[] {
  return indices
    .flatMap((i) => Object.keys(PREFIXES).map((prefix) => `${prefix} ${through} ${64601 + i}`))
    .sort();
}

function paths(table: readonly (RouterPath | PathView)[]): string[] {
  return table.map(({ prefix, asPath }) => `${prefix} ${asPath}`).sort();
}

for (const kind of ROUTERS) {
  const need = all(kind.need, wiretap);
  describe.skipIf(need.missing)(need.title(`${kind.name}: add-path`), () => {
    test('podwire sends every path of a prefix, and withdraws one of them', async () => {
      const { ours, sources } = addresses(kind);
      const from = await startSources(kind, { address: ours, asn: ASN }, true);
      const common = { port: PORT, localAddress: ours, families: FAMILIES, connectRetry: 1 };
      const peers = sources.map((address, i) => ({ name: address, address, asn: 64601 + i, ...common }));
      const { router, podwire, traffic } = await connect(kind, peers, []);
      const received = async (): Promise<RouterPath[]> =>
        (await Promise.all(FAMILIES.map((family) => router.received(ours, family)))).flat();
      await vi.waitFor(async () => expect(paths(await received())).toEqual(fromSources([0, 1], ASN)), WAIT);

      const ids = (table: readonly (RouterPath | PathView)[]): string[] =>
        table.map(({ prefix, nextHop, pathId }) => `${prefix} via ${nextHop} id ${pathId}`).sort();
      const sent = podwire.adjRibOut('router');
      expect(new Set(sent.map(({ prefix, pathId }) => `${prefix} ${pathId}`)).size).toBe(4);
      // Neither birdc nor the JSON of gobgp shows path identifiers.
      if (kind.name === 'FRR') expect(ids(await received())).toEqual(ids(sent));

      for (const prefix of Object.keys(PREFIXES)) from[0]!.withdraw(prefix);
      await vi.waitFor(async () => expect(paths(await received())).toEqual(fromSources([1], ASN)), WAIT);
      expect(await traffic.messages()).toBeGreaterThan(8);
    });

    test('podwire takes every path of a prefix, and the withdrawal of one of them', async () => {
      const { theirs, sources } = addresses(kind);
      const { podwire, traffic } = await connect(kind, [], sources);
      const from = await startSources(kind, { address: theirs, asn: ROUTER_ASN }, false);
      const received = (): readonly PathView[] => podwire.adjRibIn('router');
      await vi.waitFor(() => expect(paths(received())).toEqual(fromSources([0, 1], ROUTER_ASN)), WAIT);
      expect(new Set(received().map(({ prefix, pathId }) => `${prefix} ${pathId}`)).size).toBe(4);
      expect(received().every(({ pathId }) => pathId !== undefined)).toBe(true);
      expect(podwire.rib().filter(({ best }) => best)).toHaveLength(2);

      for (const prefix of Object.keys(PREFIXES)) from[1]!.withdraw(prefix);
      await vi.waitFor(() => expect(paths(received())).toEqual(fromSources([0], ROUTER_ASN)), WAIT);
      expect(await traffic.messages()).toBeGreaterThan(8);
    });
  });
}
