import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Labels that docker-compose.lab.yml puts on its containers. */
const LABELS = {
  lab: 'podwire.lab',
  node: 'podwire.node',
  kind: 'podwire.kind',
  pod: 'podwire.pod',
} as const;
const COMPOSE = 'com.docker.compose';

/** How long a Docker daemon may take to answer, milliseconds: one on another machine may never do. */
const PATIENCE = 10_000;

/** A container of a compose lab. */
export interface LabContainer {
  readonly id: string;
  readonly name: string;
  readonly lab: string;
  /** What it is: an agent's kind, `store` or `pod`. */
  readonly kind: string;
  /** Name of an agent's node. */
  readonly node: string | undefined;
  /** `namespace/name` of a pod. */
  readonly pod: string | undefined;
  readonly running: boolean;
  /** `healthy`, `starting`, `unhealthy`; undefined where it does not run or has no health check. */
  readonly health: string | undefined;
  readonly address: string;
  /** `host:port` where the machine has a port of it; undefined where it has none. */
  readonly published: string | undefined;
  /** Arguments of podwire. */
  readonly command: readonly string[];
  /** Of its first process, as the daemon's machine counts them. */
  readonly pid: number | undefined;
  readonly startedAt: string;
  readonly project: ComposeProject;
}

export interface ComposeProject {
  readonly name: string;
  /** Paths of its compose files. */
  readonly files: readonly string[];
}

/** The part of `docker inspect` that is used. */
interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: {
    readonly Running: boolean;
    readonly Pid: number;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string } | null;
  };
  readonly Config: {
    readonly Cmd: readonly string[] | null;
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, InspectedNetwork>>;
    /** By `port/protocol` of the container. */
    readonly Ports?: Readonly<Record<string, readonly PublishedPort[] | null>>;
  };
}

interface PublishedPort {
  readonly HostIp: string;
  readonly HostPort: string;
}

interface InspectedNetwork {
  readonly IPAddress: string;
  readonly IPAMConfig?: { readonly IPv4Address?: string } | null;
}

/** Runs a docker command and returns what it printed. Rejects with its own last line. */
export async function docker(...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run('docker', args, { maxBuffer: 64 << 20, timeout: PATIENCE });
    return stdout;
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    throw new Error(`docker ${args[0]}: ${stderr?.trim().split('\n').at(-1) || message}`);
  }
}

/** All containers of compose labs, running or not; none where there is no Docker or its daemon does not answer. */
export async function labContainers(): Promise<readonly LabContainer[]> {
  try {
    const ids = await docker('ps', '--all', '--no-trunc', '--quiet', '--filter', `label=${LABELS.lab}`);
    const list = ids.split('\n').filter((id) => id !== '');
    if (list.length === 0) return [];
    return (JSON.parse(await docker('inspect', '--type', 'container', ...list)) as Inspected[]).map(
      container,
    );
  } catch {
    return [];
  }
}

function container({ Id, Name, State, Config, NetworkSettings }: Inspected): LabContainer {
  const { Cmd, Labels } = Config;
  const [network] = Object.values(NetworkSettings.Networks);
  return {
    id: Id,
    name: Name.replace(/^\//, ''),
    lab: Labels[LABELS.lab]!,
    kind: Labels[LABELS.kind] ?? '',
    node: Labels[LABELS.node],
    pod: Labels[LABELS.pod],
    running: State.Running,
    health: State.Running ? State.Health?.Status : undefined,
    // A stopped container has only the address that it will have.
    address: network?.IPAddress || network?.IPAMConfig?.IPv4Address || '',
    published: publishedAt(NetworkSettings.Ports ?? {}),
    command: Cmd ?? [],
    pid: State.Running ? State.Pid : undefined,
    startedAt: State.StartedAt,
    project: {
      name: Labels[`${COMPOSE}.project`] ?? '',
      files: (Labels[`${COMPOSE}.project.config_files`] ?? '').split(',').filter((file) => file !== ''),
    },
  };
}

function publishedAt(ports: NonNullable<Inspected['NetworkSettings']['Ports']>): string | undefined {
  const [first] = Object.values(ports).flatMap((bindings) => bindings ?? []);
  return first === undefined ? undefined : `${first.HostIp}:${first.HostPort}`;
}

/** The value of an option among a container's arguments. */
export function optionOf({ command }: LabContainer, option: string): string | undefined {
  const at = command.indexOf(option);
  return at < 0 ? undefined : command[at + 1];
}
