// What a lab that has ended may not leave: processes, network namespaces, files.
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Workspace } from './workspace.ts';

/** Process ids of the workspace's commands, labs and agents that run now, found by their environment. */
export function processesOf({ runDir }: Workspace): number[] {
  return processIds().filter((pid) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      return environment.includes(`PODWIRE_RUN_DIR=${runDir}`) && !isZombie(pid);
    } catch {
      return false;
    }
  });
}

/** Namespaces that are held open here, so that their numbers cannot come to mean others while a test looks. */
export class HeldNamespaces {
  readonly #descriptors: readonly number[];

  /** @param paths such as `/proc/PID/fd/N`. */
  constructor(paths: readonly string[]) {
    this.#descriptors = paths.map((path) => openSync(path, 'r'));
  }

  /** Who else still has one of them, as a namespace or as an open file: `/proc/PID/...` paths. */
  holders(): string[] {
    const wanted = new Set(this.#descriptors.map((descriptor) => fstatSync(descriptor).ino));
    return processIds()
      .filter((pid) => pid !== process.pid)
      .flatMap((pid) => [`/proc/${pid}/ns`, `/proc/${pid}/fd`].flatMap(links))
      .filter((path) => wanted.has(namespaceNumber(path) ?? -1));
  }

  close(): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor);
  }
}

/** Everything of the workspace's labs that is still there; empty when nothing is. */
export function leftovers(workspace: Workspace): string[] {
  return [
    ...processesOf(workspace).map((pid) => `process ${pid}`),
    ...(existsSync(workspace.runDir)
      ? readdirSync(workspace.runDir, { recursive: true }).map((name) => `file ${name}`)
      : []),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(workspace.lab))
      .map((line) => `mount ${line}`),
  ];
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function isZombie(pid: number): boolean {
  return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

function links(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

/** `net:[4026532281]` → 4026532281. */
function namespaceNumber(path: string): number | undefined {
  try {
    const number = /^(?:net|uts):\[(\d+)\]$/.exec(readlinkSync(path))?.[1];
    return number === undefined ? undefined : Number(number);
  } catch {
    return undefined;
  }
}
