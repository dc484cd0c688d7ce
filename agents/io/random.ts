import type { Random } from '../ports.ts';

/** Numbers fetched at once: a call of the generator costs a microsecond, a number from the pool some nanoseconds. */
const POOL = 256;

/** The operating system's cryptographic generator: `node:crypto`, which takes long to load, once a number is wanted. */
export function systemRandom(): Random {
  const pool = new Uint32Array(POOL);
  let next = POOL;
  const uint32 = (): number => {
    if (next === POOL) {
      process.getBuiltinModule('node:crypto').getRandomValues(pool);
      next = 0;
    }
    return pool[next++]!;
  };
  return {
    uint32,
    // 53 bits: as many as a double holds below 1.
    float: () => ((uint32() >>> 5) * 2 ** 26 + (uint32() >>> 6)) / 2 ** 53,
  };
}
