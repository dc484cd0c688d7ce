// BIRD as a node of a lab, asked through birdc in its namespace.
import { inside, type SharedRoute, sortedRoutes } from './netns.ts';
import type { Workspace } from './workspace.ts';

/** Output of a birdc command at a node. */
export function birdc(workspace: Workspace, node: string, ...command: readonly string[]): Promise<string> {
  return inside(workspace, node, 'birdc', '-s', 'bird.ctl', ...command);
}

/** A BGP session as BIRD sees it. */
export interface BirdSession {
  readonly protocol: string;
  readonly neighbor: string;
  readonly state: string;
}

/** BIRD's sessions with neighbours (not the template of dynamic ones), by address. */
export async function birdSessions(workspace: Workspace, node: string): Promise<BirdSession[]> {
  const text = await birdc(workspace, node, 'show', 'protocols', 'all');
  return text
    .split(/\n(?=\S)/)
    .flatMap((entry) => {
      const protocol = /^(\S+)\s+BGP\b/.exec(entry)?.[1];
      const neighbor = /^\s+Neighbor address:\s+([\d.]+)$/m.exec(entry)?.[1];
      const state = /^\s+BGP state:\s+(\S+)$/m.exec(entry)?.[1];
      return protocol === undefined || neighbor === undefined || state === undefined
        ? []
        : [{ protocol, neighbor, state }];
    })
    .sort((a, b) => (a.neighbor < b.neighbor ? -1 : 1));
}

/** Routes that BIRD prints for `show route all ARGUMENTS`: those of BGP, and with them any that it shows. */
export async function birdRoutes(
  workspace: Workspace,
  node: string,
  ...restriction: readonly string[]
): Promise<SharedRoute[]> {
  const text = await birdc(workspace, node, 'show', 'route', 'all', ...restriction);
  let prefix = '';
  const routes = text.split(/\n(?=\S|\s+(?:unicast|blackhole|unreachable) \[)/).flatMap((entry) => {
    prefix = /^(\d[\d.]*\/\d+)\s/.exec(entry)?.[1] ?? prefix;
    const attribute = (name: string): string | undefined =>
      new RegExp(`^\\s+BGP\\.${name}:[ ]*(.*)$`, 'm').exec(entry)?.[1]?.trim();
    const nextHop = attribute('next_hop');
    return nextHop === undefined
      ? []
      : [{ prefix, nextHop, asPath: attribute('as_path') ?? '', origin: attribute('origin') ?? '' }];
  });
  return sortedRoutes(routes);
}
