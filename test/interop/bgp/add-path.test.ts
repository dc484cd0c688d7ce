// Several paths of a prefix between podwire and BIRD, FRR and GoBGP in both directions (RFC 7911).
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { PeerConfig } from '../../../agents/bgp/types.ts';
import { realSpeaker } from '../../support/bgp.ts';
import { type Capture, capture, wiretap } from './capture.ts';
import type { Router, RouterPath } from './router.ts';
import { ROUTERS } from './routers.ts';
import { Witness } from './witness.ts';

const PORT = 17993;
const ASN = 64512;
const FAMILIES = ['ipv4-unicast', 'ipv6-unicast'] as const;
const WAIT = { timeout: 20_000, interval: 50 };
/** What both of podwire's other peers announce, and their next hops. */
const PREFIXES = {
  '10.30.0.0/24': ['192.0.2.10', '192.0.2.20'],
  '2001:db8:30::/64': ['2001:db8::10', '2001:db8::20'],
};

let router: Router | undefined;
let speakers: BgpSpeaker[] = [];
let traffic: Capture | undefined;

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

function routes(paths: readonly RouterPath[]): string[] {
  return paths.map(({ prefix, nextHop, asPath }) => `${prefix} via ${nextHop} ${asPath}`).sort();
}

for (const kind of ROUTERS) {
  describe.skipIf(kind.need.missing)(kind.need.title(`${kind.name}: add-path`), () => {
    test.skipIf(wiretap.missing)(
      wiretap.title('both send every path of a prefix, and withdraw one of them'),
      async () => {
        const at = (host: number): string => `127.110.${kind.subnet}.${host}`;
        const [ours, theirs, ...sources] = [at(141), at(142), at(143), at(144)] as const;
        traffic = await capture(PORT, `host ${ours}`);
        router = await kind.start({
          address: theirs,
          asn: ASN,
          port: PORT,
          families: FAMILIES,
          nextHop6: '2001:db8::99',
          networks: [{ prefix: '10.20.0.0/24', community: '64512:1' }],
          peers: [{ address: ours, asn: ASN, addPath: true }],
        });
        const podwire = realSpeaker({ asn: ASN, routerId: ours, listen: [{ address: ours, port: PORT }] });
        speakers.push(podwire);
        const witnesses = await Promise.all(
          sources.map((address, i) =>
            Witness.start({
              address,
              asn: 64601 + i,
              port: PORT,
              families: FAMILIES,
              peer: { address: ours, asn: ASN },
              settings: { nextHopUnchanged: true },
            }),
          ),
        );
        speakers.push(...witnesses.map(({ speaker }) => speaker));
        witnesses.forEach(({ speaker }, i) => {
          for (const [prefix, nextHops] of Object.entries(PREFIXES)) {
            speaker.announce(prefix, { nextHop: nextHops[i]! });
          }
        });
        const common = { port: PORT, localAddress: ours, families: FAMILIES, connectRetry: 1 };
        podwire.setPeers([
          {
            name: 'router',
            address: theirs,
            asn: ASN,
            ...common,
            familySettings: FAMILIES.map((family) => ({ family, addPath: { receive: true, send: 'all' } })),
          } satisfies PeerConfig,
          ...sources.map((address, i) => ({ name: address, address, asn: 64601 + i, ...common })),
        ]);
        await podwire.start();

        const expected = (source: number): string[] =>
          Object.entries(PREFIXES).map(
            ([prefix, nextHops]) => `${prefix} via ${nextHops[source]} ${64601 + source}`,
          );
        const received = async (): Promise<RouterPath[]> =>
          (await Promise.all(FAMILIES.map((family) => router!.received(ours, family)))).flat();
        await vi.waitFor(
          async () => expect(routes(await received())).toEqual([...expected(0), ...expected(1)].sort()),
          WAIT,
        );
        console.log(JSON.stringify(await received()));
        const sent = podwire.adjRibOut('router').map(({ prefix, pathId }) => `${prefix} ${pathId}`);
        expect(new Set(sent).size).toBe(4);
        await vi.waitFor(() => expect(podwire.adjRibIn('router')).toHaveLength(1), WAIT);
        expect(podwire.adjRibIn('router')[0]).toMatchObject({
          prefix: '10.20.0.0/24',
          pathId: expect.any(Number),
        });

        for (const prefix of Object.keys(PREFIXES)) witnesses[0]!.speaker.withdraw(prefix);
        await vi.waitFor(async () => expect(routes(await received())).toEqual(expected(1).sort()), WAIT);
        expect(await traffic.messages()).toBeGreaterThan(10);
      },
    );
  });
}
