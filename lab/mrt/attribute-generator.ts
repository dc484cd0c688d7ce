/** Path attributes as an Internet table has them. */
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { type SeededRandom, Weighted } from './random.ts';

/** ASes that carry others' traffic around the world; most paths go through one or two. */
const TRANSIT = [
  174, 701, 1299, 2914, 3257, 3320, 3356, 3491, 5511, 6453, 6461, 6762, 6830, 6939, 7018, 12956,
];
/** ASes below those, and ASes at the ends of paths: how many of them a table sees. */
const REGIONAL = 6000;
const ORIGINS = 76_000;

/** Different ASes in a path, the neighbour included: shares of the global table, percent, rounded. */
const PATH_LENGTHS = new Weighted<number>([
  [1, 0.4],
  [2, 7],
  [3, 26],
  [4, 34],
  [5, 20],
  [6, 8],
  [7, 3],
  [8, 1],
  [9, 0.4],
  [10, 0.2],
]);
const ORIGIN = new Weighted<number>([
  [0, 91],
  [1, 0.4],
  [2, 8.6],
]);
const COMMUNITY_COUNTS = new Weighted<number>([
  [0, 24],
  [1, 8],
  [2, 10],
  [3, 12],
  [4, 11],
  [5, 9],
  [6, 7],
  [8, 7],
  [10, 5],
  [14, 4],
  [20, 2],
  [30, 1],
]);

const TRANSITIVE = 0x40;
const OPTIONAL = 0x80;
const EXTENDED = 0x10;

/** What the attributes are to be like. */
export interface AttributeOptions {
  /** First AS of every path. */
  readonly asn: number;
  /** With LOCAL_PREF, as within an AS. */
  readonly localPref?: number;
}

export class AttributeGenerator {
  readonly #random: SeededRandom;
  readonly #options: AttributeOptions;
  readonly #writer = new ByteWriter(512);
  readonly #path: number[] = [];

  constructor(random: SeededRandom, options: AttributeOptions) {
    this.#random = random;
    this.#options = options;
  }

  /**
   * A set without NEXT_HOP and MP_REACH_NLRI, by type code as RFC 4271 §5 wants it, AS numbers of 4 octets; a view that is
   * valid until the next one. What stands before and behind the next hop comes apart.
   */
  next(): { readonly before: Uint8Array; readonly after: Uint8Array } {
    const writer = this.#writer;
    const random = this.#random;
    writer.position = 0;
    begin(writer, TRANSITIVE, 1, 1);
    writer.uint8(ORIGIN.draw(random));
    this.#writePath();
    const split = writer.position;
    if (random.percent(4)) number(writer, OPTIONAL, 4, random.below(200));
    if (this.#options.localPref !== undefined) number(writer, TRANSITIVE, 5, this.#options.localPref);
    if (random.percent(3)) begin(writer, TRANSITIVE, 6, 0);
    if (random.percent(6)) {
      begin(writer, OPTIONAL | TRANSITIVE, 7, 8);
      writer.uint32(this.#path.at(-1)!);
      writer.uint32(0x01000001 + random.below(0xd0000000));
    }
    this.#writeCommunities();
    if (random.percent(12)) this.#writeLargeCommunities();
    return { before: writer.bytes.subarray(0, split), after: writer.bytes.subarray(split, writer.position) };
  }

  #writePath(): void {
    const random = this.#random;
    const path = this.#path;
    const hops = PATH_LENGTHS.draw(random);
    path.length = 0;
    path.push(this.#options.asn);
    // From the middle outwards ASes get smaller: transit, regional, origin.
    for (let hop = 1; hop < hops; hop++) {
      if (hop === hops - 1) path.push(originAs(random.below(ORIGINS)));
      else if (hop <= 2 && random.percent(80)) path.push(TRANSIT[random.below(TRANSIT.length)]!);
      else path.push(originAs(random.below(REGIONAL)));
    }
    // Some make a path longer by repeating themselves, mostly the origin.
    if (random.percent(11)) for (let i = random.below(4); i >= 0; i--) path.push(path.at(-1)!);
    begin(this.#writer, TRANSITIVE, 2, 2 + path.length * 4);
    this.#writer.uint8(2);
    this.#writer.uint8(path.length);
    for (const asn of path) this.#writer.uint32(asn);
  }

  /** Who tags a route is on its path. */
  #writeCommunities(): void {
    const random = this.#random;
    const count = COMMUNITY_COUNTS.draw(random);
    if (count === 0) return;
    begin(this.#writer, OPTIONAL | TRANSITIVE, 8, count * 4);
    for (let i = 0; i < count; i++) {
      const asn = this.#path[random.below(this.#path.length)]!;
      this.#writer.uint16(asn > 0xffff ? TRANSIT[random.below(TRANSIT.length)]! : asn);
      // Few values are used by many.
      this.#writer.uint16(random.percent(70) ? 100 * (1 + random.below(60)) : random.below(0x10000));
    }
  }

  #writeLargeCommunities(): void {
    const random = this.#random;
    const count = 1 + random.below(4);
    begin(this.#writer, OPTIONAL | TRANSITIVE, 32, count * 12);
    for (let i = 0; i < count; i++) {
      this.#writer.uint32(this.#path[random.below(this.#path.length)]!);
      this.#writer.uint32(1 + random.below(20));
      this.#writer.uint32(random.below(1000));
    }
  }
}

/** The n-th AS by size: most have short numbers, about a third long ones, and none is reserved (RFC 7607, 6996). */
function originAs(n: number): number {
  const spread = Math.imul(n + 1, 0x9e3779b1) >>> 0;
  return spread % 3 === 0 ? 131_072 + (spread % 270_000) : 1 + (spread % 63_000);
}

function begin(writer: ByteWriter, flags: number, type: number, length: number): void {
  writer.uint8(length > 255 ? flags | EXTENDED : flags);
  writer.uint8(type);
  if (length > 255) writer.uint16(length);
  else writer.uint8(length);
}

function number(writer: ByteWriter, flags: number, type: number, value: number): void {
  begin(writer, flags, type, 4);
  writer.uint32(value);
}
