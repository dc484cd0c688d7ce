import { messageBytes, paddedWords, wordBytes } from './blocks.ts';

/** Fractional parts of the cube roots of the first 64 primes (FIPS 180-4 §4.2.2). */
const K = fractionalRoots(64, 3);
/** Fractional parts of the square roots of the first 8 primes (FIPS 180-4 §5.3.3). */
const INITIAL = fractionalRoots(8, 2);

/** SHA-256 digest, 32 bytes (FIPS 180-4 §6.2), of bytes or of text as UTF-8. */
export function sha256(message: string | Uint8Array): Uint8Array {
  const words = paddedWords(messageBytes(message));
  const state = INITIAL.slice();
  const schedule = new Uint32Array(64);
  for (let at = 0; at < words.length; at += 16) {
    schedule.set(words.subarray(at, at + 16));
    compress(state, schedule);
  }
  return wordBytes(state);
}

function compress(state: Uint32Array, w: Uint32Array): void {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const s0 = rotateRight(x, 7) ^ rotateRight(x, 18) ^ (x >>> 3);
    const s1 = rotateRight(y, 17) ^ rotateRight(y, 19) ^ (y >>> 10);
    w[t] = w[t - 16]! + s0 + w[t - 7]! + s1;
  }
  const v = state.slice();
  for (let t = 0; t < 64; t++) {
    const [a, b, c, d, e, f, g, h] = v as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const s1 = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
    const t1 = h + s1 + ((e & f) ^ (~e & g)) + K[t]! + w[t]!;
    const s0 = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22);
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    v.copyWithin(1, 0, 7);
    v[4] = d + t1;
    v[0] = t1 + t2;
  }
  for (let i = 0; i < 8; i++) state[i] = state[i]! + v[i]!;
}

function rotateRight(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** First 32 bits of the fractional parts of the `degree`-th roots of the first `count` primes, in integers. */
function fractionalRoots(count: number, degree: 2 | 3): Uint32Array {
  const roots = new Uint32Array(count);
  let prime = 2;
  for (let i = 0; i < count; i++) {
    // floor(root * 2^32) is the integer root of prime * 2^(32 * degree); its low 32 bits are the fraction.
    roots[i] = Number(integerRoot(BigInt(prime) << BigInt(32 * degree), degree) & 0xffffffffn);
    do prime++;
    while (!isPrime(prime));
  }
  return roots;
}

function integerRoot(value: bigint, degree: 2 | 3): bigint {
  let low = 0n;
  let high = 1n << 40n;
  while (low + 1n < high) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(degree) <= value) low = middle;
    else high = middle;
  }
  return low;
}

function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}
