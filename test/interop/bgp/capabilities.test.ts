// What podwire and BIRD, FRR and GoBGP negotiate where each offers all it has, as each side tells it.
import { afterEach, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import { realSpeaker, untilEstablished } from '../../support/bgp.ts';
import type { Router } from './router.ts';
import { ROUTERS } from './routers.ts';

const PORT = 17991;
const FAMILIES = ['ipv4-unicast', 'ipv6-unicast'] as const;
const PEER = 'router';

const BOTH = ['four-octet-as', 'route-refresh'] as const;
const PATHS = ['add-path-send', 'add-path-receive'] as const;
const RESTART = ['graceful-restart', 'long-lived-graceful-restart'] as const;

/** Of everything that podwire offers below: what podwire calls negotiated, and what the router does. */
const NEGOTIATED: Readonly<Record<string, Agreement>> = {
  BIRD: {
    podwire: [
      ...BOTH,
      'enhanced-route-refresh',
      'extended-message',
      ...PATHS,
      'extended-next-hop',
      ...RESTART,
      'role',
    ],
    router: [
      'Multiprotocol',
      'Route refresh',
      'Extended next hop',
      'Extended message',
      'Graceful restart',
      '4-octet AS numbers',
      'ADD-PATH',
      'Enhanced refresh',
      'Long-lived graceful restart',
      'Role',
    ],
    fqdn: false,
    notification: false,
    // A BIRD that was not started with -R has preserved nothing.
    forwarding: false,
  },
  FRR: {
    // FRR offers extended next hops on sessions over IPv6 only.
    podwire: [...BOTH, 'enhanced-route-refresh', 'extended-message', ...PATHS, ...RESTART, 'role'],
    router: [
      '4byteAs',
      'extendedMessage',
      'addPath',
      'role',
      'longLivedGracefulRestart',
      'routeRefresh',
      'enhancedRouteRefresh',
      'multiprotocolExtensions',
      'gracefulRestart',
    ],
    fqdn: true,
    notification: true,
    forwarding: true,
  },
  GoBGP: {
    podwire: [...BOTH, ...PATHS, 'extended-next-hop', ...RESTART],
    router: [
      'ipv4-unicast',
      'ipv6-unicast',
      'route-refresh',
      'extended-nexthop',
      'graceful-restart',
      '4-octet-as',
      'add-path',
      'long-lived-graceful-restart',
      'fqdn',
    ],
    fqdn: true,
    notification: true,
    forwarding: false,
  },
};

interface Agreement {
  readonly podwire: readonly string[];
  readonly router: readonly string[];
  /** It tells its host name. */
  readonly fqdn: boolean;
  /** It keeps routes across NOTIFICATIONs (RFC 8538). */
  readonly notification: boolean;
  /** It claims to have kept its forwarding state. */
  readonly forwarding: boolean;
}

let router: Router | undefined;
let podwire: BgpSpeaker | undefined;

afterEach(async () => {
  await podwire?.stop();
  await router?.stop();
  podwire = undefined;
  router = undefined;
});

for (const kind of ROUTERS) {
  test.skipIf(kind.need.missing)(
    kind.need.title(`${kind.name} and podwire agree on everything that both know`),
    async () => {
      const ours = `127.110.${kind.subnet}.101`;
      const theirs = `127.110.${kind.subnet}.102`;
      router = await kind.start({
        address: theirs,
        asn: 64600,
        port: PORT,
        families: FAMILIES,
        nextHop6: '2001:db8::99',
        networks: [],
        restartTime: 33,
        longLivedTime: 44,
        peers: [
          {
            address: ours,
            asn: 64512,
            addPath: true,
            extendedNextHop: true,
            ...(kind.name === 'GoBGP' ? {} : { role: 'customer' }),
          },
        ],
      });
      podwire = realSpeaker({ asn: 64512, routerId: ours, listen: [{ address: ours, port: PORT }] });
      podwire.setPeers([
        {
          name: PEER,
          address: theirs,
          port: PORT,
          asn: 64600,
          localAddress: ours,
          families: FAMILIES,
          familySettings: FAMILIES.map((family) => ({
            family,
            addPath: { receive: true, send: 'all' },
            ...(family === 'ipv4-unicast' ? { extendedNextHop: true } : {}),
          })),
          extendedMessage: true,
          gracefulRestart: { restartTime: 55 },
          longLivedGracefulRestart: { staleTime: 66 },
          role: 'provider',
          capabilities: { fqdn: { host: 'podwire', domain: 'example.net' }, softwareVersion: 'podwire' },
        },
      ]);
      await podwire.start();
      await untilEstablished(podwire, PEER);
      const expected = NEGOTIATED[kind.name]!;
      expect(podwire.neighbors()[0]!.capabilities).toEqual(expected.podwire);
      expect((await router.capabilities(ours)).toSorted()).toEqual(expected.router.toSorted());

      const { machine } = podwire.peer(PEER).session;
      const { forwarding } = expected;
      expect(machine.negotiated).toMatchObject({
        peerAs: 64600,
        peerType: 'external',
        families: FAMILIES,
        addPathSend: FAMILIES,
        addPathReceive: FAMILIES,
        gracefulRestart: {
          restartTime: 33,
          notification: expected.notification,
          families: FAMILIES.map((family) => ({ family, forwarding })),
        },
        longLived: { families: FAMILIES.map((family) => ({ family, forwarding, staleTime: 44 })) },
      });
      expect(machine.negotiated!.fqdn !== undefined).toBe(expected.fqdn);
    },
  );
}
