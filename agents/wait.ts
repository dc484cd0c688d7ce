import type { Clock, Millis } from './ports.ts';

/** Resolves when any of the signals aborts, at once where one has. Leaves no listener behind. */
export async function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some((signal) => signal.aborted)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const finish = (): void => resolve();
  for (const signal of signals) signal.addEventListener('abort', finish);
  await promise;
  for (const signal of signals) signal.removeEventListener('abort', finish);
}

/** Resolves after `delay` ms, or as soon as `signal` aborts. */
export async function pause(clock: Clock, delay: Millis, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const finish = (): void => resolve();
  const timer = clock.setTimer(delay, finish);
  signal.addEventListener('abort', finish);
  await promise;
  timer.cancel();
  signal.removeEventListener('abort', finish);
}
