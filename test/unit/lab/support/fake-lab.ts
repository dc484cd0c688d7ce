import type { LabInfo } from '../../../../agents/control/routes.ts';
import type { AgentControl, AgentStatus, PodRow } from '../../../../agents/control/types.ts';
import type { CliContext, OutputStream } from '../../../../lab/cli/context.ts';
import type { LabAccess, LabHandle, UpOptions } from '../../../../lab/cli/lab-access.ts';
import { run } from '../../../../lab/cli/program.ts';

/** What a command printed and how it ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Surroundings of a command in a test. */
export interface Surroundings {
  readonly labs?: Partial<LabAccess>;
  readonly env?: Record<string, string>;
  readonly tty?: boolean;
  readonly signal?: AbortSignal;
}

/** Runs a command line in this process. */
export async function podwire(args: readonly string[], surroundings: Surroundings = {}): Promise<Ran> {
  const chunks: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
  const stream = (name: 'stdout' | 'stderr'): OutputStream => ({
    isTTY: surroundings.tty === true,
    write: (chunk) => {
      chunks[name].push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
      return true;
    },
  });
  const context: CliContext = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: surroundings.env ?? {},
    labs: async () => ({ ...NO_LABS, ...surroundings.labs }),
    interrupted: () => surroundings.signal ?? new AbortController().signal,
    onSignal: () => {},
  };
  const code = await run(args, context);
  return { code, stdout: chunks.stdout.join(''), stderr: chunks.stderr.join('') };
}

const NO_LABS: LabAccess = {
  openLab: async (name) => {
    throw new Error(name === undefined ? 'no lab runs' : `no lab ${name} runs`);
  },
  listLabs: async () => [],
  cleanDeadLabs: async () => [],
  upLab: async () => unexpected('upLab'),
  upLabDetached: async () => unexpected('upLabDetached'),
  logFile: () => unexpected('logFile'),
};

function unexpected(what: string): never {
  throw new Error(`${what} was not expected`);
}

/** Methods of an agent that a test answers; the others fail. */
export type Answers = Partial<AgentControl>;

/** An agent with the given answers. */
export function fakeAgent(node: string, answers: Answers = {}): AgentControl {
  const base = Object.fromEntries(
    [
      'status',
      'bgp',
      'rib',
      'routes',
      'fdb',
      'ipam',
      'pods',
      'store',
      'ping',
      'trace',
      'capture',
      'exec',
      'stop',
    ].map((method) => [method, async () => unexpected(`${method} of ${node}`)]),
  );
  return {
    ...base,
    node,
    status: async () => status(node),
    pods: async () => [],
    bgp: async () => [],
    ...answers,
  } as AgentControl;
}

/** Status of an agent that is well. */
export function status(node: string, changes: Partial<AgentStatus> = {}): AgentStatus {
  return {
    node,
    kind: 'host',
    pid: 1,
    address: '127.1.2.3',
    asn: 64512,
    sessions: { total: 2, established: 2, synced: 2 },
    blocks: ['10.0.0.0/26'],
    reachable: [],
    remoteBlocks: [],
    pods: { total: 1, ready: 1 },
    ready: true,
    message: '',
    ...changes,
  };
}

/** A pod's row. */
export function pod(node: string, name: string, address: string, changes: Partial<PodRow> = {}): PodRow {
  return {
    node,
    namespace: 'default',
    name,
    kind: 'emulated',
    addresses: [`${address}/32`],
    mac: '02:00:00:00:00:01',
    interface: 'cali1',
    labels: { app: name },
    ready: true,
    netns: null,
    uts: null,
    ...changes,
  };
}

/** A running lab of the given agents, and whether it was taken down or let go of. */
export function fakeLab(
  agents: readonly AgentControl[],
  name = 'demo',
): LabHandle & { readonly log: string[] } {
  const log: string[] = [];
  return {
    name,
    log,
    nodes: async () => agents,
    info: async () => info(name, agents),
    node: async (node, action) => {
      log.push(`${action} ${node}`);
    },
    down: async () => {
      log.push('down');
    },
    close: () => {
      log.push('close');
    },
  };
}

/** What a supervisor says of a lab. */
export function info(name: string, agents: readonly AgentControl[]): LabInfo {
  return {
    name,
    runtime: 'local',
    pid: 42,
    phase: 'converged',
    file: null,
    store: 'memory',
    storeEndpoint: '127.0.0.1:2379',
    bgpPort: 1790,
    podKind: 'emulated',
    startedAt: '2026-01-01T00:00:00.000Z',
    convergedMs: 123.4,
    nodes: agents.map(({ node }) => ({
      name: node,
      kind: 'host',
      address: '127.1.2.3',
      running: true,
      pid: 42,
      endpoint: null,
      netns: null,
    })),
  };
}

/** Access to one running lab. */
export function oneLab(lab: LabHandle): Partial<LabAccess> {
  return { openLab: async () => lab, listLabs: async () => [await lab.info()] };
}

export type { UpOptions };
