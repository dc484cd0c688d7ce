/** Prefixes as the Internet announces them, none of them twice. */
import type { SeededRandom } from './random.ts';
import { Weighted } from './random.ts';

/** Shares of prefix lengths in the global tables of 2024, percent, rounded. */
const IPV4_LENGTHS = new Weighted<number>([
  [24, 59.5],
  [23, 10.1],
  [22, 11.2],
  [21, 5.3],
  [20, 4.6],
  [19, 2.6],
  [18, 1.4],
  [17, 0.9],
  [16, 1.4],
  [15, 0.2],
  [14, 0.12],
  [13, 0.06],
  [12, 0.03],
  [11, 0.01],
  [10, 0.004],
  [9, 0.001],
  [8, 0.0015],
]);
const IPV6_LENGTHS = new Weighted<number>([
  [48, 46.5],
  [32, 11.2],
  [44, 9.8],
  [40, 9.6],
  [36, 4.2],
  [47, 3.4],
  [46, 3.2],
  [45, 1.9],
  [42, 2.1],
  [29, 2.4],
  [33, 1.6],
  [34, 1.1],
  [38, 0.9],
  [35, 0.7],
  [37, 0.5],
  [39, 0.4],
  [41, 0.3],
  [43, 0.6],
  [31, 0.2],
  [30, 0.3],
  [28, 0.2],
  [24, 0.05],
  [20, 0.02],
]);
/** First 12 bits of what registries hand out for IPv6. */
const IPV6_BLOCKS = [0x200, 0x240, 0x260, 0x280, 0x2a0, 0x2a1, 0x2c0];
/** Draws after which a length counts as used up, and a longer one is taken. */
const PATIENCE = 8;

/** Writes the NLRI of prefixes, RFC 4271 §4.3: length, and as many octets as it takes. */
export class PrefixGenerator {
  readonly #random: SeededRandom;
  readonly #size: 4 | 16;
  readonly #seen: PrefixSet;
  /** The prefix drawn last: its first 64 bits, and its length. */
  #high = 0;
  #low = 0;
  #bits = 0;

  /** @param count how many will be asked for; more are possible but slower. */
  constructor(random: SeededRandom, size: 4 | 16, count: number) {
    this.#random = random;
    this.#size = size;
    this.#seen = new PrefixSet(count);
  }

  /** Octets that {@link write} takes at most. */
  get longest(): number {
    return this.#size === 4 ? 5 : 9;
  }

  /**
   * Draws a prefix and writes it; returns where it ends.
   * @param near draws it right behind the last one where that is free: an AS has its prefixes side by side.
   */
  write(into: Uint8Array, at: number, near: boolean): number {
    if (!near || !this.#next()) this.#draw();
    into[at] = this.#bits;
    const end = at + 1 + ((this.#bits + 7) >> 3);
    for (let to = at + 1, shift = 24, word = this.#high; to < end; to++) {
      into[to] = word >>> shift;
      shift -= 8;
      if (shift < 0) {
        shift = 24;
        word = this.#low;
      }
    }
    return end;
  }

  #draw(): void {
    let bits = (this.#size === 4 ? IPV4_LENGTHS : IPV6_LENGTHS).draw(this.#random);
    for (let tries = 1; ; tries++) {
      if (this.#size === 4) this.#drawIpv4(bits);
      else this.#drawIpv6(bits);
      if (this.#seen.add(this.#high, this.#low, this.#bits)) return;
      if (tries % PATIENCE === 0) bits = Math.min(bits + 1, this.#size * 8, 64);
    }
  }

  #drawIpv4(bits: number): void {
    do this.#high = mask(this.#random.uint32(), bits);
    while (!isPublic(this.#high));
    this.#low = 0;
    this.#bits = bits;
  }

  #drawIpv6(bits: number): void {
    const block = IPV6_BLOCKS[this.#random.below(IPV6_BLOCKS.length)]!;
    this.#high = mask(((block << 20) | this.#random.below(1 << 20)) >>> 0, bits);
    this.#low = mask(this.#random.uint32(), bits - 32);
    this.#bits = bits;
  }

  #next(): boolean {
    if (this.#bits === 0) return false;
    const shift = this.#bits <= 32 ? 32 - this.#bits : 64 - this.#bits;
    if (this.#bits <= 32) {
      this.#high = (this.#high + 2 ** shift) >>> 0;
      if (this.#size === 4 && !isPublic(this.#high)) return false;
    } else {
      this.#low = (this.#low + 2 ** shift) >>> 0;
      if (this.#low === 0) return false;
    }
    return this.#high !== 0 && this.#seen.add(this.#high, this.#low, this.#bits);
  }
}

function mask(word: number, bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? word : (word & (-1 << (32 - bits))) >>> 0;
}

/** Unicast, and not for private or special use (RFC 6890). */
function isPublic(address: number): boolean {
  const first = address >>> 24;
  if (first === 0 || first === 10 || first === 127 || first > 223) return false;
  const two = address >>> 16;
  if (first === 100) return (two & 0xc0) !== 0x40;
  return two !== 0xa9fe && two !== 0xc0a8 && (two & 0xfff0) !== 0xac10;
}

/** Prefixes that were drawn: open addressing over three words each. */
class PrefixSet {
  #keys: Uint32Array;
  #size: number;
  #count = 0;

  constructor(count: number) {
    this.#size = 1024;
    while (this.#size < count * 2) this.#size *= 2;
    this.#keys = new Uint32Array(this.#size * 3);
  }

  /** Whether it is new. `bits` is not 0. */
  add(high: number, low: number, bits: number): boolean {
    if (this.#count * 4 > this.#size * 3) this.#grow();
    const added = this.#enter(high, low, bits);
    if (added) this.#count += 1;
    return added;
  }

  #enter(high: number, low: number, bits: number): boolean {
    const keys = this.#keys;
    let hash = Math.imul(high ^ bits, 0x85ebca6b) ^ Math.imul(low, 0xc2b2ae35);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    for (let slot = (hash ^ (hash >>> 13)) >>> 0; ; slot++) {
      const at = (slot & (this.#size - 1)) * 3;
      if (keys[at + 2] === 0) {
        keys[at] = high;
        keys[at + 1] = low;
        keys[at + 2] = bits;
        return true;
      }
      if (keys[at] === high && keys[at + 1] === low && keys[at + 2] === bits) return false;
    }
  }

  #grow(): void {
    const old = this.#keys;
    this.#size *= 2;
    this.#keys = new Uint32Array(this.#size * 3);
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] !== 0) this.#enter(old[at]!, old[at + 1]!, old[at + 2]!);
    }
  }
}
