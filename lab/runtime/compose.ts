import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connectAgent } from '../../agents/control/client.ts';
import type { LabInfo, LabNodeInfo, NodeAction } from '../../agents/control/routes.ts';
import type { AgentControl } from '../../agents/control/types.ts';
import type { LabHandle } from '../cli/lab-access.ts';

const run = promisify(execFile);

/** Labels that docker-compose.lab.yml puts on the containers of agents. */
const LAB_LABEL = 'podwire.lab';
const NODE_LABEL = 'podwire.node';
const KIND_LABEL = 'podwire.kind';
const PROJECT_LABEL = 'com.docker.compose.project';

interface Container {
  readonly name: string;
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Labs that run under Docker Compose on this machine; none where there is no Docker. */
export async function composeLabs(): Promise<readonly LabInfo[]> {
  const byLab = Map.groupBy(await agentContainers(), ({ labels }) => labels[LAB_LABEL] ?? '');
  return [...byLab].map(([name, containers]) => ({
    name,
    runtime: 'compose',
    pid: 0,
    phase: 'running',
    file: null,
    store: 'redis',
    bgpPort: 179,
    podKind: 'linux',
    startedAt: '',
    convergedMs: null,
    nodes: containers.map(nodeInfo).sort((a, b) => (a.name < b.name ? -1 : 1)),
  }));
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
      running && endpoint !== null ? [connectAgent(endpoint, name)] : [],
    );
  }

  async info(): Promise<LabInfo> {
    return this.#info;
  }

  async node(name: string, action: NodeAction): Promise<void> {
    const command = `docker compose -f docker-compose.lab.yml ${action} ${name}`;
    throw new Error(`lab ${this.name} runs under Docker Compose; use: ${command}`);
  }

  async down(): Promise<void> {
    const command = 'docker compose -f docker-compose.lab.yml down --volumes';
    throw new Error(`lab ${this.name} runs under Docker Compose; take it down with: ${command}`);
  }

  close(): void {
    // Nothing is held.
  }
}

function nodeInfo({ name, state, labels }: Container): LabNodeInfo {
  return {
    name: labels[NODE_LABEL] ?? name,
    kind: labels[KIND_LABEL] === 'route-reflector' ? 'route-reflector' : 'host',
    address: '',
    running: state === 'running',
    pid: null,
    endpoint: { kind: 'docker', container: name },
    netns: null,
  };
}

async function agentContainers(): Promise<Container[]> {
  const filter = ['--filter', `label=${NODE_LABEL}`, '--filter', `label=${PROJECT_LABEL}`];
  let output: string;
  try {
    ({ stdout: output } = await run('docker', ['ps', '--no-trunc', ...filter, '--format', '{{json .}}']));
  } catch {
    return [];
  }
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { Names, State, Labels } = JSON.parse(line) as { Names: string; State: string; Labels: string };
      return { name: Names, state: State, labels: labelsOf(Labels) };
    });
}

/** `a=b,c=d` as docker ps prints labels; none of podwire's values has a comma. */
function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
