import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * Where running labs keep what must be found by other commands: one folder per lab, with its control socket, its log
 * and a small state file. Nothing else of a lab lives outside its processes, so removing the folder of a dead lab is
 * all the cleaning that a crash can need.
 */
export function runRoot(): string {
  const override = process.env.PODWIRE_RUN_DIR;
  if (override !== undefined && override !== '') return override;
  if (process.getuid?.() === 0) return '/run/podwire';
  const xdg = process.env.XDG_RUNTIME_DIR;
  if (xdg !== undefined && xdg !== '') return join(xdg, 'podwire');
  // By number: a user of a container need not have a name.
  return join(tmpdir(), `podwire-${process.getuid?.() ?? userInfo().username}`);
}

/** Paths of one lab. */
export interface LabPaths {
  readonly folder: string;
  readonly state: string;
  readonly control: string;
  readonly log: string;
  readonly store: string;
  readonly agent: (node: string) => string;
  /** Working folder of a foreign node's commands. */
  readonly node: (node: string) => string;
}

export function labPaths(name: string): LabPaths {
  const folder = join(runRoot(), name);
  return {
    folder,
    state: join(folder, 'lab.json'),
    control: join(folder, 'lab.sock'),
    log: join(folder, 'log.ndjson'),
    store: join(folder, 'store.sock'),
    agent: (node) => join(folder, `${node}.sock`),
    // No other name in the folder is without a dot.
    node: (node) => join(folder, node),
  };
}

/** What is written at start: enough to find the supervisor and to tell it from a recycled process id. */
export interface LabState {
  readonly name: string;
  readonly pid: number;
  /** Start time of the process in clock ticks since boot (Linux), to recognise a recycled pid; null elsewhere. */
  readonly startTicks: string | null;
  readonly runtime: 'local' | 'netns';
  /** CIDR of the underlay, so that other labs avoid it. */
  readonly underlay: string;
  /** The URL of the Redis or etcd that has data of the lab; `memory`: there is nothing to remove, or not yet. */
  readonly store: string;
  /** Processes that the supervisor started, for cleaning up after its crash. */
  readonly children: { readonly pid: number; readonly startTicks: string | null }[];
}

/**
 * Makes the lab's folder with its state file. False where a lab of that name has one already: of several that come at
 * the same moment, one gets the name.
 */
export function claimState(state: LabState): boolean {
  mkdirSync(labPaths(state.name).folder, { recursive: true, mode: 0o700 });
  try {
    writeWhole(state, linkSync);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Replaces the state file of a lab that has its name. */
export function writeState(state: LabState): void {
  writeWhole(state, renameSync);
}

/** Writes the file beside its place first, so that nobody reads half of it. */
function writeWhole(state: LabState, place: (from: string, to: string) => void): void {
  const path = labPaths(state.name).state;
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, JSON.stringify(state), { mode: 0o600 });
    place(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** State of a lab, dead or alive; undefined where there is none that can be read. */
export function readState(name: string): LabState | undefined {
  try {
    const state = JSON.parse(readFileSync(labPaths(name).state, 'utf8')) as LabState | null;
    return typeof state?.pid === 'number' && Array.isArray(state.children) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** States of all labs that left a folder, dead or alive, by name. */
export function listStates(): LabState[] {
  let names: string[];
  try {
    names = readdirSync(runRoot());
  } catch {
    return [];
  }
  return names.sort().flatMap((name) => readState(name) ?? []);
}

/** Removes a lab's folder, and the root where it was the last. */
export function removeState(name: string): void {
  rmSync(labPaths(name).folder, { recursive: true, force: true });
  try {
    rmdirSync(runRoot());
  } catch {
    // Other labs are there, or the folder is gone already.
  }
}

/**
 * Whether a process (the lab's supervisor, or one of its children) still runs: one of that id that started when it did,
 * and has not ended yet.
 */
export function isAlive({ pid, startTicks }: Pick<LabState, 'pid' | 'startTicks'>): boolean {
  // Ids from 0 down mean groups of processes to kill(2), which are never meant.
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (startTicks !== null) return processStartTicks(pid) === startTicks;
  // It had ended when its start was to be written down, so whoever has its id now is another.
  if (process.platform === 'linux') return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Start time of a process in ticks since boot (field 22 of /proc/PID/stat, proc(5)); null where it has ended, also if
 * its parent did not collect it yet, and on systems without /proc.
 */
export function processStartTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? null : (fields[18] ?? null);
  } catch {
    return null;
  }
}
