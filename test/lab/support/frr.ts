// FRR's bgpd as a node of a lab, asked through vtysh in its namespace.
import { inside, type SharedRoute, sortedRoutes } from './netns.ts';
import type { Workspace } from './workspace.ts';

/** Answer of bgpd to a show command, as JSON. */
export async function vtysh<T>(workspace: Workspace, node: string, command: string): Promise<T> {
  return JSON.parse(await vtyshText(workspace, node, `${command} json`)) as T;
}

/** Output of vtysh commands, run one after the other. */
export function vtyshText(
  workspace: Workspace,
  node: string,
  ...commands: readonly string[]
): Promise<string> {
  const args = commands.flatMap((command) => ['-c', command]);
  return inside(workspace, node, 'vtysh', '--vty_socket', '.', '--config_dir', '.', ...args);
}

/** States of bgpd's sessions by the neighbour's address. */
export async function frrSessions(
  workspace: Workspace,
  node: string,
): Promise<Readonly<Record<string, string>>> {
  const { ipv4Unicast } = await vtysh<{ ipv4Unicast?: { peers: Record<string, { state: string }> } }>(
    workspace,
    node,
    'show bgp summary',
  );
  return Object.fromEntries(
    Object.entries(ipv4Unicast?.peers ?? {}).map(([address, { state }]) => [address, state]),
  );
}

/** A path of bgpd's table. */
interface FrrPath {
  readonly path: string;
  readonly origin: string;
  readonly peerId: string;
  readonly nexthops: readonly { readonly ip: string; readonly used?: boolean }[];
}

/** Every path in bgpd's table that came from a neighbour, or all that came from this one. */
export async function frrRoutes(
  workspace: Workspace,
  node: string,
  neighbor?: string,
): Promise<SharedRoute[]> {
  const { routes } = await vtysh<{ routes: Record<string, readonly FrrPath[]> }>(
    workspace,
    node,
    'show bgp ipv4 unicast',
  );
  return sortedRoutes(
    Object.entries(routes).flatMap(([prefix, paths]) =>
      paths
        .filter(({ peerId }) => (neighbor === undefined ? peerId !== '(unspec)' : peerId === neighbor))
        .map(({ path, origin, nexthops }) => ({ prefix, nextHop: nexthops[0]!.ip, asPath: path, origin })),
    ),
  );
}

/** What bgpd sends to a neighbour, before it puts in what depends on the session: next hop 0.0.0.0 is itself. */
export async function frrAdvertised(
  workspace: Workspace,
  node: string,
  neighbor: string,
): Promise<SharedRoute[]> {
  type Advertised = Record<string, { nextHop: string; path: string; bgpOriginCode: string }>;
  const { advertisedRoutes } = await vtysh<{ advertisedRoutes: Advertised }>(
    workspace,
    node,
    `show bgp ipv4 unicast neighbors ${neighbor} advertised-routes`,
  );
  return sortedRoutes(
    Object.entries(advertisedRoutes).map(([prefix, { nextHop, path, bgpOriginCode }]) => ({
      prefix,
      nextHop,
      asPath: path,
      origin: bgpOriginCode === 'i' ? 'IGP' : bgpOriginCode,
    })),
  );
}
