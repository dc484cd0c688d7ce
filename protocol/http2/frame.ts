/** Frames of HTTP/2 (RFC 9113 §4, §6). */

export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Error codes (§7). */
export const ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

/** Settings (§6.5.2). */
export const Setting = {
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** Octets of a frame's header. */
export const HEADER = 9;
/** Largest payload unless SETTINGS allow more, which ours do not. */
export const MAX_FRAME = 16_384;
/** Largest flow control window. */
export const MAX_WINDOW = 0x7fff_ffff;
export const DEFAULT_WINDOW = 65_535;

/** What a client sends first (§3.4). */
export const PREFACE: Uint8Array = new TextEncoder().encode('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Gathers frames to be sent. */
export class FrameWriter {
  #buffer: Uint8Array = new Uint8Array(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Writes a frame's header and makes room for its payload; returns where that begins. */
  #begin(length: number, type: number, flags: number, stream: number): number {
    const needed = this.#length + HEADER + length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    const b = this.#buffer;
    const at = this.#length;
    b[at] = length >>> 16;
    b[at + 1] = (length >>> 8) & 0xff;
    b[at + 2] = length & 0xff;
    b[at + 3] = type;
    b[at + 4] = flags;
    write32(b, at + 5, stream);
    this.#length = needed;
    return at + HEADER;
  }

  /** A frame of any type. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const at = this.#begin(payload.length, type, flags, stream);
    this.#buffer.set(payload, at);
  }

  /** A frame whose payload is 32-bit numbers: RST_STREAM, WINDOW_UPDATE, GOAWAY. */
  numbers(type: number, stream: number, ...values: readonly number[]): void {
    let at = this.#begin(4 * values.length, type, 0, stream);
    for (const value of values) {
      write32(this.#buffer, at, value);
      at += 4;
    }
  }

  settings(settings: readonly (readonly [id: number, value: number])[]): void {
    let at = this.#begin(6 * settings.length, FrameType.settings, 0, 0);
    for (const [id, value] of settings) {
      this.#buffer[at] = id >>> 8;
      this.#buffer[at + 1] = id & 0xff;
      write32(this.#buffer, at + 2, value);
      at += 6;
    }
  }

  /** Takes out what has been gathered, in what `allocate` gives for so many octets. */
  take(allocate: (length: number) => Uint8Array = (length) => new Uint8Array(length)): Uint8Array {
    const bytes = allocate(this.#length);
    bytes.set(this.#length === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    if (this.#buffer.length > 1 << 20) this.#buffer = new Uint8Array(4096);
    return bytes;
  }
}

function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = (value >>> 16) & 0xff;
  bytes[at + 2] = (value >>> 8) & 0xff;
  bytes[at + 3] = value & 0xff;
}

export function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
