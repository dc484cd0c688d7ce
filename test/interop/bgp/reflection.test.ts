// podwire as the reflector of two routers of a kind, through crashes without graceful restart and an orderly end.
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import { realSpeaker } from '../../support/bgp.ts';
import type { Router, RouterPath } from './router.ts';
import { networks, ROUTERS, type RouterKind } from './routers.ts';

const PORT = 17997;
const ASN = 64512;
const CLUSTER = '127.110.0.1';
const FAMILIES = ['ipv4-unicast', 'ipv6-unicast'] as const;
const WAIT = { timeout: 20_000, interval: 60 };
const [FIRST, SECOND] = [networks('a', 8), networks('b', 8)];

let routers: Router[] = [];
let podwire: BgpSpeaker | undefined;

afterEach(async () => {
  await podwire?.stop();
  await Promise.all(routers.map((router) => router.stop()));
  podwire = undefined;
  routers = [];
});

/** Two routers, clients of podwire, each with networks of its own. */
async function connect({ start, subnet }: RouterKind) {
  const at = (host: number): string => `127.110.${subnet}.${host}`;
  const [ours, ...addresses] = [at(161), at(162), at(163)] as const;
  const spec = { asn: ASN, port: PORT, families: FAMILIES, peers: [{ address: ours, asn: ASN }] };
  const [first, second] = await Promise.all([
    start({ ...spec, address: addresses[0], nextHop6: '2001:db8::91', networks: FIRST }),
    start({ ...spec, address: addresses[1], nextHop6: '2001:db8::92', networks: SECOND }),
  ]);
  routers = [first, second];
  const listen = [{ address: ours, port: PORT }];
  const speaker = realSpeaker({ asn: ASN, routerId: ours, clusterId: CLUSTER, listen });
  podwire = speaker;
  speaker.setPeers(
    addresses.map((address) => ({
      name: address,
      address,
      port: PORT,
      asn: ASN,
      localAddress: ours,
      families: FAMILIES,
      routeReflectorClient: true,
      connectRetry: 1,
    })),
  );
  await speaker.start();
  const received = async (router: Router): Promise<RouterPath[]> =>
    (await Promise.all(FAMILIES.map((family) => router.received(ours, family)))).flat();
  return { first, second, speaker, received };
}

const prefixes = (list: readonly { readonly prefix: string }[]): string[] =>
  list.map(({ prefix }) => prefix).sort();

for (const kind of ROUTERS) {
  describe.skipIf(kind.need.missing)(kind.need.title(`${kind.name}: reflection`), () => {
    test('two clients have the routes of each other, while both are there and podwire is', async () => {
      const { first, second, speaker, received } = await connect(kind);
      await vi.waitFor(async () => expect(prefixes(await received(first))).toEqual(prefixes(SECOND)), WAIT);
      await vi.waitFor(async () => expect(prefixes(await received(second))).toEqual(prefixes(FIRST)), WAIT);
      for (const path of await received(first)) {
        expect(path).toMatchObject({ originatorId: second.spec.address, clusterList: [CLUSTER], asPath: '' });
        if (path.prefix.includes(':')) expect(path.nextHop).toBe('2001:db8::92');
      }

      await second.crash();
      await vi.waitFor(async () => expect(await received(first)).toEqual([]), WAIT);
      await second.restart(SECOND);
      await vi.waitFor(async () => expect(prefixes(await received(first))).toEqual(prefixes(SECOND)), WAIT);

      await speaker.stop();
      await vi.waitFor(async () => expect(await received(first)).toEqual([]), WAIT);
    });
  });
}
