/** Sharing a turn of the event loop among those that have something to read. */
import { performance } from 'node:perf_hooks';

/** How long reading may go on in one turn, ms: timers, and who has to be written to, wait meanwhile. */
const BUDGET = 8;
/** Octets that are handed on at once. A socket gives up to 64 KiB, which can be 16,000 routes. */
const SLICE = 16_384;

/** What is read from: it can be told to wait. */
export interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/**
 * Hands on what one source reads, in order. When a turn has taken its time, what is left waits for the next one, and the
 * source is paused meanwhile: libuv would go on with up to 32 reads of it, and with all other sources, in the same turn.
 */
export class TurnReader {
  readonly #turns: ReadTurns;
  readonly #source: Pausable;
  readonly #take: (bytes: Uint8Array) => void;
  #waiting: Uint8Array[] = [];
  #paused = false;

  constructor(turns: ReadTurns, source: Pausable, take: (bytes: Uint8Array) => void) {
    this.#turns = turns;
    this.#source = source;
    this.#take = take;
  }

  /** Takes what was read. */
  read(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    if (!this.#paused) this.goOn();
  }

  /** Hands on what waits, as long as there is time. */
  goOn(): void {
    while (this.#waiting.length > 0 && this.#turns.hasTime) this.#takeSlice();
    const done = this.#waiting.length === 0 && this.#turns.hasTime;
    if (!done) this.#turns.callAgain(this);
    if (done !== this.#paused) return;
    this.#paused = !done;
    if (done) this.#source.resume();
    else this.#source.pause();
  }

  /** The source has ended: hands on all that waits. */
  finish(): void {
    while (this.#waiting.length > 0) this.#takeSlice();
  }

  #takeSlice(): void {
    const bytes = this.#waiting[0]!;
    if (bytes.length <= SLICE) {
      this.#waiting.shift();
      this.#take(bytes);
    } else {
      this.#waiting[0] = bytes.subarray(SLICE);
      this.#take(bytes.subarray(0, SLICE));
    }
  }
}

/** The turns of this process's event loop, as far as reading is concerned. */
export class ReadTurns {
  /** When reading has to end in this turn; 0 where nothing was read in it yet. */
  #end = 0;
  #again: TurnReader[] = [];
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether there is time left in this turn. */
  get hasTime(): boolean {
    const now = this.#now();
    if (this.#end === 0) {
      this.#end = now + BUDGET;
      setImmediate(() => this.#next());
    }
    return now < this.#end;
  }

  /** Has a reader go on in the next turn. */
  callAgain(reader: TurnReader): void {
    this.#again.push(reader);
  }

  #next(): void {
    this.#end = 0;
    const readers = this.#again;
    this.#again = [];
    for (const reader of readers) reader.goOn();
  }
}
