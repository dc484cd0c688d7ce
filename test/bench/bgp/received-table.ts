// What one receiving peer has been sent, and whether that is what it should have.
import { hashAttributes, MP_REACH_NLRI, MP_UNREACH_NLRI } from './attributes.ts';
import { editionOf, nlriLength, prefixNumber } from './table.ts';
import { type Arrival, now } from './tester-messages.ts';
import { HEADER_LENGTH } from './wire.ts';

/** Octets of UPDATEs that wait at most before they are read. */
const MOST_BACKLOG = 4 << 20;

/**
 * The table of a receiver, as a hash of attributes for every prefix. While routes come in it only counts octets, so that
 * it takes little of the machine; it reads them when it may be complete.
 */
export class ReceivedTable {
  readonly #version: 4 | 6;
  readonly #have: Uint32Array;
  /** Prefixes that the peer announces itself: what it is sent of them does not matter. */
  readonly #own: { readonly first: number; readonly end: number };
  readonly #arrivals: Arrival[] | undefined;
  #wanted: Uint32Array = new Uint32Array(0);
  #wrong = 0;
  #backlog: { bytes: Buffer; start: number; end: number }[] = [];
  #waiting = 0;
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

  /** Says what it should have from now on. */
  expect(wanted: Uint32Array): void {
    this.#read();
    this.#wanted = wanted;
    this.#wrong = this.#countWrong();
  }

  /** Prefixes that are not as they should be. */
  get wrong(): number {
    this.#read();
    return this.#wrong;
  }

  /** As {@link wrong}, counted anew. */
  recount(): number {
    this.#read();
    return this.#countWrong();
  }

  /** Takes an UPDATE, which is kept until it is read. */
  push(bytes: Buffer, start: number, end: number): void {
    this.messages += 1;
    this.octets += end - start;
    if (this.#arrivals !== undefined) this.#log(bytes, start);
    this.#backlog.push({ bytes, start, end });
    this.#waiting += end - start;
  }

  /** Whether everything is there; looks closer only where enough octets have come. */
  get complete(): boolean {
    if (this.#waiting < Math.min(this.#wrong * nlriLength(this.#version), MOST_BACKLOG)) return false;
    this.#read();
    return this.#wrong === 0;
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

  #read(): void {
    for (const { bytes, start, end } of this.#backlog) this.#update(bytes, start + HEADER_LENGTH, end);
    this.#backlog = [];
    this.#waiting = 0;
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
