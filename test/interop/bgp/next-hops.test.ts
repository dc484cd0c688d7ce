// Sessions over IPv6 with BIRD, FRR and GoBGP: IPv6 routes, and IPv4 routes with IPv6 next hops (RFC 8950).
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import { realSpeaker, untilEstablished } from '../../support/bgp.ts';
import { all } from '../../support/tools.ts';
import { type Capture, capture, wiretap } from './capture.ts';
import { enterOwnNetwork } from './own-network.ts';
import type { Router } from './router.ts';
import { networks, podwireRows, ROUTERS, routerRows } from './routers.ts';

const PORT = 17995;
const ASN = 64512;
const FAMILIES = ['ipv4-unicast', 'ipv6-unicast'] as const;
const PEER = 'router';
const WAIT = { timeout: 20_000, interval: 60 };
const OURS = '2001:db8:110::1';
const THEIRS = '2001:db8:110::2';

let router: Router | undefined;
let podwire: BgpSpeaker | undefined;
let traffic: Capture | undefined;

beforeAll(() => {
  if (wiretap.missing) return;
  enterOwnNetwork([`${OURS}/64`, `${THEIRS}/64`]);
});

beforeEach(() => {
  router = undefined;
  podwire = undefined;
  traffic = undefined;
});

afterEach(async () => {
  await podwire?.stop();
  await router?.stop();
  await traffic?.discard();
});

for (const kind of ROUTERS) {
  const need = all(kind.need, wiretap);
  describe.skipIf(need.missing)(need.title(`${kind.name}: sessions over IPv6`), () => {
    test.each([
      ['external', 64600],
      ['internal', ASN],
    ])('%s: tables are equal on both sides, with IPv6 next hops of IPv4 routes', async (_relation, asn) => {
      traffic = await capture(PORT, 'ip6');
      router = await kind.start({
        address: THEIRS,
        routerId: '127.110.5.2',
        asn,
        port: PORT,
        families: FAMILIES,
        nextHop6: THEIRS,
        networks: networks('b', 12),
        peers: [{ address: OURS, asn: ASN, extendedNextHop: true }],
      });
      podwire = realSpeaker({ asn: ASN, routerId: '127.110.5.1', listen: [{ address: OURS, port: PORT }] });
      podwire.setPeers([
        {
          name: PEER,
          address: THEIRS,
          port: PORT,
          asn,
          localAddress: OURS,
          families: FAMILIES,
          familySettings: [{ family: 'ipv4-unicast', extendedNextHop: true }],
          connectRetry: 1,
        },
      ]);
      for (const { prefix, community } of networks('a', 16))
        podwire.announce(prefix, { communities: [community!] });
      await podwire.start();
      await untilEstablished(podwire, PEER);
      expect(podwire.neighbors()[0]!.capabilities).toContain('extended-next-hop');

      for (const family of FAMILIES) {
        const version = family === 'ipv4-unicast' ? 4 : 6;
        await vi.waitFor(async () => {
          const rows = routerRows(await router!.received(OURS, family));
          expect(rows).toEqual(podwireRows(podwire!.adjRibOut(PEER), version));
          expect(rows).toHaveLength(version === 4 ? 12 : 4);
          expect(rows.every(({ nextHop }) => nextHop === OURS)).toBe(true);
        }, WAIT);
      }
      const theirs = (): { prefix: string; nextHop: string }[] =>
        podwire!
          .adjRibIn(PEER)
          .filter(({ prefix }) => /^(10\.20\.|2001:db8:20:)/.test(prefix))
          .map(({ prefix, nextHop }) => ({ prefix, nextHop }));
      await vi.waitFor(() => expect(theirs()).toHaveLength(12), WAIT);
      expect(theirs().every(({ nextHop }) => nextHop === THEIRS)).toBe(true);

      for (const { prefix } of networks('a', 16)) podwire.withdraw(prefix);
      for (const family of FAMILIES)
        await vi.waitFor(async () => expect(await router!.received(OURS, family)).toEqual([]), WAIT);
      expect(await traffic.messages()).toBeGreaterThan(6);
    });
  });
}
