import { existsSync } from 'node:fs';
import { connectAgent } from '../../agents/control/client.ts';
import type { LabInfo, LabNodeInfo, NodeAction } from '../../agents/control/routes.ts';
import type { AgentControl } from '../../agents/control/types.ts';
import type { LabHandle } from '../cli/lab-access.ts';
import { docker, type LabContainer, labContainers, optionOf } from './compose-containers.ts';

/** BGP's port (RFC 4271 §8), which containers may bind. */
const BGP_PORT = 179;

/** Labs that run under Docker Compose on this machine; none where there is no Docker. */
export async function composeLabs(): Promise<readonly LabInfo[]> {
  const byLab = Map.groupBy(await labContainers(), ({ lab }) => lab);
  return [...byLab.values()].flatMap((containers) => {
    const agents = containers.filter(({ node }) => node !== undefined);
    return agents.some(({ running }) => running) ? [labInfo(containers, agents)] : [];
  });
}

/** A lab under Docker Compose: its agents answer through `docker exec`. */
export class ComposeLab implements LabHandle {
  readonly name: string;
  readonly #info: LabInfo;

  constructor(info: LabInfo) {
    this.name = info.name;
    this.#info = info;
  }

  async nodes(): Promise<readonly AgentControl[]> {
    return this.#info.nodes.flatMap(({ name, endpoint, running }) =>
      running && endpoint !== null ? [withNamespaces(connectAgent(endpoint, name), this.name)] : [],
    );
  }

  async info(): Promise<LabInfo> {
    return this.#info;
  }

  /** What `docker compose stop`, `start` and `kill` do. */
  async node(name: string, action: NodeAction): Promise<void> {
    const container = (await labContainers()).find(({ lab, node }) => lab === this.name && node === name);
    if (container === undefined) throw new Error(`lab ${this.name} has no node ${name}`);
    await docker(action, container.id);
  }

  async down(): Promise<void> {
    const { project } = (await labContainers()).find(({ lab }) => lab === this.name) ?? {};
    const files = project?.files.map((file) => ` --file ${file}`).join('') ?? '';
    const command = `docker compose --project-name ${project?.name ?? this.name}${files} down --volumes`;
    throw new Error(`lab ${this.name} runs under Docker Compose; take it down with: ${command}`);
  }

  close(): void {
    // Nothing is held.
  }
}

function labInfo(containers: readonly LabContainer[], agents: readonly LabContainer[]): LabInfo {
  const [first] = agents.map(({ startedAt }) => startedAt).sort();
  return {
    name: agents[0]!.lab,
    runtime: 'compose',
    pid: 0,
    phase: phaseOf(agents),
    file: null,
    store: storeOf(containers),
    storeEndpoint: containers.find(({ kind }) => kind === 'store')?.published ?? null,
    bgpPort: BGP_PORT,
    podKind: 'linux',
    startedAt: first ?? '',
    convergedMs: null,
    nodes: agents.map(nodeInfo).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** An agent's container is healthy when its node has converged. */
function phaseOf(agents: readonly LabContainer[]): string {
  if (agents.every(({ health }) => health === 'healthy')) return 'converged';
  return agents.every(({ running, health }) => running && health !== 'unhealthy') ? 'starting' : 'degraded';
}

function storeOf(containers: readonly LabContainer[]): string {
  const store = containers.find(({ kind }) => kind === 'store');
  const backend = store === undefined ? undefined : optionOf(store, '--backend');
  return backend?.replace(/\/\/[^/]*@/, '//') ?? 'memory';
}

function nodeInfo({ id, name, node, kind, address, running, pid }: LabContainer): LabNodeInfo {
  return {
    name: node ?? name,
    kind: kind === 'route-reflector' ? 'route-reflector' : 'host',
    address,
    running,
    pid: pid ?? null,
    endpoint: { kind: 'docker', container: id },
    netns: namespaceOf(pid, 'net'),
  };
}

/** Adds where the pods' namespaces are: their agents do not know the containers. */
function withNamespaces(agent: AgentControl, lab: string): AgentControl {
  return {
    ...agent,
    pods: async () => {
      const [rows, containers] = await Promise.all([agent.pods(), labContainers()]);
      return rows.map((row) => {
        const name = `${row.namespace}/${row.name}`;
        const pid = containers.find((each) => each.lab === lab && each.pod === name)?.pid;
        return { ...row, netns: namespaceOf(pid, 'net'), uts: namespaceOf(pid, 'uts') };
      });
    },
  };
}

/** A namespace of a container's process; null where the daemon's processes are not ours to see (another machine). */
function namespaceOf(pid: number | undefined, kind: 'net' | 'uts'): string | null {
  const path = `/proc/${pid}/ns/${kind}`;
  return pid !== undefined && existsSync(path) ? path : null;
}
