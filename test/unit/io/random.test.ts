import { expect, test } from 'vitest';
import { systemRandom } from '../../../agents/io/random.ts';

test('numbers span their range, beyond one pool, and do not repeat', () => {
  const random = systemRandom();
  const integers = Array.from({ length: 5000 }, () => random.uint32());
  const floats = Array.from({ length: 5000 }, () => random.float());
  expect(integers.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32)).toBe(true);
  expect(floats.every((n) => n >= 0 && n < 1)).toBe(true);
  // 5000 draws of 2^32: more than 5 collisions have a probability below 1 in a billion.
  expect(new Set(integers).size).toBeGreaterThan(4994);
  expect(new Set(floats).size).toBe(5000);
  expect(Math.max(...integers)).toBeGreaterThan(2 ** 31);
  const mean = floats.reduce((sum, n) => sum + n, 0) / floats.length;
  expect(mean).toBeGreaterThan(0.45);
  expect(mean).toBeLessThan(0.55);
});
