import { expect, test } from 'vitest';
import { Allowance } from '../../../protocol/http2/allowance.ts';

test('a burst, and then as many as the time that has passed allows, up to a burst again', () => {
  const allowance = new Allowance({ burst: 3, perSecond: 2 });
  const taken = (now: number, times: number): boolean[] =>
    Array.from({ length: times }, () => allowance.take(now));
  expect(taken(5000, 4)).toEqual([true, true, true, false]);
  expect(taken(5499, 1)).toEqual([false]);
  expect(taken(5500, 2)).toEqual([true, false]);
  expect(taken(60_000, 4)).toEqual([true, true, true, false]);
});
