import { Writable } from 'node:stream';
import type { OutputStream } from './context.ts';

/** Characters that are gathered before they are written. */
const ENOUGH = 1 << 18;

/** Gathers text, and writes it as fast as the reader takes it. */
export class StreamWriter {
  readonly #output: OutputStream;
  #parts: string[] = [];
  #length = 0;
  #soon: NodeJS.Immediate | undefined;
  /** Until a slower reader has room again. */
  #busy: Promise<void> | undefined;

  constructor(output: OutputStream) {
    this.#output = output;
  }

  /** There is enough for {@link flush}. */
  get full(): boolean {
    return this.#length >= ENOUGH;
  }

  add(text: string): void {
    if (text === '') return;
    this.#parts.push(text);
    this.#length += text.length;
  }

  /** Writes what there is when it is enough, otherwise in the next turn of the event loop. A promise asks to wait. */
  soon(): void | Promise<void> {
    if (this.full) return this.flush();
    this.#soon ??= setImmediate(() => void this.flush());
    return this.#busy;
  }

  /** Writes what there is; resolves when the reader has taken most of it. */
  async flush(): Promise<void> {
    clearImmediate(this.#soon);
    this.#soon = undefined;
    if (this.#length > 0) {
      const text = this.#parts.join('');
      this.#parts = [];
      this.#length = 0;
      if (!this.#output.write(text)) this.#busy ??= this.#drained();
    }
    await this.#busy;
  }

  async #drained(): Promise<void> {
    await drained(this.#output);
    this.#busy = undefined;
  }
}

/** A stream of the process says when it has room, or is gone; other outputs always have. */
export function drained(output: OutputStream): Promise<void> {
  if (!(output instanceof Writable) || output.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      output.off('drain', done).off('close', done);
      resolve();
    };
    output.on('drain', done).on('close', done);
  });
}
