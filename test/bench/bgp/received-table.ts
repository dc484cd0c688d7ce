// What one receiving peer has been sent, and whether that is what it should have.

import { hashAttributes, MP_REACH_NLRI, MP_UNREACH_NLRI } from './attributes.ts';
import { ReceivedStream } from './received-stream.ts';
import { editionOf, nlriLength, prefixNumber } from './table.ts';
import { type Arrival, now } from './tester-messages.ts';
import { HEADER_LENGTH, MessageCutter, UPDATE } from './wire.ts';

/** Octets that wait at most before they are read. */
const MOST_BACKLOG = 4 << 20;

/**
 * The table of a receiver, as a hash of attributes for every prefix. While routes come in it only counts octets, so that
 * it takes little of the machine; it reads them when it may be complete. Where another receiver is complete that began
 * with the same table and was sent the very same octets, it need not read them: so all members of an update group do.
 */
export class ReceivedTable {
  readonly #version: 4 | 6;
  readonly #have: Uint32Array;
  /** Prefixes that the peer announces itself: what it is sent of them does not matter. */
  readonly #own: { readonly first: number; readonly end: number };
  readonly #arrivals: Arrival[] | undefined;
  #wanted: Uint32Array = new Uint32Array(0);
  #wrong = 0;
  #cutter = new MessageCutter();
  #backlog: Buffer[] = [];
  #waiting = 0;
  /** What came since something is expected; kept until it is another receiver's. */
  #stream = new ReceivedStream();
  /** Octets of the stream that were read, and messages before it began. */
  #read = 0;
  #messagesBefore = 0;
  /** Octets of the stream that are those of the receiver it is compared with; -1 where they are not the same. */
  #same = -1;
  messages = 0;
  octets = 0;
  /** Routes that are none of the benchmark's. */
  strange = 0;

  constructor(version: 4 | 6, size: number, own: { first: number; end: number }, logsArrivals: boolean) {
    this.#version = version;
    this.#have = new Uint32Array(size);
    this.#own = own;
    this.#arrivals = logsArrivals ? [] : undefined;
  }

  get arrivals(): readonly Arrival[] {
    return this.#arrivals ?? [];
  }

  /** Says what it should have from now on. @param other a receiver that may be sent the same, and is asked first. */
  expect(wanted: Uint32Array, other: ReceivedTable | undefined): void {
    this.#readAll();
    this.#wanted = wanted;
    this.#wrong = this.#countWrong();
    this.#stream = new ReceivedStream();
    this.#read = 0;
    this.#messagesBefore = this.messages;
    const comparable = other !== undefined && this.#cutter.pending === 0 && other.#isLike(this);
    this.#same = comparable ? 0 : -1;
  }

  /** Whether two receivers have the same table and are to have the same. */
  #isLike(other: ReceivedTable): boolean {
    const { first, end } = this.#own;
    return (
      first === other.#own.first &&
      end === other.#own.end &&
      this.#cutter.pending === 0 &&
      Buffer.compare(bytesOf(this.#have), bytesOf(other.#have)) === 0
    );
  }

  /** Prefixes that are not as they should be. */
  get wrong(): number {
    this.#readAll();
    return this.#wrong;
  }

  /** As {@link wrong}, counted anew. */
  recount(): number {
    this.#readAll();
    return this.#countWrong();
  }

  /** Takes what came, which is kept until it is read. */
  push(chunk: Buffer): void {
    this.octets += chunk.length;
    this.#backlog.push(chunk);
    this.#waiting += chunk.length;
    this.#stream.append(chunk);
    // When changes came is to be known at once.
    if (this.#arrivals !== undefined) this.#readAll();
  }

  /**
   * Whether everything is there; looks closer only where enough octets have come.
   * @param other the receiver of {@link expect}, which is complete.
   */
  isComplete(other: ReceivedTable | undefined): boolean {
    if (this.#same >= 0 && other !== undefined) {
      const { whole, followed } = this.#follow(other);
      if (followed) return whole;
    }
    // What was read of a message that is not whole is still to be told.
    const waiting = this.#waiting + this.#cutter.pending;
    if (waiting < Math.min(this.#wrong * nlriLength(this.#version), MOST_BACKLOG)) return false;
    this.#readAll();
    return this.#wrong === 0;
  }

  /** Compares what came with what the other one was sent; takes its table over when that is all of it. */
  #follow(other: ReceivedTable): { readonly followed: boolean; readonly whole: boolean } {
    const all = other.#readWhole;
    let at = 0;
    for (const chunk of this.#backlog) {
      const end = at + chunk.length;
      if (end > this.#same && at < all) {
        const from = Math.max(at, this.#same);
        if (!other.#stream.has(from, chunk.subarray(from - at), all)) {
          this.#same = -1;
          return { followed: false, whole: false };
        }
        this.#same = Math.min(end, all);
      }
      at = end;
    }
    if (this.#same < all) return { followed: true, whole: false };
    this.#have.set(other.#have);
    this.#wrong = other.#wrong;
    this.messages += other.messages - other.#messagesBefore;
    this.#skip(all);
    this.#same = -1;
    return { followed: true, whole: true };
  }

  /** Takes octets as read. */
  #skip(octets: number): void {
    let left = octets;
    while (left > 0) {
      const chunk = this.#backlog[0]!;
      if (chunk.length > left) this.#backlog[0] = chunk.subarray(left);
      else this.#backlog.shift();
      left -= Math.min(left, chunk.length);
    }
    this.#waiting -= octets;
    this.#read += octets;
  }

  /** Octets of the stream to the end of the last message that was read. */
  get #readWhole(): number {
    return this.#read - this.#cutter.pending;
  }

  #readAll(): void {
    if (this.#backlog.length > 0) this.#same = -1;
    for (const chunk of this.#backlog) {
      this.#cutter.push(chunk, (bytes, start, end) => this.#message(bytes, start, end));
      this.#read += chunk.length;
    }
    this.#backlog = [];
    this.#waiting = 0;
  }

  #message(bytes: Buffer, start: number, end: number): void {
    if (bytes[start + 18] !== UPDATE) return;
    this.messages += 1;
    if (this.#arrivals !== undefined) this.#log(bytes, start);
    this.#update(bytes, start + HEADER_LENGTH, end);
  }

  #log(bytes: Buffer, start: number): void {
    const body = start + HEADER_LENGTH;
    const withdrawn = bytes.readUInt16BE(body);
    const length = bytes.readUInt16BE(body + 2 + withdrawn);
    const attributes = body + 4 + withdrawn;
    const edition = editionOf(bytes, attributes, attributes + length);
    const routes = (start + bytes.readUInt16BE(start + 16) - attributes - length) / nlriLength(4);
    if (edition > 0) this.#arrivals!.push({ edition, at: now(), routes });
  }

  #update(bytes: Buffer, start: number, end: number): void {
    const withdrawn = start + 2 + ((bytes[start]! << 8) | bytes[start + 1]!);
    const attributes = withdrawn + 2;
    const nlri = attributes + ((bytes[withdrawn]! << 8) | bytes[withdrawn + 1]!);
    this.#routes(bytes, start + 2, withdrawn, 4, 0);
    if (nlri === attributes) return;
    const hash = hashAttributes(bytes, attributes, nlri);
    this.#routes(bytes, nlri, end, 4, hash);
    if (this.#version === 4) return;
    for (let at = attributes; at < nlri; ) {
      const long = (bytes[at]! & 0x10) !== 0;
      const length = long ? (bytes[at + 2]! << 8) | bytes[at + 3]! : bytes[at + 2]!;
      const value = at + (long ? 4 : 3);
      const next = value + length;
      if (bytes[at + 1] === MP_REACH_NLRI) this.#routes(bytes, value + 5 + bytes[value + 3]!, next, 6, hash);
      if (bytes[at + 1] === MP_UNREACH_NLRI) this.#routes(bytes, value + 3, next, 6, 0);
      at = next;
    }
  }

  #routes(bytes: Buffer, start: number, end: number, version: 4 | 6, hash: number): void {
    const each = nlriLength(version);
    const { first, end: ownEnd } = this.#own;
    for (let at = start; at < end; at += each) {
      const number = prefixNumber(bytes, at, version);
      if (number < 0 || number >= this.#have.length || version !== this.#version) {
        this.strange += 1;
        return;
      }
      const before = this.#have[number]!;
      this.#have[number] = hash;
      if (number >= first && number < ownEnd) continue;
      const wanted = this.#wanted[number]!;
      this.#wrong += (before === wanted ? 1 : 0) - (hash === wanted ? 1 : 0);
    }
  }

  #countWrong(): number {
    let wrong = 0;
    for (let number = 0; number < this.#have.length; number++) {
      if (number >= this.#own.first && number < this.#own.end) continue;
      if (this.#have[number] !== this.#wanted[number]) wrong += 1;
    }
    return wrong;
  }
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
