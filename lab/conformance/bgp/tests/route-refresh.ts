/** Route refresh: RFC 2918, RFC 7313. */
import type { Peer, Received } from '../peer.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { message, ROUTE_REFRESH, routeRefresh, update } from '../wire/build.ts';
import { bytes } from '../wire/bytes.ts';
import {
  CAP_ENHANCED_ROUTE_REFRESH,
  CAP_GRACEFUL_RESTART,
  CAP_ROUTE_REFRESH,
  enhancedRouteRefresh,
  gracefulRestart,
  IPV4_UNICAST,
  IPV6_UNICAST,
} from '../wire/capabilities.ts';

const { afi, safi } = IPV4_UNICAST;
const BORR = 1;
const EORR = 2;
const ENHANCED = { families: [IPV4_UNICAST], capabilities: [enhancedRouteRefresh()] };
const ENHANCED_RESTART = {
  families: [IPV4_UNICAST],
  capabilities: [
    enhancedRouteRefresh(),
    gracefulRestart({ restartTime: 5 }, { ...IPV4_UNICAST, forwarding: true }),
  ],
};

/** Position of the first message that `match` takes among those received. */
function find(peer: Peer, match: (message: Received) => boolean): number {
  return peer.received.findIndex(match);
}

function isRefresh(subtype: number): (message: Received) => boolean {
  return ({ body }) => body.kind === 'route-refresh' && body.afi === afi && body.subtype === subtype;
}

function announces(prefix: string): (message: Received) => boolean {
  return ({ body }) => body.kind === 'update' && body.announced.some((one) => one.prefix === prefix);
}

function requireEnhanced(t: Scene, peer: Peer): void {
  if (!peer.targetHas(CAP_ENHANCED_ROUTE_REFRESH))
    t.notApplicable('the target does not offer enhanced route refresh');
}

/** A session and a route on it that has come out at an observer. */
async function withRoutes(
  t: Scene,
  options: Parameters<Scene['establish']>[1],
): Promise<{ readonly source: Peer; readonly observer: Peer; readonly kept: string; readonly gone: string }> {
  const source = await t.establish('ebgp', options);
  requireEnhanced(t, source);
  const observer = await t.observer(source);
  const [kept, gone] = [t.prefix(), t.prefix()];
  source.announce([kept, gone]);
  await observer.expectRoute(kept);
  await observer.expectRoute(gone);
  return { source, observer, kept, gone };
}

export const ROUTE_REFRESH_TESTS: readonly Requirement[] = [
  {
    id: 'RTR-1',
    rfc: 'RFC 2918 4',
    level: 'must',
    title: 'Route refresh request',
    stimulus: 'ROUTE-REFRESH for IPv4 unicast; for a family that was not negotiated',
    expected: 'all routes that were sent are sent again; ignored',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    // Alone: a target that groups its peers may send routes again to all of a group when one of them asks.
    exclusive: true,
    async run(t) {
      await t.step('negotiated family', async () => {
        const source = await t.establish('ebgp');
        const observer = await t.observer(source);
        if (!observer.targetHas(CAP_ROUTE_REFRESH))
          t.notApplicable('the target does not offer route refresh');
        const prefixes = Array.from({ length: 5 }, () => t.prefix());
        for (const [i, prefix] of prefixes.entries()) source.announce(prefix, { through: [64900 + i] });
        await t.barrier(source, observer);
        const before = observer.history.length;
        observer.send(routeRefresh(afi, safi));
        for (const prefix of prefixes) {
          await observer.expect(`${prefix} to be sent again`, () =>
            observer.history.slice(before).some((event) => event.prefix === prefix),
          );
        }
      });
      await t.step('other family', async () => {
        const source = await t.establish('ebgp');
        const observer = await t.observer(source, { families: [IPV4_UNICAST] });
        const prefix = t.prefix();
        source.announce(prefix);
        await t.barrier(source, observer);
        const before = observer.historyOf(prefix).length;
        observer.send(routeRefresh(IPV6_UNICAST.afi, IPV6_UNICAST.safi));
        observer.send(routeRefresh(16388, 71));
        await observer.expectAlive();
        await t.barrier(source, observer);
        const more = observer.historyOf(prefix).length - before;
        t.check(more === 0, `expected the request to be ignored, but IPv4 routes were sent again`);
      });
    },
  },
  {
    id: 'RTR-2',
    rfc: 'RFC 7313 4',
    level: 'must',
    title: 'Enhanced route refresh',
    stimulus:
      'ROUTE-REFRESH from a peer with the capability; BoRR, one of two routes, EoRR from a peer with the capability',
    expected:
      'BoRR before the routes and EoRR after them; the route that was not sent again goes, the other stays',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      await t.step('answer to a request', async () => {
        const source = await t.establish('ebgp');
        const observer = await t.observer(source, ENHANCED);
        requireEnhanced(t, observer);
        const prefix = t.prefix();
        source.announce(prefix);
        await t.barrier(source, observer);
        const before = observer.received.length;
        observer.send(routeRefresh(afi, safi));
        await observer.expect('an EoRR', isRefresh(EORR));
        const later = (match: (message: Received) => boolean): number =>
          observer.received.slice(before).findIndex(match);
        const [begin, route, end] = [
          later(isRefresh(BORR)),
          later(announces(prefix)),
          later(isRefresh(EORR)),
        ];
        t.check(begin >= 0, 'expected a BoRR before the EoRR, got none');
        t.check(
          begin < route && route < end,
          `expected BoRR, routes, EoRR, got them as messages ${begin}, ${route}, ${end}`,
        );
      });
      await t.step('refresh by the peer', async () => {
        const { source, observer, kept, gone } = await withRoutes(t, ENHANCED);
        source.send(update());
        source.send(routeRefresh(afi, safi, BORR));
        source.announce(kept);
        source.send(routeRefresh(afi, safi, EORR));
        await observer.expectNoRoute(gone);
        await t.barrier(source, observer);
        t.check(
          observer.historyOf(kept).every(({ what }) => what === 'announced'),
          `expected ${kept} to stay, but it was withdrawn`,
        );
      });
    },
  },
  {
    id: 'RTR-3',
    rfc: 'RFC 7313 5',
    level: 'must',
    title: 'ROUTE-REFRESH with errors',
    stimulus: 'BoRR and EoRR with bodies of 3 and of 5 octets; subtype 3 and 255',
    expected: 'NOTIFICATION 7/1 whose data is the whole message; ignored',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      for (const subtype of [BORR, EORR]) {
        for (const body of [bytes(0, afi, subtype), bytes(0, afi, subtype, safi, 0)]) {
          const name = subtype === BORR ? 'BoRR' : 'EoRR';
          await t.step(`${name} with a body of ${body.length} octets`, async () => {
            const peer = await t.establish('ebgp', ENHANCED);
            requireEnhanced(t, peer);
            const octets = message(ROUTE_REFRESH, body);
            peer.send(octets);
            await peer.expectReset(7, 1, octets);
          });
        }
      }
      for (const subtype of [3, 255]) {
        await t.step(`subtype ${subtype}`, async () => {
          const { source, observer, kept } = await withRoutes(t, ENHANCED);
          source.send(update());
          source.send(routeRefresh(afi, safi, subtype));
          await t.barrier(source, observer);
          t.check(
            observer.historyOf(kept).every(({ what }) => what === 'announced'),
            'expected the message to be ignored, but routes were withdrawn',
          );
        });
      }
    },
  },
  {
    id: 'RTR-4',
    rfc: 'RFC 7313 4',
    level: 'must',
    title: 'Enhanced route refresh and graceful restart',
    stimulus:
      'a request before the target has sent its End-of-RIB; BoRR and EoRR before our own, both sides with graceful restart',
    expected: 'no BoRR before the End-of-RIB; BoRR is ignored, so that routes stay',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      await t.step('request before End-of-RIB', async () => {
        const source = await t.establish('ebgp');
        const witness = await t.observer(source);
        const prefixes = Array.from({ length: 100 }, () => t.prefix());
        for (const [i, prefix] of prefixes.entries()) source.announce(prefix, { through: [64512 + i] });
        await t.barrier(source, witness);
        const observer = await t.observer(source, ENHANCED_RESTART);
        observer.send(routeRefresh(afi, safi));
        requireEnhanced(t, observer);
        if (!observer.targetHas(CAP_GRACEFUL_RESTART))
          t.notApplicable('the target does not offer graceful restart');
        const endOfRib = ({ body }: Received): boolean =>
          body.kind === 'update' && body.endOfRib?.afi === afi;
        await observer.expect('an End-of-RIB', endOfRib);
        const [end, begin] = [find(observer, endOfRib), find(observer, isRefresh(BORR))];
        t.check(begin < 0 || begin > end, 'expected no BoRR before the End-of-RIB, got one');
      });
      await t.step('BoRR before our End-of-RIB', async () => {
        const { source, observer, kept, gone } = await withRoutes(t, ENHANCED_RESTART);
        if (!source.targetHas(CAP_GRACEFUL_RESTART))
          t.notApplicable('the target does not offer graceful restart');
        source.send(routeRefresh(afi, safi, BORR));
        source.send(routeRefresh(afi, safi, EORR));
        await t.barrier(source, observer);
        for (const prefix of [kept, gone]) {
          t.check(
            observer.historyOf(prefix).every(({ what }) => what === 'announced'),
            `expected the BoRR to be ignored, but ${prefix} was withdrawn`,
          );
        }
      });
    },
  },
];
