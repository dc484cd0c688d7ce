import type { Clock, Millis, Timer } from '../ports.ts';

/** Longest delay that Node's timers take; longer ones are made of several. */
const LONGEST_DELAY = 2 ** 31 - 1;

/**
 * The machine's clock. A pending timer keeps the process alive; cancel it to let the process end. Timers never fire
 * before their time by `now()`: Node's count from the loop's cached millisecond, which can lie up to 1 ms back.
 */
export function systemClock(): Clock {
  const epoch = epochOfHrtime();
  return {
    now: () => performance.now(),
    wallNanos: () => epoch + process.hrtime.bigint(),
    setTimer: (delay, callback) => (delay > 0 ? delayedTimer(delay, callback) : immediateTimer(callback)),
  };
}

/** Wall-clock nanoseconds at which the monotonic clock read zero: later steps of the wall clock change nothing. */
function epochOfHrtime(): bigint {
  const originMicros = BigInt(Math.round(performance.timeOrigin * 1000));
  const sinceOrigin = BigInt(Math.round(performance.now() * 1e6));
  return originMicros * 1000n + sinceOrigin - process.hrtime.bigint();
}

function immediateTimer(callback: () => void): Timer {
  const immediate = setImmediate(callback);
  return { cancel: () => clearImmediate(immediate) };
}

function delayedTimer(delay: Millis, callback: () => void): Timer {
  const due = performance.now() + delay;
  let timeout = arm(delay);
  function arm(rest: Millis): NodeJS.Timeout {
    return setTimeout(expire, Math.min(Math.ceil(rest), LONGEST_DELAY));
  }
  function expire(): void {
    const rest = due - performance.now();
    if (rest > 0) timeout = arm(rest);
    else callback();
  }
  return { cancel: () => clearTimeout(timeout) };
}
