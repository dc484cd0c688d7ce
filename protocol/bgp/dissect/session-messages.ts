import { readUint16 } from '../byte-writer.ts';
import { HEADER_LENGTH, KEEPALIVE, MAX_EXTENDED_MESSAGE_LENGTH, ROUTE_REFRESH } from '../message/header.ts';

const MARKER_LENGTH = 16;

export interface MessagesVisitor {
  /** A message, of which only the header is there where that is wrong, and less than all at the end; a view. */
  message(bytes: Uint8Array): void;
  /** Octets that are no message: between a gap or a wrong header and the next marker. */
  skipped(length: number): void;
}

/**
 * Cuts one direction of a captured session into messages, and finds the next one after anything that is missing or
 * wrong, which a receiver would have ended the session for.
 */
export class SessionMessages {
  readonly #visitor: MessagesVisitor;
  /** Longest message that the receiver takes; asked at each. */
  readonly #maximum: () => number;
  #buffer = new Uint8Array(0);
  #length = 0;
  /** Looking for a marker. */
  #lost = true;
  #skipped = 0;

  constructor(visitor: MessagesVisitor, maximum: () => number) {
    this.#visitor = visitor;
    this.#maximum = maximum;
  }

  /** The stream begins here, with a message; without this, perhaps in the middle of one. */
  begin(): void {
    this.#lost = false;
  }

  /** Takes the next octets of the stream. */
  push(bytes: Uint8Array): void {
    this.#append(bytes);
    let at = 0;
    for (;;) {
      const next = this.#step(at);
      if (next === undefined) break;
      at = next;
    }
    this.#buffer.copyWithin(0, at, this.#length);
    this.#length -= at;
  }

  /** Octets are missing: what was begun will not become whole. */
  gap(): void {
    this.#skipped += this.#length;
    this.#length = 0;
    this.#lost = true;
  }

  /** Nothing more comes: a message that is not whole is visited as far as it is there. */
  end(): void {
    if (this.#lost) {
      this.#skipped += this.#length;
      this.#length = 0;
    }
    this.#tellSkipped();
    const begun = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    if (begun.length > 0) this.#visitor.message(begun);
  }

  /** Where to go on after one message, or after octets that are none; undefined where more octets are needed. */
  #step(at: number): number | undefined {
    if (this.#lost) {
      const start = this.#findHeader(at);
      this.#skipped += start - at;
      if (this.#length - start >= HEADER_LENGTH) this.#lost = false;
      if (start > at) return start;
      if (this.#lost) return undefined;
    }
    this.#tellSkipped();
    const available = this.#length - at;
    if (available < HEADER_LENGTH) return undefined;
    const stated = readUint16(this.#buffer, at + MARKER_LENGTH);
    if (!this.#isMarker(at) || stated < HEADER_LENGTH || stated > this.#maximum()) {
      this.#visitor.message(this.#buffer.subarray(at, at + HEADER_LENGTH));
      this.#lost = true;
      return at + HEADER_LENGTH;
    }
    if (available < stated) return undefined;
    this.#visitor.message(this.#buffer.subarray(at, at + stated));
    return at + stated;
  }

  /** Where the next header that makes sense begins, or may begin where too little is there to say. */
  #findHeader(from: number): number {
    for (let at = from; at < this.#length; at++) {
      if (this.#buffer[at] !== 0xff) continue;
      let end = at;
      while (end < this.#length && end < at + MARKER_LENGTH && this.#buffer[end] === 0xff) end++;
      if (end < at + MARKER_LENGTH && end < this.#length) {
        at = end;
        continue;
      }
      if (end === this.#length || this.#isPlausible(at)) return at;
    }
    return this.#length;
  }

  /** Whether length and type after a marker are those of a message. */
  #isPlausible(at: number): boolean {
    if (this.#length - at < HEADER_LENGTH) return true;
    const length = readUint16(this.#buffer, at + MARKER_LENGTH);
    const type = this.#buffer[at + 18]!;
    if (type < 1 || type > ROUTE_REFRESH || length < HEADER_LENGTH || length > MAX_EXTENDED_MESSAGE_LENGTH)
      return false;
    return type !== KEEPALIVE || length === HEADER_LENGTH;
  }

  #isMarker(at: number): boolean {
    for (let i = 0; i < MARKER_LENGTH; i++) if (this.#buffer[at + i] !== 0xff) return false;
    return true;
  }

  #append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(4096, 2 * (this.#length + bytes.length)));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #tellSkipped(): void {
    if (this.#skipped === 0) return;
    this.#visitor.skipped(this.#skipped);
    this.#skipped = 0;
  }
}
