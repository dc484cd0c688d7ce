import { Flag, FrameType, type FrameWriter } from './frame.ts';

type Item =
  | { readonly kind: 'headers'; readonly block: Uint8Array; readonly end: boolean }
  | { readonly kind: 'data'; bytes: Uint8Array; readonly end: boolean };

/** What one stream has to send, in order, within its flow control window. */
export class Outbound {
  readonly #id: number;
  /** Octets that the client takes on this stream; may be below zero after its SETTINGS changed. */
  window: number;
  #queue: Item[] = [];
  /** First item of the queue that is not sent. */
  #next = 0;
  #waiting = 0;
  /** The last item has been queued. */
  #closing = false;
  #ended = false;

  constructor(id: number, window: number) {
    this.#id = id;
    this.window = window;
  }

  /** Octets of data that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Everything has been sent, the end of the stream too. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Queues a header block; false after the end. */
  headers(block: Uint8Array, end: boolean): boolean {
    if (this.#closing) return false;
    this.#closing = end;
    this.#queue.push({ kind: 'headers', block, end });
    return true;
  }

  /** Queues data; false after the end. */
  data(bytes: Uint8Array, end: boolean): boolean {
    if (this.#closing) return false;
    this.#closing = end;
    this.#queue.push({ kind: 'data', bytes, end });
    this.#waiting += bytes.length;
    return true;
  }

  /** Writes as much as `budget` and the window allow, in frames of at most `maxFrame`; returns the octets of data written. */
  flush(writer: FrameWriter, budget: number, maxFrame: number): number {
    let sent = 0;
    while (this.#next < this.#queue.length) {
      const item = this.#queue[this.#next]!;
      if (item.kind === 'headers') {
        writeBlock(writer, this.#id, item.block, item.end, maxFrame);
      } else {
        const length = Math.min(item.bytes.length, this.window, budget - sent, maxFrame);
        if (length < item.bytes.length && length <= 0) break;
        const whole = length === item.bytes.length;
        const flags = whole && item.end ? Flag.endStream : 0;
        writer.frame(FrameType.data, flags, this.#id, whole ? item.bytes : item.bytes.subarray(0, length));
        this.window -= length;
        this.#waiting -= length;
        sent += length;
        if (!whole) {
          item.bytes = item.bytes.subarray(length);
          continue;
        }
      }
      this.#next++;
      if (item.end) this.#ended = true;
    }
    if (this.#next === this.#queue.length) {
      this.#queue = [];
      this.#next = 0;
    }
    return sent;
  }
}

/** A header block in a HEADERS frame, and CONTINUATIONs where it is large. */
function writeBlock(
  writer: FrameWriter,
  id: number,
  block: Uint8Array,
  end: boolean,
  maxFrame: number,
): void {
  const last = block.length <= maxFrame;
  const flags = (end ? Flag.endStream : 0) | (last ? Flag.endHeaders : 0);
  writer.frame(FrameType.headers, flags, id, last ? block : block.subarray(0, maxFrame));
  for (let at = maxFrame; at < block.length; at += maxFrame) {
    const part = block.subarray(at, at + maxFrame);
    writer.frame(FrameType.continuation, at + maxFrame >= block.length ? Flag.endHeaders : 0, id, part);
  }
}
