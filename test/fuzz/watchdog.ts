// Ends a process that hangs in one case, and says in which: nothing in the process itself could.
import { Worker } from 'node:worker_threads';

/** How long one case may take, ms. */
const PATIENCE = 60_000;

const SCRIPT = `
const { workerData: { cells, seed, patience } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const running = new Float64Array(cells);
let last = -1;
let since = performance.now();
setInterval(() => {
  const now = performance.now();
  if (running[0] !== last || running[0] < 0) {
    last = running[0];
    since = now;
  } else if (now - since > patience) {
    writeSync(2, 'fuzz: case ' + last + ' hangs: npm run fuzz -- --seed ' + seed + ' --only ' + last + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }
}, 1000);
`;

export class Watchdog {
  readonly #running = new Float64Array(new SharedArrayBuffer(8));
  readonly #worker: Worker;

  constructor(seed: number, patience: number = PATIENCE) {
    this.#running[0] = -1;
    const workerData = { cells: this.#running.buffer, seed, patience };
    this.#worker = new Worker(SCRIPT, { eval: true, workerData });
    this.#worker.unref();
  }

  /** A case begins. */
  enter(index: number): void {
    this.#running[0] = index;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
