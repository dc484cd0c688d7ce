import type { Clock, Millis } from '../ports.ts';

/** Longest time for which work in slices holds up everything else. */
const SLICE: Millis = 5;
/** Steps between two looks at the clock. */
const STEPS = 128;

/** Waits for the next turn of the event loop. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(0, resolve);
  });
}

/** Runs a generator to its end, some milliseconds at a time, and gives what it returns. */
export async function inSlices<T>(work: Iterator<unknown, T>, clock: Clock): Promise<T> {
  for (;;) {
    const end = clock.now() + SLICE;
    do {
      for (let i = 0; i < STEPS; i++) {
        const step = work.next();
        if (step.done === true) return step.value;
      }
    } while (clock.now() < end);
    await nextTurn(clock);
  }
}

/** The items of a generator, which is left for a turn of the event loop whenever it has taken some milliseconds. */
export async function* itemsInSlices<T>(items: Iterable<T>, clock: Clock): AsyncGenerator<T> {
  let end = clock.now() + SLICE;
  for (const item of items) {
    yield item;
    if (clock.now() < end) continue;
    await nextTurn(clock);
    end = clock.now() + SLICE;
  }
}
