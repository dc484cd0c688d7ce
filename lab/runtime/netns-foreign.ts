import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { spawnInNetns } from '../../agents/io/linux/spawn-in-netns.ts';
import type { Log } from '../../agents/ports.ts';
import type { PlannedForeignNode } from '../plan/plan.ts';
import type { Attachment } from './netns-fabric.ts';
import { ended, endProcesses, followOutput, spawned, startKeeper } from './netns-processes.ts';
import type { RunningNode } from './runtime.ts';

export interface ForeignOptions {
  /** Working folder of the node's commands; made if it is missing. */
  readonly folder: string;
  readonly log: Log;
  readonly onProcess: (pid: number) => void;
  /** How long its processes may take to end after SIGTERM, milliseconds. */
  readonly stopTimeoutMs: number;
  /** Ends commands that still run. */
  readonly signal: AbortSignal;
}

/** A process without a purpose: a node without a process of its own is held by it, and stopped like any other. */
const IDLE = 'exec sleep infinity';

/**
 * Runs a foreign node's commands in its namespace, then its process. The attachment is given up when the node has
 * ended, or if this rejects: with one line that names the node, the command and what it said last.
 */
export async function startForeign(
  node: PlannedForeignNode,
  attachment: Attachment,
  options: ForeignOptions,
): Promise<RunningNode> {
  const { path } = attachment.netns;
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const keeper = startKeeper(path);
  const release = async (timeoutMs: number): Promise<void> => {
    await endProcesses(path, timeoutMs, keeper.pid === undefined ? [] : [keeper.pid]);
    keeper.kill('SIGKILL');
    await ended(keeper);
    attachment.detach();
  };
  try {
    await spawned(keeper);
    options.onProcess(keeper.pid!);
    for (const command of node.exec) await runCommand(node, path, command, options);
    const child = startShell(node, path, node.run ?? IDLE, options);
    const output = followOutput(child, logTo(options.log, node.name));
    await spawned(child);
    options.onProcess(child.pid!);
    return running(child, attachment, release, options.stopTimeoutMs, output.last);
  } catch (error) {
    await release(0);
    throw new Error(`node ${node.name}: ${(error as Error).message}`);
  }
}

function running(
  child: ChildProcess,
  { netns }: Attachment,
  release: (timeoutMs: number) => Promise<void>,
  stopTimeoutMs: number,
  lastLine: () => string | undefined,
): RunningNode {
  const exited = Promise.withResolvers<string | undefined>();
  let released: Promise<void> | undefined;
  const end = (timeoutMs: number): Promise<void> => {
    released ??= release(timeoutMs);
    return released;
  };
  void ended(child).then(async (how) => {
    const byItself = released === undefined;
    // What its process left behind cannot be the node any more.
    await end(0);
    exited.resolve(byItself ? describeEnd(how, lastLine()) : undefined);
  });
  return {
    control: undefined,
    endpoint: undefined,
    pid: child.pid!,
    netns: netns.path,
    exited: exited.promise,
    stop: () => end(stopTimeoutMs),
    kill: () => end(0),
  };
}

async function runCommand(
  node: PlannedForeignNode,
  path: string,
  command: string,
  options: ForeignOptions,
): Promise<void> {
  const { signal } = options;
  signal.throwIfAborted();
  const child = startShell(node, path, command, options);
  const output = followOutput(child, logTo(options.log, node.name));
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  try {
    const how = await ended(child);
    if (signal.aborted) throw new Error(`command did not end: ${firstLine(command)}`);
    if (how.code !== 0)
      throw new Error(`command failed: ${firstLine(command)}: ${describeEnd(how, output.last())}`);
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** A script is told by its beginning. */
function firstLine(command: string): string {
  const [first = '', ...more] = command.trim().split('\n');
  return more.length === 0 ? first : `${first} ...`;
}

function startShell(
  node: PlannedForeignNode,
  path: string,
  command: string,
  { folder }: ForeignOptions,
): ChildProcess {
  return spawnInNetns(path, 'sh', ['-c', command], {
    cwd: folder,
    env: { ...process.env, ...node.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C is for the lab, which ends its nodes in order.
    detached: true,
  });
}

function logTo(log: Log, node: string): (stream: 'stdout' | 'stderr', line: string) => void {
  return (stream, line) => log.info({ node, stream }, line);
}

/** `exit code 1: bird.conf:3:1 syntax error`. */
export function describeEnd(
  { code, signal }: { readonly code: number | null; readonly signal: NodeJS.Signals | null },
  said: string | undefined,
): string {
  const how = signal === null ? `exit code ${code}` : `killed by ${signal}`;
  return said === undefined ? how : `${how}: ${said}`;
}
