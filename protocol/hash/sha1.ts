import { messageBytes, paddedWords, wordBytes } from './blocks.ts';

/** Added constant of each quarter of the 80 rounds (FIPS 180-4 §4.2.1). */
const K = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6] as const;

/** Logical function of each quarter of the rounds (FIPS 180-4 §4.1.1). */
const F = [
  (b: number, c: number, d: number): number => (b & c) | (~b & d),
  (b: number, c: number, d: number): number => b ^ c ^ d,
  (b: number, c: number, d: number): number => (b & c) | (b & d) | (c & d),
  (b: number, c: number, d: number): number => b ^ c ^ d,
] as const;

/**
 * SHA-1 digest, 20 bytes (FIPS 180-4 §6.1), of bytes or of text as UTF-8. For names derived from hashes (Calico's
 * interface names and VTEP MACs), not for security.
 */
export function sha1(message: string | Uint8Array): Uint8Array {
  const words = paddedWords(messageBytes(message));
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const schedule = new Uint32Array(80);
  for (let at = 0; at < words.length; at += 16) {
    schedule.set(words.subarray(at, at + 16));
    compress(state, schedule);
  }
  return wordBytes(state);
}

function compress(state: Uint32Array, w: Uint32Array): void {
  for (let t = 16; t < 80; t++) w[t] = rotateLeft(w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!, 1);
  let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
  for (let t = 0; t < 80; t++) {
    const quarter = Math.floor(t / 20);
    const next = (rotateLeft(a, 5) + F[quarter]!(b, c, d) + e + K[quarter]! + w[t]!) | 0;
    e = d;
    d = c;
    c = rotateLeft(b, 30);
    b = a;
    a = next;
  }
  [a, b, c, d, e].forEach((value, i) => {
    state[i] = state[i]! + value;
  });
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
