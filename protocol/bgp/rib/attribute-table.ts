/**
 * Attribute sets, each kept once: a set is encoded in one canonical form, and equal bytes get the same small number.
 * A route is then a number, comparing sets is comparing numbers, and what route selection looks at stands in a typed
 * array. Canonical form: next hop length (1), next hop, then the attributes by type with 4-octet AS numbers.
 */
import { asPathLength, firstAs } from '../attribute/as-path.ts';
import { decodeAttributes } from '../attribute/decode.ts';
import { writeAttributes } from '../attribute/encode.ts';
import { ByteWriter } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { DEFAULT_LOCAL_PREF, type RouteAttributes } from './route.ts';

const CANONICAL: CodecContext = {
  fourOctetAs: true,
  extendedMessage: true,
  peerType: 'internal',
  families: [],
};

/** Words of a set in the table. */
const OFFSET = 0;
const LENGTH = 1;
const HASH = 2;
/** Next set in the hash chain or the free list; 0 ends it. */
const NEXT = 3;
const REFERENCES = 4;
const LOCAL_PREF = 5;
const PATH_LENGTH = 6;
const ORIGIN = 7;
const MED = 8;
const NEIGHBOUR_AS = 9;
const ORIGINATOR_ID = 10;
const CLUSTER_LENGTH = 11;
const STRIDE = 12;

export class AttributeTable {
  #words = new Uint32Array(16 * STRIDE);
  #buckets = new Uint32Array(16);
  #arena = new Uint8Array(1024);
  #arenaTop = 0;
  #arenaLive = 0;
  /** Sets ever used; number 0 means "none". */
  #top = 1;
  #free = 0;
  #count = 0;
  readonly #scratch = new ByteWriter(256);

  /** Sets in use. */
  get count(): number {
    return this.#count;
  }

  /** Number of the set, with one reference for the caller, who gives it back with {@link release}. */
  intern(attributes: RouteAttributes): number {
    const scratch = this.#scratch;
    scratch.position = 0;
    scratch.uint8(attributes.nextHop.length);
    scratch.append(attributes.nextHop);
    writeAttributes(scratch, attributes, CANONICAL, 'nextHop');
    const bytes = scratch.view();
    const hash = hashOf(bytes);
    const found = this.#find(bytes, hash);
    if (found !== 0) {
      this.retain(found);
      return found;
    }
    return this.#insert(bytes, hash, attributes);
  }

  retain(id: number): void {
    this.#words[id * STRIDE + REFERENCES]! += 1;
  }

  /** Gives a reference back; the last one frees the set and its number. */
  release(id: number): void {
    const at = id * STRIDE;
    this.#words[at + REFERENCES]! -= 1;
    if (this.#words[at + REFERENCES] === 0) this.#remove(id);
  }

  /** The set as an object, made anew. */
  get(id: number): RouteAttributes {
    const bytes = this.#bytes(id);
    const hop = bytes[0]!;
    const { attributes } = decodeAttributes(bytes, 1 + hop, bytes.length, CANONICAL);
    return { ...attributes, nextHop: bytes.slice(1, 1 + hop) } as RouteAttributes;
  }

  /** Next hop octets of a set, a view. */
  nextHop(id: number): Uint8Array {
    const bytes = this.#bytes(id);
    return bytes.subarray(1, 1 + bytes[0]!);
  }

  localPref(id: number): number {
    return this.#words[id * STRIDE + LOCAL_PREF]!;
  }

  pathLength(id: number): number {
    return this.#words[id * STRIDE + PATH_LENGTH]!;
  }

  origin(id: number): number {
    return this.#words[id * STRIDE + ORIGIN]!;
  }

  /** 0 where absent: the lowest, so the best (RFC 4271 §9.1.2.2 c). */
  med(id: number): number {
    return this.#words[id * STRIDE + MED]!;
  }

  /** Leftmost AS, 0 for an empty path. */
  neighbourAs(id: number): number {
    return this.#words[id * STRIDE + NEIGHBOUR_AS]!;
  }

  /** 0 where absent. */
  originatorId(id: number): number {
    return this.#words[id * STRIDE + ORIGINATOR_ID]!;
  }

  clusterLength(id: number): number {
    return this.#words[id * STRIDE + CLUSTER_LENGTH]!;
  }

  #bytes(id: number): Uint8Array {
    const offset = this.#words[id * STRIDE + OFFSET]!;
    return this.#arena.subarray(offset, offset + this.#words[id * STRIDE + LENGTH]!);
  }

  #find(bytes: Uint8Array, hash: number): number {
    const words = this.#words;
    let id = this.#buckets[hash & (this.#buckets.length - 1)]!;
    for (; id !== 0; id = words[id * STRIDE + NEXT]!) {
      const at = id * STRIDE;
      if (words[at + HASH] === hash && words[at + LENGTH] === bytes.length && this.#equals(id, bytes))
        return id;
    }
    return 0;
  }

  #equals(id: number, bytes: Uint8Array): boolean {
    const offset = this.#words[id * STRIDE + OFFSET]!;
    for (let i = 0; i < bytes.length; i++) if (this.#arena[offset + i] !== bytes[i]) return false;
    return true;
  }

  #insert(bytes: Uint8Array, hash: number, attributes: RouteAttributes): number {
    this.#reserve(bytes.length);
    const id = this.#newId();
    const words = this.#words;
    const at = id * STRIDE;
    words[at + OFFSET] = this.#arenaTop;
    words[at + LENGTH] = bytes.length;
    words[at + HASH] = hash;
    words[at + REFERENCES] = 1;
    words[at + LOCAL_PREF] = attributes.localPref ?? DEFAULT_LOCAL_PREF;
    words[at + PATH_LENGTH] = asPathLength(attributes.asPath);
    words[at + ORIGIN] = attributes.origin;
    words[at + MED] = attributes.med ?? 0;
    words[at + NEIGHBOUR_AS] = firstAs(attributes.asPath) ?? 0;
    words[at + ORIGINATOR_ID] = attributes.originatorId ?? 0;
    words[at + CLUSTER_LENGTH] = attributes.clusterList?.length ?? 0;
    this.#arena.set(bytes, this.#arenaTop);
    this.#arenaTop += bytes.length;
    this.#arenaLive += bytes.length;
    this.#count += 1;
    if (this.#count > this.#buckets.length) this.#rehash(this.#buckets.length * 2);
    else this.#link(id);
    return id;
  }

  #newId(): number {
    if (this.#free !== 0) {
      const id = this.#free;
      this.#free = this.#words[id * STRIDE + NEXT]!;
      return id;
    }
    const id = this.#top++;
    if ((id + 1) * STRIDE > this.#words.length) {
      const larger = new Uint32Array(this.#words.length * 2);
      larger.set(this.#words);
      this.#words = larger;
    }
    return id;
  }

  #link(id: number): void {
    const bucket = this.#words[id * STRIDE + HASH]! & (this.#buckets.length - 1);
    this.#words[id * STRIDE + NEXT] = this.#buckets[bucket]!;
    this.#buckets[bucket] = id;
  }

  #rehash(size: number): void {
    this.#buckets = new Uint32Array(size);
    for (let id = 1; id < this.#top; id++) if (this.#words[id * STRIDE + REFERENCES] !== 0) this.#link(id);
  }

  #remove(id: number): void {
    const words = this.#words;
    const bucket = words[id * STRIDE + HASH]! & (this.#buckets.length - 1);
    let before = this.#buckets[bucket]!;
    if (before === id) this.#buckets[bucket] = words[id * STRIDE + NEXT]!;
    else {
      while (words[before * STRIDE + NEXT] !== id) before = words[before * STRIDE + NEXT]!;
      words[before * STRIDE + NEXT] = words[id * STRIDE + NEXT]!;
    }
    this.#arenaLive -= words[id * STRIDE + LENGTH]!;
    words[id * STRIDE + NEXT] = this.#free;
    this.#free = id;
    this.#count -= 1;
  }

  /** Room for `length` more bytes: moves the live sets together, into a larger arena where half of it is live. */
  #reserve(length: number): void {
    if (this.#arenaTop + length <= this.#arena.length) return;
    let size = this.#arena.length;
    while ((this.#arenaLive + length) * 2 > size) size *= 2;
    const arena = new Uint8Array(size);
    let top = 0;
    for (let id = 1; id < this.#top; id++) {
      if (this.#words[id * STRIDE + REFERENCES] === 0) continue;
      const bytes = this.#bytes(id);
      arena.set(bytes, top);
      this.#words[id * STRIDE + OFFSET] = top;
      top += bytes.length;
    }
    this.#arena = arena;
    this.#arenaTop = top;
  }
}

function hashOf(bytes: Uint8Array): number {
  let hash = bytes.length;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
