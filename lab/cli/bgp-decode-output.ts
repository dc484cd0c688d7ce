import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { DecodeInput } from './bgp-decode-input.ts';
import type { CliContext, GlobalOptions, OutputStream } from './context.ts';

/** Characters that are gathered before they are written. */
const BATCH = 1 << 16;

/** Progress shows after so long, and then as often. ms */
const PROGRESS_INTERVAL = 1000;

/** Lines in large pieces, no faster than the reader takes them. */
export class LineOutput {
  readonly #stream: OutputStream;
  #text = '';
  /** A write said that the reader is behind. */
  #full = false;

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  line(text: string): void {
    this.#text += `${text}\n`;
    if (this.#text.length >= BATCH) this.#write();
  }

  /** Writes what there is, and waits where the reader is behind. */
  async flush(): Promise<void> {
    this.#write();
    if (!this.#full) return;
    this.#full = false;
    const stream = this.#stream as unknown as Writable;
    if (!stream.destroyed) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
  }

  #write(): void {
    if (this.#text === '') return;
    this.#full = !this.#stream.write(this.#text);
    this.#text = '';
  }
}

/** One line on a terminal about long work. */
export class DecodeProgress {
  messages = 0;
  readonly #context: CliContext;
  readonly #input: DecodeInput;
  readonly #enabled: boolean;
  #nextAt = performance.now() + PROGRESS_INTERVAL;
  #shown = false;

  constructor(context: CliContext, options: Pick<GlobalOptions, 'quiet'>, input: DecodeInput) {
    this.#context = context;
    this.#input = input;
    // Where the messages themselves scroll by, nothing else belongs between them.
    const { stdout, stderr } = context;
    this.#enabled = !options.quiet && stderr.isTTY === true && stdout.isTTY !== true;
  }

  show(): void {
    const now = performance.now();
    if (!this.#enabled || now < this.#nextAt) return;
    this.#nextAt = now + PROGRESS_INTERVAL;
    this.#shown = true;
    const { size, read } = this.#input;
    const done =
      size === undefined || size === 0
        ? ''
        : ` of ${megabytes(size)} (${Math.floor((100 * read()) / size)} %)`;
    this.#context.stderr.write(`\r\x1b[Kpodwire: ${megabytes(read())}${done}, ${this.messages} messages`);
  }

  /** Leaves the line empty. */
  clear(): void {
    if (this.#shown) this.#context.stderr.write('\r\x1b[K');
    this.#shown = false;
  }
}

function megabytes(octets: number): string {
  return `${(octets / 1e6).toFixed(1)} MB`;
}
