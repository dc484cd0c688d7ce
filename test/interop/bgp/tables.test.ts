// podwire beside BIRD, FRR and GoBGP in every relation: tables equal on both sides through load, churn, refresh, withdraw.
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { PeerConfig } from '../../../agents/bgp/types.ts';
import { realSpeaker, untilEstablished } from '../../support/bgp.ts';
import type { Router, RouterFamily, RouterNetwork } from './router.ts';
import { networks, podwireRows, ROUTERS, type RouterKind, routerRows } from './routers.ts';

const PORT = 17990;
const ASN = 64512;
const FAMILIES = ['ipv4-unicast', 'ipv6-unicast'] as const;
const PEER = 'router';
const WAIT = { timeout: 20_000, interval: 60 };

/** How podwire and the router stand to each other. */
const RELATIONS = {
  'external peer': { asn: 4200000110, client: false, reflects: false },
  'internal peer': { asn: ASN, client: false, reflects: false },
  'route reflector client': { asn: ASN, client: true, reflects: false },
  'route reflector': { asn: ASN, client: false, reflects: true },
} as const;
type Relation = keyof typeof RELATIONS;

let router: Router | undefined;
let podwire: BgpSpeaker | undefined;

afterEach(async () => {
  await podwire?.stop();
  await router?.stop();
  podwire = undefined;
  router = undefined;
});

/** Both sides with routes of their own; resolves when the session is up. */
async function connect(kind: RouterKind, relation: Relation, more: Partial<PeerConfig> = {}) {
  const { asn, client, reflects } = RELATIONS[relation];
  const host = Object.keys(RELATIONS).indexOf(relation) * 2 + 1;
  const ours = `127.110.${kind.subnet}.${host}`;
  const theirs = `127.110.${kind.subnet}.${host + 1}`;
  router = await kind.start({
    address: theirs,
    asn,
    port: PORT,
    families: FAMILIES,
    nextHop6: '2001:db8::99',
    networks: networks('b', 24),
    peers: [
      { address: ours, asn: ASN, client: reflects, ...(more.md5 === undefined ? {} : { md5: more.md5 }) },
    ],
  });
  podwire = realSpeaker({
    asn: ASN,
    routerId: ours,
    listen: [{ address: ours, port: PORT }],
    ...(client ? { clusterId: '127.110.0.1' } : {}),
  });
  podwire.setPeers([
    {
      name: PEER,
      address: theirs,
      port: PORT,
      asn,
      localAddress: ours,
      families: FAMILIES,
      routeReflectorClient: client,
      // The routes' own next hop, since not every router takes one in 127.0.0.0/8.
      nextHopUnchanged: true,
      ...more,
    },
  ]);
  announce(podwire, networks('a', 60));
  await podwire.start();
  await untilEstablished(podwire, PEER);
  return { router, podwire, ours };
}

function announce(speaker: BgpSpeaker, list: readonly RouterNetwork[]): void {
  for (const { prefix, community, med } of list) {
    speaker.announce(prefix, {
      nextHop: prefix.includes(':') ? '2001:db8::1' : '192.0.2.1',
      communities: [community!],
      ...(med === undefined ? {} : { med }),
    });
  }
}

/** The router has from podwire exactly what podwire says it sent. */
async function expectSent(count: number): Promise<void> {
  const { address } = router!.spec.peers[0]!;
  for (const family of FAMILIES) {
    const version = family === 'ipv4-unicast' ? 4 : 6;
    await vi.waitFor(
      async () =>
        expect(routerRows(await router!.received(address, family))).toEqual(
          podwireRows(podwire!.adjRibOut(PEER), version),
        ),
      WAIT,
    );
  }
  const own = podwire!.adjRibOut(PEER).filter(({ prefix }) => /^(10\.10\.|2001:db8:10:)/.test(prefix));
  expect(own).toHaveLength(count);
}

/** podwire has from the router exactly the router's own routes. */
async function expectReceived(list: readonly RouterNetwork[], external: boolean): Promise<void> {
  const wanted = list
    .map(({ prefix, community, med }) => `${prefix} ${community} ${med ?? 0}`)
    .sort()
    .join('\n');
  const have = (): string =>
    podwire!
      .adjRibIn(PEER)
      // A reflector or an external peer may send our own routes back to us.
      .filter(({ prefix }) => /^(10\.20\.|2001:db8:20:)/.test(prefix))
      .map(({ prefix, communities, med }) => `${prefix} ${communities.join(' ')} ${med ?? 0}`)
      .sort()
      .join('\n');
  await vi.waitFor(() => expect(have()).toBe(wanted), WAIT);
  for (const path of podwire!.adjRibIn(PEER)) {
    if (!/^(10\.20\.|2001:db8:20:)/.test(path.prefix)) continue;
    expect(path.asPath).toBe(external ? '4200000110' : '');
  }
}

for (const kind of ROUTERS) {
  describe.skipIf(kind.need.missing)(kind.need.title(`${kind.name}: tables`), () => {
    test.each(Object.keys(RELATIONS) as Relation[])('as %s', async (relation) => {
      const { router, podwire, ours } = await connect(kind, relation);
      const external = relation === 'external peer';
      await expectSent(60);
      await expectReceived(networks('b', 24), external);

      // Churn: every third route gets other attributes, a third goes, new ones come.
      const changed = networks('a', 90, 1).filter((_, i) => i % 3 !== 1);
      for (const { prefix } of networks('a', 60).filter((_, i) => i % 3 === 1)) podwire.withdraw(prefix);
      announce(podwire, changed);
      const theirs = networks('b', 36, 1).filter((_, i) => i % 3 !== 1);
      await router.originate(theirs);
      await expectSent(changed.length);
      await expectReceived(theirs, external);

      // A refresh that either side asks for changes nothing, but sends everything again.
      const updates = (direction: 'sent' | 'received'): number =>
        podwire.neighbors()[0]!.counters[direction].update;
      const before = { sent: updates('sent'), received: updates('received') };
      if (await router.refresh(ours)) {
        await vi.waitFor(() => expect(updates('sent')).toBeGreaterThan(before.sent), WAIT);
      }
      podwire.peer(PEER).requestRefresh();
      await vi.waitFor(() => expect(updates('received')).toBeGreaterThan(before.received), WAIT);
      await expectSent(changed.length);
      await expectReceived(theirs, external);

      for (const { prefix } of changed) podwire.withdraw(prefix);
      await router.originate([]);
      await expectSent(0);
      await expectReceived([], external);
      expect(podwire.neighbors()[0]!.state).toBe('Established');
    });

    test('with TCP-MD5', async () => {
      const { router, ours } = await connect(kind, 'external peer', { md5: 'a-secret-of-2' });
      await expectSent(60);
      const paths = await router.received(ours, 'ipv4-unicast' satisfies RouterFamily);
      expect(paths.length).toBeGreaterThan(0);
    });
  });
}
