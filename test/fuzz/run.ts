// Cases by their numbers: made, checked, timed, and made short where they fail.
import { toHex } from '../../protocol/bytes/hex.ts';
import { processorTime } from './processor-time.ts';
import { FuzzRandom } from './random.ts';
import { shrink } from './shrink.ts';
import type { FuzzTarget } from './target.ts';

/** What no single input may take of the processor, ms. Far more than any needs. */
const TIME_LIMIT = 50;
/** How often a slow case is tried again: memory may have been cleaned up meanwhile. */
const SLOW_TRIES = 5;

export interface Failure {
  readonly seed: number;
  readonly index: number;
  readonly target: string;
  readonly message: string;
  readonly bytes: Uint8Array;
  /** The same failure from less. */
  readonly shrunk: Uint8Array;
  readonly rest: object;
}

export class Fuzzer {
  readonly seed: number;
  readonly #targets: readonly FuzzTarget[];
  readonly #schedule: readonly FuzzTarget[];
  /** Cases of each target so far. */
  readonly counts: Map<string, number> = new Map();
  /** The slowest case so far, ms, and its number. */
  slowest: { readonly time: number; readonly index: number } = { time: 0, index: -1 };

  constructor(seed: number, targets: readonly FuzzTarget[]) {
    this.seed = seed;
    this.#targets = targets;
    this.#schedule = targets.flatMap((target) => new Array<FuzzTarget>(target.weight).fill(target));
    for (const { name } of this.#targets) this.counts.set(name, 0);
  }

  /** Runs the case of one number; undefined where all is well. */
  run(index: number): Failure | undefined {
    const random = new FuzzRandom(this.seed, index);
    const target = random.pick(this.#schedule);
    const { bytes, ...rest } = target.make(random);
    this.counts.set(target.name, this.counts.get(target.name)! + 1);
    const started = performance.now();
    const message = failureOf(target, bytes, rest);
    const time = performance.now() - started;
    if (message === undefined) {
      if (time <= this.slowest.time) return undefined;
      this.slowest = { time, index };
      if (time <= TIME_LIMIT || !isSlow(target, bytes, rest)) return undefined;
      return this.#failure(target, index, bytes, bytes, rest, `takes more than ${TIME_LIMIT} ms each time`);
    }
    const shrunk = shrink(bytes, (less) => sameFault(failureOf(target, less, rest), message));
    return this.#failure(target, index, bytes, shrunk, rest, message);
  }

  #failure(
    target: FuzzTarget,
    index: number,
    bytes: Uint8Array,
    shrunk: Uint8Array,
    rest: object,
    message: string,
  ): Failure {
    return { seed: this.seed, index, target: target.name, message, bytes, shrunk, rest };
  }
}

/** How a failure is found again, for people. */
export function failureText({ seed, index, target, message, bytes, shrunk, rest }: Failure): string {
  return [
    `${target}: ${message}`,
    `  seed ${seed}, case ${index}: npm run fuzz -- --seed ${seed} --only ${index}`,
    `  octets:   ${toHex(bytes)}`,
    `  shrunk:   ${toHex(shrunk)}`,
    `  with:     ${JSON.stringify(rest)}`,
  ].join('\n');
}

function failureOf(target: FuzzTarget, bytes: Uint8Array, rest: object): string | undefined {
  try {
    target.check(bytes, rest);
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}\n${stackOf(error)}` : String(error);
  }
}

/** The innermost places of an error. */
function stackOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return lines.slice(0, 4).join('\n');
}

/** The same complaint, but for its numbers and octets. */
function sameFault(one: string | undefined, other: string): boolean {
  const plain = (text: string): string =>
    text
      .split('\n    at ')[0]!
      .replaceAll(/[0-9a-f]{2,}|\d+/g, '#')
      .slice(0, 40);
  return one !== undefined && plain(one) === plain(other);
}

function isSlow(target: FuzzTarget, bytes: Uint8Array, rest: object): boolean {
  for (let i = 0; i < SLOW_TRIES; i++) {
    if (processorTime(() => target.check(bytes, rest)) <= TIME_LIMIT) return false;
  }
  return true;
}
