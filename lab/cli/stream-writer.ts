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

/** A stream of the process says when it has room; other outputs always have. */
export function drained(output: OutputStream): Promise<void> {
  const { once } = output as { once?: (event: string, listener: () => void) => void };
  if (once === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    once.call(output, 'drain', resolve);
    once.call(output, 'close', resolve);
  });
}
