// Graceful restart beside BIRD, FRR and GoBGP: of the router, with and without its return, and of podwire.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { PeerConfig } from '../../../agents/bgp/types.ts';
import { ADMINISTRATIVE_RESET } from '../../../protocol/bgp/message/notification.ts';
import { realSpeaker, until, untilEstablished } from '../../support/bgp.ts';
import { PodwireProcess } from './podwire-process.ts';
import type { Router, RouterNetwork, RouterSpec } from './router.ts';
import { networks, ROUTERS, type RouterKind } from './routers.ts';
import { Witness } from './witness.ts';

const PORT = 17992;
const ASN = 64512;
const FAMILIES = ['ipv4-unicast', 'ipv6-unicast'] as const;
const PEER = 'router';
const WAIT = { timeout: 20_000, interval: 50 };

const BEFORE = networks('b', 12);
/** What a router has after its restart: two are gone, two are new, the attributes of some have changed. */
const AFTER = networks('b', 14, 1).slice(2);
const GONE = prefixesOf(BEFORE.slice(0, 2));

let router: Router | undefined;
let podwire: BgpSpeaker | undefined;
let witness: Witness | undefined;
let process: PodwireProcess | undefined;

beforeEach(() => {
  router = undefined;
  podwire = undefined;
  witness = undefined;
  process = undefined;
});

afterEach(async () => {
  await podwire?.stop();
  await witness?.speaker.stop();
  await process?.stop();
  await router?.stop();
});

function prefixesOf(list: readonly { readonly prefix: string }[]): string[] {
  return list.map(({ prefix }) => prefix).sort();
}

function addresses({ subnet }: RouterKind): { ours: string; theirs: string; third: string } {
  return { ours: `127.110.${subnet}.121`, theirs: `127.110.${subnet}.122`, third: `127.110.${subnet}.123` };
}

function startRouter(kind: RouterKind, more: Partial<RouterSpec>): Promise<Router> {
  const { ours, theirs } = addresses(kind);
  return kind.start({
    address: theirs,
    asn: 64600,
    port: PORT,
    families: FAMILIES,
    nextHop6: '2001:db8::99',
    networks: BEFORE,
    peers: [{ address: ours, asn: ASN }],
    ...more,
  });
}

/** The router, podwire and a witness behind it, with the router's routes at the witness. */
async function connect(kind: RouterKind, more: Partial<RouterSpec>, settings: Partial<PeerConfig> = {}) {
  const { ours, theirs, third } = addresses(kind);
  const restart = { gracefulRestart: {}, longLivedGracefulRestart: { staleTime: 60 } };
  const parts = {
    router: await startRouter(kind, more),
    podwire: realSpeaker({ asn: ASN, routerId: ours, listen: [{ address: ours, port: PORT }] }),
    witness: await Witness.start({
      address: third,
      asn: 64700,
      port: PORT,
      families: FAMILIES,
      peer: { address: ours, asn: ASN },
      settings: restart,
    }),
  };
  ({ router, podwire, witness } = parts);
  const common = {
    port: PORT,
    localAddress: ours,
    families: FAMILIES,
    connectRetry: 1,
    nextHopUnchanged: true,
  };
  podwire.setPeers([
    { name: PEER, address: theirs, asn: 64600, ...common, ...restart, ...settings },
    { name: 'witness', address: third, asn: 64700, ...common, ...restart },
  ]);
  for (const { prefix } of networks('a', 8)) podwire.announce(prefix, own(prefix));
  await podwire.start();
  await told(prefixesOf([...BEFORE, ...networks('a', 8)]));
  parts.witness.takeLost();
  return { ...parts, ours };
}

function own(prefix: string): { nextHop: string } {
  return { nextHop: prefix.includes(':') ? '2001:db8::1' : '192.0.2.1' };
}

/** The witness comes to know exactly these prefixes. */
async function told(prefixes: readonly string[]): Promise<void> {
  await vi.waitFor(() => expect(witness!.prefixes()).toEqual(prefixes), WAIT);
}

/** The session with the router ends, and podwire keeps the router's routes. */
async function untilStale(): Promise<void> {
  await until(podwire!, () => podwire!.neighbors()[0]!.state !== 'Established');
  expect(podwire!.neighbors()[0]!.staleFamilies).toEqual(FAMILIES);
  // FRR sends back what it has from us, which never takes part in selection.
  const kept = podwire!.rib().filter(({ stale, ineligible }) => stale === true && ineligible === undefined);
  expect(prefixesOf(kept)).toEqual(prefixesOf(BEFORE));
}

/** Prefixes that the router has from podwire. */
async function have(): Promise<readonly string[]> {
  const { address } = router!.spec.peers[0]!;
  const paths = await Promise.all(FAMILIES.map((family) => router!.received(address, family)));
  return prefixesOf(paths.flat());
}

for (const kind of ROUTERS) {
  describe.skipIf(kind.need.missing)(kind.need.title(`${kind.name}: graceful restart`), () => {
    test('routes of a crashed router stay until it has told what it has now', async () => {
      const { router, podwire, witness } = await connect(kind, { restartTime: 60 });
      await router.crash();
      await untilStale();
      await router.restart(AFTER);
      await untilEstablished(podwire, PEER);
      await told(prefixesOf([...AFTER, ...networks('a', 8)]));
      expect(witness.takeLost()).toEqual(GONE);
      expect(podwire.neighbors()[0]!.staleFamilies).toEqual([]);
      expect(podwire.rib().filter(({ stale }) => stale === true)).toEqual([]);
      await vi.waitFor(async () => expect(await have()).toEqual(prefixesOf(networks('a', 8))), WAIT);
    });

    test('routes of a router that does not come back go', async () => {
      const { router, witness } = await connect(kind, { restartTime: 2 });
      await router.crash();
      await untilStale();
      expect(witness.takeLost()).toEqual([]);
      await told(prefixesOf(networks('a', 8)));
      expect(witness.takeLost()).toEqual(prefixesOf(BEFORE));
    });

    test('they stay for longer with long-lived graceful restart, as a last resort', async () => {
      const { router, witness } = await connect(kind, { restartTime: 1, longLivedTime: 2 });
      await router.crash();
      await untilStale();
      await vi.waitFor(
        () =>
          expect(
            prefixesOf(witness.paths().filter((path) => path.communities.includes('llgr-stale'))),
          ).toEqual(prefixesOf(BEFORE)),
        WAIT,
      );
      expect(witness.takeLost()).toEqual([]);
      await told(prefixesOf(networks('a', 8)));
    });

    test('a router keeps the routes of a podwire that was killed until it has told what it has now', async () => {
      const { ours, theirs } = addresses(kind);
      router = await startRouter(kind, { restartTime: 60 });
      const file = (list: readonly RouterNetwork[], restarting: boolean): object => ({
        asn: ASN,
        routerId: ours,
        listen: [{ address: ours, port: PORT }],
        networks: list.map(({ prefix }) => ({ prefix, ...own(prefix) })),
        peers: [
          {
            address: theirs,
            port: PORT,
            asn: 64600,
            localAddress: ours,
            families: FAMILIES,
            connectRetry: 1,
            nextHopUnchanged: true,
            gracefulRestart: { restartTime: 60 },
          },
        ],
        restarting,
      });
      process = await PodwireProcess.start(file(networks('a', 8), false));
      await vi.waitFor(async () => expect(await have()).toEqual(prefixesOf(networks('a', 8))), WAIT);
      await process.kill();
      await vi.waitFor(async () => expect(await router!.established(ours)).toBe(false), WAIT);
      expect(await have()).toEqual(prefixesOf(networks('a', 8)));

      process = await PodwireProcess.start(file(networks('a', 10).slice(2), true));
      const seen: (readonly string[])[] = [];
      await vi.waitFor(async () => {
        seen.push(await have());
        expect(seen.at(-1)).toEqual(prefixesOf(networks('a', 10).slice(2)));
      }, WAIT);
      const stayed = prefixesOf(networks('a', 8).slice(2));
      for (const table of seen) expect(table).toEqual(expect.arrayContaining(stayed));
    });

    // BIRD 2 knows nothing of RFC 8538.
    if (kind.name === 'BIRD') return;
    test('both keep routes across a NOTIFICATION, unless it is a hard reset', async () => {
      const { podwire, witness, ours } = await connect(kind, { restartTime: 60 });
      podwire.peer(PEER).session.reset({ subcode: ADMINISTRATIVE_RESET });
      await untilStale();
      expect(await have()).toEqual(prefixesOf(networks('a', 8)));
      podwire.peer(PEER).start();
      await untilEstablished(podwire, PEER);
      await until(podwire, () => podwire.neighbors()[0]!.staleFamilies.length === 0);
      expect(witness.takeLost()).toEqual([]);

      podwire.peer(PEER).shutdown({ hard: true });
      await vi.waitFor(() => expect(witness.takeLost()).toEqual(prefixesOf(BEFORE)), WAIT);
      await vi.waitFor(async () => expect(await router!.established(ours)).toBe(false), WAIT);
      expect(await have()).toEqual([]);
    });
  });
}
