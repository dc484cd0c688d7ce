import { Writable } from 'node:stream';
import type { OutputStream } from './context.ts';

/** Characters that are gathered before they are written. */
const ENOUGH = 1 << 18;

/** Gathers text, and writes it as fast as the reader takes it. */
export class StreamWriter {
  readonly #output: OutputStream;
  #parts: string[] = [];
  #length = 0;

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

  /** Writes what there is; resolves when the reader has taken most of it. */
  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const text = this.#parts.join('');
    this.#parts = [];
    this.#length = 0;
    if (!this.#output.write(text)) await drained(this.#output);
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
