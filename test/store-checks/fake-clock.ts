import { existsSync, globSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Tool, tool } from '../support/tools.ts';

/** Debian's libfaketime, which answers a process that asks for the time. */
export const faketime: Tool = tool('faketime');

/** Where it is beside its program. (That one tells too, but trips over what a process of the same number has left behind.) */
const LIBRARIES: readonly string[] = ['lib/*/faketime/libfaketime.so.1', 'lib/faketime/libfaketime.so.1'];

const SHARED = '/dev/shm';

/**
 * Removes what libfaketime keeps of each process and a killed one leaves: a later one of that number could not start (README of
 * libfaketime, "Cleaning up shared memory").
 */
function sweep(): void {
  if (!existsSync(SHARED)) return;
  for (const name of readdirSync(SHARED)) {
    const pid = /^(?:sem\.faketime_sem|faketime_shm)_(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(SHARED, name), { force: true });
  }
}

/**
 * A wall clock (CLOCK_REALTIME) of one process, which can be moved while that runs, as a person or NTP moves a machine's. The
 * monotonic clock goes on as it does.
 */
export class FakeClock {
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'podwire-clock-'));
  readonly #file: string = join(this.#folder, 'offset');
  constructor() {
    this.set(0);
  }

  /** What the environment of a program that is about to be started needs for it to have this clock. */
  get env(): NodeJS.ProcessEnv {
    sweep();
    const prefix = join(dirname(faketime.path), '..');
    const [library] = globSync(LIBRARIES, { cwd: prefix });
    if (library === undefined) throw new Error(`libfaketime.so.1 is not below ${prefix}/lib`);
    return {
      // The C library's malloc before another one of the program's: jemalloc, which Redis brings, asks for the time itself.
      LD_PRELOAD: `${join(prefix, library)} libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Seconds that it is ahead of the machine's from now on; negative: behind. */
  set(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? '' : '+'}${seconds}`);
  }

  remove(): void {
    sweep();
    rmSync(this.#folder, { recursive: true });
  }
}
