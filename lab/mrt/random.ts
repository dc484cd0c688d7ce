/** Numbers that look random and are the same for the same seed: sfc32, as in PractRand. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed whole number; only its lowest 53 bits count. */
  constructor(seed: number) {
    this.#a = 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    this.#c = seed >>> 0;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** Uniform, unsigned. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform, from 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * bound);
  }

  /** True in so many of 100 cases. */
  percent(percent: number): boolean {
    return this.uint32() < percent * 42_949_672.96;
  }
}

/** Draws from values with weights. */
export class Weighted<T> {
  readonly #values: readonly T[];
  readonly #sums: readonly number[];
  readonly #total: number;

  constructor(weights: readonly (readonly [value: T, weight: number])[]) {
    let total = 0;
    this.#values = weights.map(([value]) => value);
    this.#sums = weights.map(([, weight]) => {
      total += weight;
      return total;
    });
    this.#total = total;
  }

  draw(random: SeededRandom): T {
    const point = (random.uint32() / 2 ** 32) * this.#total;
    let index = 0;
    while (this.#sums[index]! <= point) index += 1;
    return this.#values[index]!;
  }
}
