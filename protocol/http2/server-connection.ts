import { concatBytes } from '../bytes/concat.ts';
import { DecodeError } from '../bytes/decode-error.ts';
import { Allowance } from './allowance.ts';
import {
  DEFAULT_WINDOW,
  ErrorCode,
  Flag,
  FrameType,
  FrameWriter,
  HEADER,
  MAX_FRAME,
  MAX_WINDOW,
  PREFACE,
  read32,
  Setting,
} from './frame.ts';
import { HeaderListError, HpackDecoder } from './hpack.ts';
import { IDLE_FRAMES, MAX_HEADERS, MAX_STREAMS, MAX_UNREAD_ANSWERS } from './limits.ts';
import type { OnRequest } from './server-stream.ts';
import { Stream, type StreamOwner } from './stream.ts';

/** Octets that a client may have in flight on a stream, and on the connection. */
const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 16 << 20;
/** Octets of data behind which the acknowledgement of a PING waits no longer. */
const MUCH = 16 * 1024;

/** The connection cannot go on: GOAWAY with this code. */
class ConnectionError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface ConnectionEvents {
  readonly onRequest: OnRequest;
  /** There is something to {@link ServerConnection.take}. */
  onOutput(): void;
  /** Milliseconds on a clock that does not go backwards. */
  now(): number;
}

/**
 * The server's side of an HTTP/2 connection (RFC 9113) as a machine without I/O: octets go in by `receive`, requests come
 * out of `onRequest`, and what is to be sent waits for `take`. Requests are taken as fast as they come, within the bounds of limits.ts;
 * responses wait for the client's flow control. There is no server push and no priority.
 */
export class ServerConnection implements StreamOwner {
  readonly #events: ConnectionEvents;
  readonly #writer: FrameWriter = new FrameWriter();
  readonly #hpack: HpackDecoder = new HpackDecoder(MAX_HEADERS);
  readonly #streams: Map<number, Stream> = new Map();
  /** Streams with something that flow control holds back. */
  readonly #blocked: Set<Stream> = new Set();
  #rest: Uint8Array = new Uint8Array(0);
  #prefaced = false;
  #lastStream = 0;
  #headers:
    | { readonly id: number; readonly end: boolean; readonly parts: Uint8Array[]; size: number }
    | undefined;
  #taken = 0;
  #window = DEFAULT_WINDOW;
  #peerStreamWindow = DEFAULT_WINDOW;
  #peerMaxFrame = MAX_FRAME;
  #paused = false;
  #failed = false;
  readonly #idleFrames: Allowance = new Allowance(IDLE_FRAMES);
  /** Answers to such frames since the transport took no more. */
  #unread = 0;
  /** Data was sent since the last PING. */
  #answered = false;
  /** A PING whose acknowledgement waits. */
  #held: Uint8Array | undefined;
  /** Octets of data sent since it came. */
  #sentHolding = 0;

  constructor(events: ConnectionEvents) {
    this.#events = events;
    this.#writer.settings([
      [Setting.maxConcurrentStreams, MAX_STREAMS],
      [Setting.initialWindowSize, STREAM_WINDOW],
      [Setting.maxHeaderListSize, MAX_HEADERS],
    ]);
    this.#writer.numbers(FrameType.windowUpdate, 0, CONNECTION_WINDOW - DEFAULT_WINDOW);
  }

  /** True once the connection cannot go on: close it behind what there is to take. */
  get failed(): boolean {
    return this.#failed;
  }

  /**
   * Whether the acknowledgement of a PING waits. grpc-go and grpc-java measure bandwidth by a PING behind an answer (a BDP estimate),
   * and send the next one when they have the acknowledgement of the last: to send each at once would cost as much as an answer.
   * Who owns the transport lets it go by {@link ServerConnection.release} when some time is over. Where much is sent, so that the
   * estimate counts, it goes by itself; and a PING of an idle connection is not held at all.
   */
  get holding(): boolean {
    return this.#held !== undefined;
  }

  /** Acknowledges the PING that waits. */
  release(): void {
    if (this.#held === undefined) return;
    this.#writer.frame(FrameType.ping, Flag.ack, 0, this.#held);
    this.#held = undefined;
  }

  /** Octets to send now, in an array of its own or what `allocate` gives; empty where there are none. */
  take(allocate?: (length: number) => Uint8Array): Uint8Array {
    return this.#writer.take(allocate);
  }

  /** While paused, data waits here instead of in the transport, so that each stream knows what it holds back. */
  pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) return;
    this.#unread = 0;
    this.#flush();
  }

  /** Takes octets from the client. */
  receive(bytes: Uint8Array): void {
    if (this.#failed) return;
    try {
      this.#rest = this.#frames(this.#rest.length === 0 ? bytes : concatBytes([this.#rest, bytes])).slice();
    } catch (error) {
      if (error instanceof ConnectionError) this.#fail(error.code);
      else if (error instanceof HeaderListError) this.#fail(ErrorCode.enhanceYourCalm);
      else if (error instanceof DecodeError) this.#fail(ErrorCode.compressionError);
      else throw error;
    }
    if (this.#writer.length > 0) this.#events.onOutput();
  }

  /** The transport is gone. */
  closed(): void {
    this.#failed = true;
    this.#blocked.clear();
    for (const stream of [...this.#streams.values()]) this.#close(stream);
  }

  #fail(code: number): void {
    this.#failed = true;
    this.#writer.numbers(FrameType.goaway, 0, this.#lastStream, code);
  }

  /** A frame that brings no request on. @throws ConnectionError where there are too many. */
  #idle(): void {
    if (this.#paused) this.#unread++;
    if (this.#unread <= MAX_UNREAD_ANSWERS && this.#idleFrames.take(this.#events.now())) return;
    throw new ConnectionError(ErrorCode.enhanceYourCalm, 'too many frames that bring no request on');
  }

  #frames(all: Uint8Array): Uint8Array {
    let bytes = all;
    if (!this.#prefaced) {
      if (bytes.length < PREFACE.length) return bytes;
      if (!PREFACE.every((octet, i) => bytes[i] === octet)) {
        throw new ConnectionError(ErrorCode.protocolError, 'no preface');
      }
      this.#prefaced = true;
      bytes = bytes.subarray(PREFACE.length);
    }
    let at = 0;
    while (bytes.length - at >= HEADER) {
      const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      if (length > MAX_FRAME) throw new ConnectionError(ErrorCode.frameSizeError, 'frame too large');
      const end = at + HEADER + length;
      if (bytes.length < end) break;
      const payload = bytes.subarray(at + HEADER, end);
      this.#frame(bytes[at + 3]!, bytes[at + 4]!, read32(bytes, at + 5) & 0x7fff_ffff, payload);
      at = end;
    }
    return bytes.subarray(at);
  }

  #frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    if (this.#headers !== undefined && (type !== FrameType.continuation || id !== this.#headers.id)) {
      throw new ConnectionError(ErrorCode.protocolError, 'a header block was not continued');
    }
    switch (type) {
      case FrameType.data:
        this.#data(flags, id, payload);
        break;
      case FrameType.headers:
        this.#headersFrame(flags, id, payload);
        break;
      case FrameType.continuation:
        this.#continuation(flags, payload);
        break;
      case FrameType.rstStream:
        this.#rstStream(id, payload);
        break;
      case FrameType.settings:
        this.#settings(flags, id, payload);
        break;
      case FrameType.ping:
        this.#ping(flags, id, payload);
        break;
      case FrameType.windowUpdate:
        this.#windowUpdate(id, payload);
        break;
      case FrameType.pushPromise:
        throw new ConnectionError(ErrorCode.protocolError, 'a client does not push');
      default:
        // PRIORITY, GOAWAY, and types that nobody knows: nothing to do.
        this.#idle();
    }
  }

  #data(flags: number, id: number, payload: Uint8Array): void {
    if (id === 0 || id > this.#lastStream)
      throw new ConnectionError(ErrorCode.protocolError, 'data of no stream');
    this.#taken += payload.length;
    if (this.#taken > CONNECTION_WINDOW)
      throw new ConnectionError(ErrorCode.flowControlError, 'too much data');
    if (this.#taken >= CONNECTION_WINDOW / 2) {
      this.#writer.numbers(FrameType.windowUpdate, 0, this.#taken);
      this.#taken = 0;
    }
    const stream = this.#streams.get(id);
    // What was on its way when the stream was closed.
    if (stream === undefined || stream.ended) return;
    stream.taken += payload.length;
    if (stream.taken > STREAM_WINDOW) throw new ConnectionError(ErrorCode.flowControlError, 'too much data');
    const end = (flags & Flag.endStream) !== 0;
    if (!end && stream.taken >= STREAM_WINDOW / 2) {
      this.#writer.numbers(FrameType.windowUpdate, id, stream.taken);
      stream.taken = 0;
    }
    const body = (flags & Flag.padded) === 0 ? payload : unpadded(payload, 0);
    if (body.length > 0) stream.handler?.onData(body);
    else if (!end) this.#idle();
    if (end) this.#halfClosed(stream);
  }

  #headersFrame(flags: number, id: number, payload: Uint8Array): void {
    if (id % 2 === 0) throw new ConnectionError(ErrorCode.protocolError, 'not a stream of a client');
    const fixed = (flags & Flag.priority) === 0 ? 0 : 5;
    let block = (flags & Flag.padded) === 0 ? payload : unpadded(payload, fixed);
    if (block.length < fixed) throw new ConnectionError(ErrorCode.frameSizeError, 'a header frame too short');
    block = block.subarray(fixed);
    const end = (flags & Flag.endStream) !== 0;
    const whole = (flags & Flag.endHeaders) !== 0;
    // What it came in is not ours to keep.
    this.#headers = { id, end, parts: [whole ? block : block.slice()], size: block.length };
    if (whole) this.#endHeaders();
  }

  #continuation(flags: number, payload: Uint8Array): void {
    const headers = this.#headers;
    if (headers === undefined) throw new ConnectionError(ErrorCode.protocolError, 'nothing to continue');
    headers.parts.push(payload.slice());
    // A frame costs something even where it is empty.
    headers.size += payload.length + HEADER;
    if (headers.size > MAX_HEADERS) throw new ConnectionError(ErrorCode.enhanceYourCalm, 'headers too large');
    if ((flags & Flag.endHeaders) !== 0) this.#endHeaders();
  }

  #endHeaders(): void {
    const { id, end, parts } = this.#headers!;
    this.#headers = undefined;
    const fields = this.#hpack.decode(parts.length === 1 ? parts[0]! : concatBytes(parts));
    const known = this.#streams.get(id);
    if (known !== undefined) {
      // Trailers: nobody needs them.
      if (end && !known.ended) this.#halfClosed(known);
      return;
    }
    // Trailers of a stream that is over, or what a client cannot mean.
    if (id <= this.#lastStream) {
      this.#idle();
      return;
    }
    this.#lastStream = id;
    if (this.#streams.size >= MAX_STREAMS) {
      this.#idle();
      this.#writer.numbers(FrameType.rstStream, id, ErrorCode.refusedStream);
      return;
    }
    const stream = new Stream(id, this.#peerStreamWindow, this);
    this.#streams.set(id, stream);
    stream.handler = this.#events.onRequest(fields, stream);
    if (end) this.#halfClosed(stream);
  }

  /** A stream has something to send. */
  queued(stream: Stream): void {
    this.#send(stream);
    this.#events.onOutput();
  }

  /** Ends a stream from this side. */
  reset(stream: Stream, code: number): void {
    this.#writer.numbers(FrameType.rstStream, stream.id, code);
    this.#close(stream);
    this.#events.onOutput();
  }

  /** Sends what flow control lets through; the rest stays. */
  #send(stream: Stream): void {
    const budget = this.#paused ? 0 : this.#window;
    const sent = stream.out.flush(this.#writer, budget, this.#peerMaxFrame);
    this.#window -= sent;
    if (sent > 0) this.#sent(sent);
    if (stream.out.waiting > 0) this.#blocked.add(stream);
    else this.#blocked.delete(stream);
    if (stream.out.ended) this.#finish(stream);
  }

  #sent(octets: number): void {
    this.#answered = true;
    if (this.#held === undefined) return;
    this.#sentHolding += octets;
    if (this.#sentHolding >= MUCH) this.release();
  }

  #flush(): void {
    if (this.#blocked.size === 0) return;
    // Streams take turns: who could not send all goes behind the others.
    for (const stream of [...this.#blocked]) {
      if (this.#paused || this.#window <= 0) break;
      this.#unblock(stream);
    }
    if (this.#writer.length > 0) this.#events.onOutput();
  }

  /** Sends more of what a stream holds back. */
  #unblock(stream: Stream): void {
    const before = stream.out.waiting;
    this.#blocked.delete(stream);
    this.#send(stream);
    if (stream.out.waiting === 0 && before > 0 && !stream.closed) stream.handler?.onDrain();
  }

  /** This side has sent everything. */
  #finish(stream: Stream): void {
    // The answer is complete although the request is not: the client need not send the rest (§8.1).
    if (!stream.ended) this.#writer.numbers(FrameType.rstStream, stream.id, ErrorCode.noError);
    this.#close(stream);
  }

  #halfClosed(stream: Stream): void {
    // Whoever took the data may have ended the stream because of it.
    if (stream.closed) return;
    stream.ended = true;
    stream.handler?.onEnd();
  }

  #close(stream: Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    this.#streams.delete(stream.id);
    this.#blocked.delete(stream);
    stream.handler?.onClose();
  }

  #rstStream(id: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw new ConnectionError(ErrorCode.frameSizeError, 'RST_STREAM');
    if (id === 0 || id > this.#lastStream)
      throw new ConnectionError(ErrorCode.protocolError, 'reset of no stream');
    this.#idle();
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#close(stream);
  }

  #settings(flags: number, id: number, payload: Uint8Array): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.protocolError, 'SETTINGS of a stream');
    this.#idle();
    if ((flags & Flag.ack) !== 0) return;
    if (payload.length % 6 !== 0) throw new ConnectionError(ErrorCode.frameSizeError, 'SETTINGS');
    const windowBefore = this.#peerStreamWindow;
    for (let at = 0; at < payload.length; at += 6) {
      this.#setting((payload[at]! << 8) | payload[at + 1]!, read32(payload, at + 2));
    }
    // Once for all that a frame says of it: there may be thousands of streams.
    if (this.#peerStreamWindow !== windowBefore) this.#shiftWindows(this.#peerStreamWindow - windowBefore);
    this.#writer.frame(FrameType.settings, Flag.ack, 0, new Uint8Array(0));
    this.#flush();
  }

  #shiftWindows(difference: number): void {
    for (const { out } of this.#streams.values()) {
      out.window += difference;
      if (out.window > MAX_WINDOW) throw new ConnectionError(ErrorCode.flowControlError, 'initial window');
    }
  }

  #setting(setting: number, value: number): void {
    if (setting === Setting.initialWindowSize) {
      if (value > MAX_WINDOW) throw new ConnectionError(ErrorCode.flowControlError, 'initial window');
      this.#peerStreamWindow = value;
    } else if (setting === Setting.maxFrameSize) {
      if (value < MAX_FRAME || value > 0xff_ffff) {
        throw new ConnectionError(ErrorCode.protocolError, 'maximum frame size');
      }
      this.#peerMaxFrame = value;
    }
  }

  #ping(flags: number, id: number, payload: Uint8Array): void {
    if (id !== 0) throw new ConnectionError(ErrorCode.protocolError, 'PING of a stream');
    if (payload.length !== 8) throw new ConnectionError(ErrorCode.frameSizeError, 'PING');
    this.#idle();
    if ((flags & Flag.ack) !== 0) return;
    // Who sends another before the first is acknowledged does not measure.
    const measures = this.#answered && this.#held === undefined;
    this.release();
    if (measures) {
      this.#held = payload.slice();
      this.#sentHolding = 0;
    } else this.#writer.frame(FrameType.ping, Flag.ack, 0, payload);
    this.#answered = false;
  }

  #windowUpdate(id: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw new ConnectionError(ErrorCode.frameSizeError, 'WINDOW_UPDATE');
    const more = read32(payload, 0) & MAX_WINDOW;
    if (id === 0) {
      this.#window += more;
      if (more === 0 || this.#window > MAX_WINDOW) {
        throw new ConnectionError(ErrorCode.flowControlError, 'WINDOW_UPDATE');
      }
      this.#flush();
    } else {
      const stream = this.#streams.get(id);
      if (stream === undefined) return;
      stream.out.window += more;
      if (more === 0 || stream.out.window > MAX_WINDOW) {
        this.#idle();
        this.#writer.numbers(FrameType.rstStream, id, ErrorCode.flowControlError);
        this.#close(stream);
      } else if (this.#blocked.has(stream)) this.#unblock(stream);
    }
  }
}

/** The part of a padded frame that is not padding. `fixed`: octets that have to be there. */
function unpadded(payload: Uint8Array, fixed: number): Uint8Array {
  const padding = payload[0];
  if (padding === undefined || 1 + fixed + padding > payload.length) {
    throw new ConnectionError(ErrorCode.protocolError, 'more padding than frame');
  }
  return payload.subarray(1, payload.length - padding);
}
