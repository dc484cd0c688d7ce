import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';

describe('systemClock', () => {
  const clock = systemClock();

  test('wallNanos is the wall clock, never goes back and resolves below a microsecond', () => {
    const readings = Array.from({ length: 2000 }, () => clock.wallNanos());
    expect(Math.abs(Number(readings[0]! / 1_000_000n) - Date.now())).toBeLessThan(1000);
    for (let i = 1; i < readings.length; i++) expect(readings[i]! >= readings[i - 1]!).toBe(true);
    expect(readings.some((nanos) => nanos % 1000n !== 0n)).toBe(true);
  });

  test('a timer fires not before its time', async () => {
    for (const delay of [0.4, 1, 7.3, 20]) {
      const start = clock.now();
      await new Promise<void>((resolve) => clock.setTimer(delay, resolve));
      expect(clock.now() - start).toBeGreaterThanOrEqual(delay);
    }
  });

  test('timers without delay fire in the next turn, in order, after what is already queued as microtask', async () => {
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      clock.setTimer(0, () => order.push('first'));
      clock.setTimer(0, () => {
        order.push('second');
        resolve();
      });
    });
    queueMicrotask(() => order.push('microtask'));
    order.push('now');
    await done;
    expect(order).toEqual(['now', 'microtask', 'first', 'second']);
  });

  test('a cancelled timer never fires; cancelling again does nothing', async () => {
    const fired: string[] = [];
    const timers = [0, 1, 2 ** 40].map((delay) => clock.setTimer(delay, () => fired.push(`after ${delay}`)));
    for (const timer of timers) timer.cancel();
    for (const timer of timers) timer.cancel();
    await new Promise<void>((resolve) => clock.setTimer(10, resolve));
    expect(fired).toEqual([]);
  });

  test('a delay above what Node takes at once does not fire at once', async () => {
    let fired = false;
    const timer = clock.setTimer(2 ** 31 + 1000, () => {
      fired = true;
    });
    await new Promise<void>((resolve) => clock.setTimer(10, resolve));
    timer.cancel();
    expect(fired).toBe(false);
  });
});
