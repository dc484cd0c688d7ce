import type { Writable } from 'node:stream';

/** Where a merged capture goes. */
export interface CaptureOutput {
  /** Resolves when more may be written. Rejects where the bytes cannot be written; {@link isReaderGone} tells why. */
  write(bytes: Uint8Array): Promise<void>;
  /** Aborts when the reader went away on its own. */
  readonly gone?: AbortSignal;
}

/** A Node stream (standard output, a file) as an output. Errors of the stream are reported by `write` alone. */
export function streamOutput(stream: Writable): CaptureOutput {
  const gone = new AbortController();
  stream.on('error', () => gone.abort());
  stream.on('close', () => gone.abort());
  return {
    gone: gone.signal,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
  };
}

const GONE_CODES: ReadonlySet<unknown> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Whether a write failed because nobody reads any more (Wireshark was closed), which is no error of ours. */
export function isReaderGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && GONE_CODES.has(error.code);
}

/**
 * Writes what is queued, one write at a time, everything that waits in one. `push` never waits; `ready` does, while
 * more than `limit` bytes are queued.
 */
export class OutputQueue {
  readonly #output: CaptureOutput;
  readonly #limit: number;
  readonly #onError: (error: unknown) => void;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #writing: Promise<void> | undefined;
  #failed = false;

  constructor(output: CaptureOutput, limit: number, onError: (error: unknown) => void) {
    this.#output = output;
    this.#limit = limit;
    this.#onError = onError;
  }

  push(bytes: Uint8Array): void {
    if (this.#failed) return;
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#writing ??= this.#run();
  }

  /** Undefined while there is room; otherwise resolves when what is queued now has been written (or never can be). */
  ready(): Promise<void> | undefined {
    return this.#queued > this.#limit ? this.#writing : undefined;
  }

  /** Resolves when everything has been written or the output has failed. */
  async drained(): Promise<void> {
    await this.#writing;
  }

  async #run(): Promise<void> {
    // Let the caller push all that it has first.
    await undefined;
    while (this.#queue.length > 0) {
      const bytes = Buffer.concat(this.#queue, this.#queued);
      this.#queue = [];
      this.#queued = 0;
      try {
        await this.#output.write(bytes);
      } catch (error) {
        this.#failed = true;
        this.#queue = [];
        this.#queued = 0;
        this.#onError(error);
      }
    }
    this.#writing = undefined;
  }
}
