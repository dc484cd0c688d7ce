/** What makes a list of peers usable, and which of its changes a session survives. */
import { parseAddress } from '../../protocol/ip/prefix.ts';
import { BGP_PORT } from './peer-session.ts';
import type { PeerConfig, PeerSettings } from './types.ts';

/** @throws RangeError on peers that could not be told apart or reached. */
export function checkPeers(peers: readonly PeerConfig[]): void {
  const names = new Set<string>();
  const endpoints = new Map<string, string>();
  for (const { name, address, port = BGP_PORT } of peers) {
    if (names.has(name)) throw new RangeError(`two BGP peers are named ${JSON.stringify(name)}`);
    names.add(name);
    if (parseAddress(address) === undefined) {
      throw new RangeError(`BGP peer ${JSON.stringify(name)}: ${JSON.stringify(address)} is no IP address`);
    }
    const other = endpoints.get(`${address} ${port}`);
    if (other !== undefined) {
      throw new RangeError(
        `BGP peers ${JSON.stringify(other)} and ${JSON.stringify(name)} are both ${address} port ${port}`,
      );
    }
    endpoints.set(`${address} ${port}`, name);
  }
}

/** Settings with which a session goes on, whatever they become: shown ones, and those that are applied as they are read. */
const CHANGEABLE: ReadonlySet<string> = new Set<keyof PeerSettings>([
  'type',
  'node',
  'description',
  'group',
  'shutdown',
  'importPolicy',
  'exportPolicy',
  'gracefulShutdown',
]);

/** What a setting left out is the same as. */
const DEFAULTS: Partial<PeerConfig> = {
  port: BGP_PORT,
  passive: false,
  routeReflectorClient: false,
  nextHopSelf: false,
  families: ['ipv4-unicast'],
};

/** Whether a session can go on under a new configuration. */
export function sameSession(a: PeerConfig, b: PeerConfig): boolean {
  return essence(a) === essence(b);
}

function essence(peer: PeerConfig): string {
  const settings = Object.entries({ ...DEFAULTS, ...peer }).filter(
    ([key, value]) => value !== undefined && !CHANGEABLE.has(key),
  );
  return JSON.stringify(settings.sort(([a], [b]) => (a < b ? -1 : 1)));
}
