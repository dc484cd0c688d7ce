import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Tool, tool } from '../support/tools.ts';

/** Debian's libfaketime, which answers a process that asks for the time. */
export const faketime: Tool = tool('faketime');

/**
 * A wall clock (CLOCK_REALTIME) of one process, which can be moved while that runs, as a person or NTP moves a machine's. The
 * monotonic clock goes on as it does.
 */
export class FakeClock {
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'podwire-clock-'));
  readonly #file: string = join(this.#folder, 'offset');
  /** What a program's environment needs for it to have this clock. */
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    this.set(0);
    const library = execFileSync(faketime.path, ['-f', '+0', 'printenv', 'LD_PRELOAD']).toString().trim();
    this.env = {
      // The C library's malloc before another one of the program's: jemalloc, which Redis brings, asks for the time itself.
      LD_PRELOAD: `${library} libc.so.6`,
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
    rmSync(this.#folder, { recursive: true });
  }
}
