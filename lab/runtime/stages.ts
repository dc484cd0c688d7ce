import type { AgentStatus } from '../../agents/control/types.ts';

/** The stages of bringing a lab up, in order, as people see them. */
export const STAGES = ['plan', 'store', 'nodes', 'pods', 'bgp', 'routes'] as const;
export type StageName = (typeof STAGES)[number];

export const STAGE_TITLES: Readonly<Record<StageName, string>> = {
  plan: 'Lab file checked and addresses planned',
  store: 'Store with Calico resources',
  nodes: 'Node agents and route reflectors',
  pods: 'Pods with IPAM addresses',
  bgp: 'BGP sessions Established, End-of-RIB in',
  routes: 'Routes to every block, with FDB and ARP entries',
};

/** Progress of one stage. `done` comes once; `detail` is one line such as `6/6`. */
export interface StageEvent {
  readonly stage: StageName;
  readonly state: 'running' | 'done' | 'failed';
  readonly detail: string;
  /** Milliseconds since the process started. */
  readonly atMs: number;
}

/** A stage of bringing up the lab failed; `message` is one line and names the stage's cause. */
export class StageError extends Error {
  override readonly name = 'StageError';
  readonly stage: StageName;

  constructor(stage: StageName, message: string) {
    super(message);
    this.stage = stage;
  }
}

/** What a set of agents has reached together: counts for people, and whether it is everything. */
export interface Progress {
  readonly nodes: Count;
  readonly pods: Count;
  readonly bgp: Count;
  readonly routes: Count;
  readonly converged: boolean;
  /** The first few things that are missing, one line each. */
  readonly missing: readonly string[];
}

/** A block and the node that it belongs to. */
export interface OwnedBlock {
  readonly block: string;
  readonly node: string;
}

export interface Count {
  readonly done: number;
  readonly total: number;
}

/**
 * Judges convergence from what the agents say of themselves: all of them up and their pods answering, every
 * configured session Established with End-of-RIB received, every host with a block, and every block that any node
 * holds reachable from every other host.
 * @param expected names of all nodes that run an agent.
 * @param foreignBlocks blocks of foreign nodes, which have no agent to tell of them.
 */
export function judge(
  expected: readonly string[],
  statuses: ReadonlyMap<string, AgentStatus>,
  foreignBlocks: readonly OwnedBlock[] = [],
): Progress {
  const missing: string[] = [];
  const miss = (line: string): void => {
    if (missing.length < 5) missing.push(line);
  };
  const present = expected.flatMap((name) => statuses.get(name) ?? []);
  for (const name of expected) if (!statuses.has(name)) miss(`${name}: no answer yet`);
  const pods = { done: 0, total: 0 };
  const bgp = { done: 0, total: 0 };
  const routes = { done: 0, total: 0 };
  let ready = true;
  const own = present.flatMap((status) => status.blocks.map((block) => ({ block, node: status.node })));
  const blocks = [...own, ...foreignBlocks];
  for (const status of present) {
    if (!status.ready) miss(`${status.node}: ${status.message}`);
    const lacksBlock = status.kind === 'host' && status.blocks.length === 0;
    if (status.ready && lacksBlock) miss(`${status.node}: no block of its own`);
    ready &&= status.ready && !lacksBlock;
    pods.done += status.pods.ready;
    pods.total += status.pods.total;
    bgp.done += status.sessions.synced;
    bgp.total += status.sessions.total;
    if (status.sessions.synced < status.sessions.total) {
      miss(`${status.node}: ${status.sessions.synced} of ${status.sessions.total} BGP sessions Established`);
    }
    if (status.kind !== 'host') continue;
    const reachable = new Set(status.reachable);
    for (const { block, node } of blocks) {
      if (node === status.node) continue;
      routes.total++;
      if (reachable.has(block)) routes.done++;
      else miss(`${status.node}: no route to ${block} (${node})`);
    }
  }
  const nodes = { done: present.length, total: expected.length };
  const complete = [nodes, pods, bgp, routes].every((count) => count.done === count.total);
  return { nodes, pods, bgp, routes, converged: complete && ready, missing };
}
