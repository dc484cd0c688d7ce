// Labs of the netns runtime: their nodes, asked through podwire and through what runs in them.
import { join } from 'node:path';
import { connectAgent } from '../../../agents/control/client.ts';
import type { LabInfo, LabNodeInfo } from '../../../agents/control/routes.ts';
import type { AgentControl } from '../../../agents/control/types.ts';
import { root as projectRoot } from '../../support/root.ts';
import { until } from '../../support/until.ts';
import type { Ran, Workspace } from './workspace.ts';

/** Path of a lab that comes with podwire. */
export function example(name: string): string {
  return join(projectRoot, 'lab', 'examples', `${name}.yaml`);
}

/** Brings a lab of the workspace's name up in network namespaces. */
export async function upNetns(workspace: Workspace, file: string): Promise<LabInfo> {
  await workspace.ok(['up', '-d', '--runtime', 'netns', file]);
  return labInfo(workspace);
}

export async function labInfo(workspace: Workspace): Promise<LabInfo> {
  return (await workspace.json<{ readonly lab: LabInfo }>(['inspect'])).lab;
}

/** A node as the running lab describes it. */
export function nodeOf(lab: LabInfo, name: string): LabNodeInfo {
  const node = lab.nodes.find((each) => each.name === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  return node;
}

/** Control interface of a node's agent, past the command line. */
export function agentOf(workspace: Workspace, node: string): AgentControl {
  return connectAgent({ kind: 'unix', path: join(workspace.runDir, workspace.lab, `${node}.sock`) }, node);
}

/** Standard output of a command in a node's or pod's namespace; it must succeed. */
export function inside(workspace: Workspace, where: string, ...command: readonly string[]): Promise<string> {
  return workspace.ok(['exec', where, '--', ...command]);
}

/** Runs a command in the namespace of the underlay's bridge; it must succeed. */
export async function inFabric(
  workspace: Workspace,
  lab: LabInfo,
  ...command: readonly string[]
): Promise<string> {
  const { code, stdout, stderr }: Ran = await workspace.run(['nsenter', `--net=${lab.fabric}`, ...command])
    .ended;
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** Block of a host, which IPAM gave it. */
export async function blockOf(workspace: Workspace, host: string): Promise<string> {
  const [block] = (await agentOf(workspace, host).status()).blocks;
  if (block === undefined) throw new Error(`${host} has no block`);
  return block;
}

/** Waits until all sessions of a node's agent are up with the peers' routes. */
export async function untilSynced(workspace: Workspace, node: string): Promise<void> {
  await until(`all BGP sessions of ${node}`, async () => {
    const { sessions } = await agentOf(workspace, node).status();
    return sessions.total > 0 && sessions.synced === sessions.total;
  });
}

/** Waits until a host forwards to a prefix, or does not any more. */
export async function untilReachable(
  workspace: Workspace,
  host: string,
  prefix: string,
  reachable: boolean,
  timeoutMs?: number,
): Promise<void> {
  const text = `${prefix} ${reachable ? 'reachable' : 'unreachable'} from ${host}`;
  await until(
    text,
    async () => (await agentOf(workspace, host).status()).reachable.includes(prefix) === reachable,
    timeoutMs,
  );
}

/** A route as a foreign router and podwire both know it. */
export interface SharedRoute {
  readonly prefix: string;
  readonly nextHop: string;
  /** As text; empty for the own AS. */
  readonly asPath: string;
  readonly origin: string;
}

/** Sorts routes, so that tables can be compared. */
export function sortedRoutes(routes: readonly SharedRoute[]): SharedRoute[] {
  return routes.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** Routes that a podwire node has from the peer at an address. */
export async function routesFrom(
  workspace: Workspace,
  node: string,
  address: string,
): Promise<SharedRoute[]> {
  const paths = await agentOf(workspace, node).rib();
  return sortedRoutes(paths.filter(({ peer }) => peer?.address === address).map(shared));
}

/** A node's own routes as its peers get them: with its address as next hop. */
export async function ownRoutes(workspace: Workspace, node: string, address: string): Promise<SharedRoute[]> {
  const paths = await agentOf(workspace, node).rib();
  return sortedRoutes(
    paths.filter(({ peer }) => peer === undefined).map((path) => ({ ...shared(path), nextHop: address })),
  );
}

function shared({ prefix, nextHop, asPath, origin }: SharedRoute): SharedRoute {
  return { prefix, nextHop, asPath, origin };
}
