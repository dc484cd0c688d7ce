// Compose in its two shapes: the plugin of the Docker client (v2, `docker compose`) and the program docker-compose (1.29).
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { DockerComposeEnvironment } from 'testcontainers';
import { findTool, type Need, needFrom } from '../support/tools.ts';

const run = promisify(execFile);

/** The Compose that this machine has, and what testcontainers must know to drive it. */
export interface Compose {
  readonly version: 1 | 2;
  /** Program and first arguments of a call. */
  readonly command: readonly string[];
  readonly clientOptions: Parameters<DockerComposeEnvironment['withClientOptions']>[0];
}

/** True where the command runs and exits with 0. */
function answers(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

/** Compose v2 where the Docker client has the plugin, else docker-compose, else undefined. */
export function findCompose(): Compose | undefined {
  const docker = findTool('docker');
  if (docker !== undefined && answers(docker, 'compose', 'version')) {
    return { version: 2, command: [docker, 'compose'], clientOptions: {} };
  }
  const standalone = findTool('docker-compose');
  if (standalone !== undefined && answers(standalone, 'version')) {
    return {
      version: 1,
      command: [standalone],
      clientOptions: { executable: { standalone: true, executablePath: standalone } },
    };
  }
  return undefined;
}

/** Compose of either version. */
export function composeNeed(): Need {
  return needFrom(findCompose() === undefined ? 'needs Docker Compose: apt-get install docker-compose' : '');
}

/** Output of a docker command, trimmed; rejects with the command's error output. */
export async function docker(...args: string[]): Promise<string> {
  const { stdout } = await run('docker', args, { maxBuffer: 64 << 20 });
  return stdout.trim();
}

/** Removes a compose project's containers, networks and volumes, if there are any. */
export async function downProject(project: string, file: string): Promise<void> {
  const [program, ...args] = findCompose()!.command;
  await run(program!, [
    ...args,
    '--file',
    file,
    '--project-name',
    project,
    'down',
    '--volumes',
    '--timeout',
    '0',
  ]);
}

/** Everything that a compose project left in the daemon, one line each: empty when it is gone. */
export async function leftovers(project: string): Promise<string[]> {
  const label = `label=com.docker.compose.project=${project}`;
  const lists = await Promise.all([
    docker('ps', '--all', '--filter', label, '--format', 'container {{.Names}}'),
    docker('network', 'ls', '--filter', label, '--format', 'network {{.Name}}'),
    docker('volume', 'ls', '--filter', label, '--format', 'volume {{.Name}}'),
  ]);
  return lists.flatMap((list) => list.split('\n')).filter((line) => line !== '');
}

/** Container id of a service, whatever separator this Compose puts in container names. */
export async function containerOf(project: string, service: string): Promise<string> {
  const id = await docker(
    'ps',
    '--quiet',
    '--filter',
    `label=com.docker.compose.project=${project}`,
    '--filter',
    `label=com.docker.compose.service=${service}`,
  );
  if (id === '' || id.includes('\n')) throw new Error(`service ${service}: expected one running container`);
  return id;
}

/** What a command printed and how it ended inside a container. */
export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in a container; a command that fails is a result, not an error. */
export async function execIn(container: string, ...command: string[]): Promise<ExecResult> {
  try {
    const { stdout, stderr } = await run('docker', ['exec', container, ...command], { maxBuffer: 64 << 20 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const failure = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof failure.code !== 'number') throw error;
    return { code: failure.code, stdout: failure.stdout ?? '', stderr: failure.stderr ?? '' };
  }
}
