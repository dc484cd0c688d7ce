/** Lines in one write: few system calls, and little that waits for a reader. */
const BATCH = 256;

/** Gathers lines of text into writes. What was gathered goes out in the next turn of the event loop at the latest. */
export class LineBatch {
  readonly #write: (bytes: Uint8Array) => void | Promise<void>;
  readonly #encoder = new TextEncoder();
  #lines: string[] = [];
  #soon: NodeJS.Immediate | undefined;
  /** The last write, while its reader is slower. */
  #busy: Promise<void> | undefined;

  /** @param write returns a promise where the reader is slower. */
  constructor(write: (bytes: Uint8Array) => void | Promise<void>) {
    this.#write = write;
  }

  /** Adds a line, without its end; a promise asks the caller to wait. */
  add(line: string): void | Promise<void> {
    this.#lines.push(line, '\n');
    if (this.#lines.length >= 2 * BATCH) return this.flush();
    this.#soon ??= setImmediate(() => void this.flush());
    return this.#busy;
  }

  /** Writes what there is. */
  flush(): void | Promise<void> {
    clearImmediate(this.#soon);
    this.#soon = undefined;
    if (this.#lines.length === 0) return this.#busy;
    const text = this.#lines.join('');
    this.#lines = [];
    const busy = this.#write(this.#encoder.encode(text));
    this.#busy = busy === undefined ? undefined : busy.finally(() => (this.#busy = undefined));
    return this.#busy;
  }
}
