import type { ChildProcess, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { spawnInNetns } from '../../agents/io/linux/spawn-in-netns.ts';

/** How often to look whether processes have ended that are no children of this one, milliseconds. */
const POLL_INTERVAL = 20;

/** Ids of the processes in the network namespace at `path`, but for those to leave out; unordered. */
function processesIn(path: string, except: readonly number[]): number[] {
  const { ino, dev } = statSync(path);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      if (pid === process.pid || except.includes(pid)) return false;
      // One that has ended, whether collected or not, has no namespace any more.
      const netns = statOf(`/proc/${pid}/ns/net`);
      return netns?.ino === ino && netns.dev === dev;
    });
}

function statOf(path: string): ReturnType<typeof statSync> {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/**
 * Ends every process in a network namespace, whoever started it: SIGTERM, and SIGKILL for those that are left after
 * `timeoutMs` (at once for 0). Resolves when none is left.
 * @param except processes to leave alone.
 */
export async function endProcesses(
  path: string,
  timeoutMs: number,
  except: readonly number[] = [],
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  if (timeoutMs > 0) signalAll(processesIn(path, except), 'SIGTERM');
  for (;;) {
    const left = processesIn(path, except);
    if (left.length === 0) return;
    // Again each time: what is being killed may start another one just before.
    if (performance.now() >= deadline) signalAll(left, 'SIGKILL');
    await delay(POLL_INTERVAL);
  }
}

/** Waits for the end of its standard input, then kills what is in its network namespace, twice for late children. */
const KEEPER = `
while read -r line; do :; done
own=$(readlink /proc/$$/ns/net)
for again in 1 2; do
  for process in /proc/[0-9]*; do
    pid=\${process#/proc/}
    [ "$pid" = $$ ] && continue
    [ "$(readlink "$process/ns/net")" = "$own" ] && kill -KILL "$pid"
  done
done`;

/**
 * A shell that sits in a network namespace and kills everything there when this process ends, even by SIGKILL: nobody
 * else would end the commands of a foreign node then. It ends when its standard input is closed.
 */
export function startKeeper(path: string): ChildProcess {
  return spawnInNetns(path, 'sh', ['-c', KEEPER], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
}

/** Exit code and signal of a process; both null where it could not be started. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Settles when a child has ended, or has ended already. */
export function ended(child: ChildProcess): Promise<Ended> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}

/** Resolves when the child runs. Rejects where it cannot be started. */
export function spawned(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve());
    child.once('error', (error) => reject(new Error(`cannot start: ${error.message}`)));
  });
}

/** A line by which Node.js says why it ended: an uncaught error; what follows is its stack and Node's version. */
const UNCAUGHT = /^(\w*Error\b.*|.*\bout of memory\b.*)$/;

/** Calls `onLine` with each line of a child's output, and keeps the last one that says something. */
export function followOutput(
  child: ChildProcess,
  onLine: (stream: 'stdout' | 'stderr', line: string) => void,
): { readonly last: () => string | undefined } {
  let last: string | undefined;
  for (const name of ['stdout', 'stderr'] as const) {
    let rest = '';
    let uncaught = false;
    const emit = (line: string): void => {
      if (line.trim() === '') return;
      if (!uncaught) last = line.trim();
      uncaught ||= UNCAUGHT.test(line);
      onLine(name, line);
    };
    const stream = child[name]?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(emit);
    });
    stream?.on('end', () => emit(rest));
  }
  return { last: () => last };
}
