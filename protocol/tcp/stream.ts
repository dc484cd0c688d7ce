/**
 * One direction of a TCP connection, put together from segments in the order in which a capture shows them (RFC 9293
 * §3.4): reordered, repeated, overlapping, or missing. Where two segments say different things about an octet, the
 * first one counts, as with most receivers.
 */

/** Octets that wait for earlier ones. More than any window: what is missing then never comes. */
const MAX_WAITING = 1 << 24;
const MAX_WAITING_PIECES = 4096;

/**
 * Segments that may still come after the other side acknowledged what is missing: captures of several interfaces, and
 * of hosts with several queues, are not in order.
 */
const PATIENCE = 32;

export interface TcpStreamVisitor {
  /** The next octets of the stream; a view, valid during the call. */
  data(bytes: Uint8Array): void;
  /** The next `length` octets are not in the capture. */
  gap(length: number): void;
}

interface Waiting {
  /** Place in the stream, counted from the first octet. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

export class TcpStream {
  readonly #visitor: TcpStreamVisitor;
  /** Sequence number of the stream's first octet; undefined until anything is known. */
  #origin: number | undefined;
  /** Octets of the stream that were delivered or given up. */
  #next = 0;
  /** Disjoint, ascending, all beyond `#next`. */
  #waiting: Waiting[] = [];
  #waitingOctets = 0;
  /** Place up to which the other side has acknowledged. */
  #acknowledged = 0;
  /** Segments since the hole before `#waiting` was acknowledged. */
  #sinceAcknowledged = 0;
  #finAt: number | undefined;

  constructor(visitor: TcpStreamVisitor) {
    this.#visitor = visitor;
  }

  /** Whether the stream's beginning is known, or guessed from a segment in its middle. */
  get started(): boolean {
    return this.#origin !== undefined;
  }

  /** Everything up to the FIN was delivered. */
  get finished(): boolean {
    return this.#finAt !== undefined && this.#next >= this.#finAt;
  }

  /** The stream begins with this sequence number (one more than that of the SYN). */
  begin(sequence: number): void {
    this.#origin = sequence >>> 0;
  }

  /** Whether a SYN with this initial sequence number is that of this stream, sent again. */
  beganWith(sequence: number): boolean {
    return this.#origin === sequence >>> 0;
  }

  /** A segment's octets; where nothing is known yet, the stream begins here. */
  push(sequence: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#origin ??= sequence >>> 0;
    const start = this.#place(sequence);
    const fresh = start + bytes.length - this.#next;
    if (fresh <= 0) return;
    if (start > this.#next) this.#keep(start, bytes);
    else if (this.#waiting.length === 0) this.#emit(bytes.subarray(bytes.length - fresh));
    else {
      this.#keep(this.#next, bytes.subarray(bytes.length - fresh));
      this.#deliverWaiting();
    }
    this.#giveUp();
  }

  /** The sender has no more to say; `sequence` is that of its FIN. */
  fin(sequence: number): void {
    if (this.#origin !== undefined) this.#finAt = this.#place(sequence);
  }

  /** The other side has received everything before this sequence number, whether the capture has it or not. */
  acknowledged(sequence: number): void {
    if (this.#origin === undefined) {
      this.#origin = sequence >>> 0;
      return;
    }
    const place = this.#place(sequence);
    if (place > this.#acknowledged) this.#acknowledged = place;
    this.#giveUp();
  }

  /** Nothing comes any more: what waits is delivered, with the gaps before it. */
  end(): void {
    while (this.#waiting.length > 0) this.#skip();
  }

  /** Place in the stream of a sequence number: the nearest one to what comes next, so that numbers may wrap. */
  #place(sequence: number): number {
    return this.#next + ((sequence - this.#origin! - this.#next) | 0);
  }

  #deliverWaiting(): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.start === this.#next) {
      const { bytes } = this.#waiting.shift()!;
      this.#waitingOctets -= bytes.length;
      this.#emit(bytes);
    }
    this.#sinceAcknowledged = 0;
  }

  #emit(bytes: Uint8Array): void {
    this.#next += bytes.length;
    this.#visitor.data(bytes);
  }

  /** Keeps (a copy of) those parts of a segment that no waiting one has. */
  #keep(start: number, bytes: Uint8Array): void {
    const end = start + bytes.length;
    const last = this.#waiting.at(-1);
    if (last === undefined || last.start + last.bytes.length <= start) {
      this.#waiting.push({ start, bytes: bytes.slice() });
      this.#waitingOctets += bytes.length;
      return;
    }
    const pieces: Waiting[] = [];
    let from = start;
    for (const other of this.#waiting) {
      const otherEnd = other.start + other.bytes.length;
      if (otherEnd <= from) continue;
      if (other.start >= end) break;
      if (other.start > from)
        pieces.push({ start: from, bytes: bytes.slice(from - start, other.start - start) });
      from = otherEnd;
    }
    if (from < end) pieces.push({ start: from, bytes: bytes.slice(from - start) });
    for (const piece of pieces) {
      const index = this.#waiting.findLastIndex((other) => other.start < piece.start) + 1;
      this.#waiting.splice(index, 0, piece);
      this.#waitingOctets += piece.bytes.length;
    }
  }

  #giveUp(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    // The receiver has what is missing here, so nobody sends it again.
    if (this.#acknowledged >= first.start && ++this.#sinceAcknowledged > PATIENCE) this.#skip();
    while (this.#waitingOctets > MAX_WAITING || this.#waiting.length > MAX_WAITING_PIECES) this.#skip();
  }

  #skip(): void {
    const length = this.#waiting[0]!.start - this.#next;
    this.#next += length;
    this.#visitor.gap(length);
    this.#deliverWaiting();
  }
}
