/** The speakers that run on this machine, so that `podwire bgp` finds them without being told where. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, processStartTicks, runRoot } from '../runtime/state.ts';

/** A speaker as it says of itself. */
export interface RunningSpeaker {
  readonly pid: number;
  readonly startTicks: string | null;
  readonly asn: number;
  readonly routerId: string;
  /** Path of its control socket. */
  readonly socket: string;
}

/** No lab can have this name. */
const FOLDER = '.speakers';

function folder(): string {
  return join(runRoot(), FOLDER);
}

function entry(pid: number): string {
  return join(folder(), `${pid}.json`);
}

/** Makes the folder and says where this process's control socket goes where its file names no place. */
export function defaultSocket(): string {
  mkdirSync(folder(), { recursive: true, mode: 0o700 });
  return join(folder(), `${process.pid}.sock`);
}

/** Enters this process. Returns what takes it out again. */
export function registerSpeaker(speaker: Omit<RunningSpeaker, 'pid' | 'startTicks'>): () => void {
  const path = entry(process.pid);
  const entered: RunningSpeaker = {
    pid: process.pid,
    startTicks: processStartTicks(process.pid),
    ...speaker,
  };
  mkdirSync(folder(), { recursive: true, mode: 0o700 });
  writeFileSync(path, JSON.stringify(entered), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

/** The speakers that run now; what dead ones left is removed. */
export function listSpeakers(): RunningSpeaker[] {
  let names: string[];
  try {
    names = readdirSync(folder());
  } catch {
    return [];
  }
  return names.filter((name) => name.endsWith('.json')).flatMap((name) => read(join(folder(), name)) ?? []);
}

function read(path: string): RunningSpeaker | undefined {
  try {
    const speaker = JSON.parse(readFileSync(path, 'utf8')) as RunningSpeaker;
    if (isAlive(speaker)) return speaker;
    rmSync(path, { force: true });
  } catch {
    // It is just being written, or removed.
  }
  return undefined;
}
