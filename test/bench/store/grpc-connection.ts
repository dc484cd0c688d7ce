// A gRPC client that costs little more than its bytes: HTTP/2 (RFC 9113) on a socket, with headers that touch no table (RFC 7541
// §6.2.2) and windows that never fill. What it measures is the server.
import { connect, type Socket } from 'node:net';

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;

const FRAME_HEADER = 9;
const MESSAGE_PREFIX = 5;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** SETTINGS_INITIAL_WINDOW_SIZE, and the largest window. */
const INITIAL_WINDOW_SIZE = 4;
const MAX_WINDOW = 0x7fff_ffff;
const DEFAULT_WINDOW = 65_535;

interface Stream {
  onMessage(message: Uint8Array): void;
  onEnd(reason: string): void;
  /** What came of a message that is not whole. */
  rest: Buffer;
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, FRAME_HEADER);
  return bytes;
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A string of HPACK without Huffman code; shorter than 127 octets. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value, 'latin1')]);
}

/** Requests of one connection. They may be as many at a time as the server's first windows have room for. */
export class GrpcConnection {
  readonly #socket: Socket;
  readonly #authority: string;
  readonly #streams: Map<number, Stream> = new Map();
  readonly #headers: Map<string, Buffer> = new Map();
  #rest: Buffer = Buffer.alloc(0);
  #nextStream = 1;

  private constructor(socket: Socket, authority: string) {
    this.#socket = socket;
    this.#authority = authority;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('close', () => this.#end('the connection was closed'));
    socket.on('error', () => {});
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(INITIAL_WINDOW_SIZE);
    settings.writeUInt32BE(MAX_WINDOW, 2);
    const window = frame(WINDOW_UPDATE, 0, 0, integer(MAX_WINDOW - DEFAULT_WINDOW));
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, settings), window]));
  }

  /** Connects. Rejects where nobody listens. */
  static open(address: string, port: number): Promise<GrpcConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, noDelay: true });
      socket.once('connect', () => resolve(new GrpcConnection(socket, `${address}:${port}`)));
      socket.once('error', reject);
    });
  }

  /** The answer to one request. Rejects where there is none: the call failed. */
  call(path: string, message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let answer: Uint8Array | undefined;
      const stream = this.#open(
        (response) => {
          answer = response;
        },
        (reason) => {
          if (answer === undefined) reject(new Error(`${path}: ${reason}`));
          else resolve(answer);
        },
      );
      this.#send(path, stream, message, END_STREAM);
    });
  }

  /** Opens a stream with its first message; returns what sends more. */
  stream(
    path: string,
    first: Uint8Array,
    onMessage: (message: Uint8Array) => void,
    onEnd: (reason: string) => void,
  ): (message: Uint8Array) => void {
    const stream = this.#open(onMessage, onEnd);
    this.#send(path, stream, first, 0);
    return (message) => {
      this.#socket.write(frame(DATA, 0, stream, prefixed(message)));
    };
  }

  close(): void {
    this.#socket.destroy();
  }

  #open(onMessage: Stream['onMessage'], onEnd: Stream['onEnd']): number {
    const id = this.#nextStream;
    this.#nextStream += 2;
    this.#streams.set(id, { onMessage, onEnd, rest: Buffer.alloc(0) });
    return id;
  }

  #send(path: string, stream: number, message: Uint8Array, flags: number): void {
    const headers = frame(HEADERS, END_HEADERS, stream, this.#block(path));
    this.#socket.write(Buffer.concat([headers, frame(DATA, flags, stream, prefixed(message))]));
  }

  /** The header block of a call. */
  #block(path: string): Buffer {
    const known = this.#headers.get(path);
    if (known !== undefined) return known;
    const block = Buffer.concat([
      // :method POST, :scheme http; then the names :path, :authority and content-type of the static table.
      Buffer.from([0x83, 0x86]),
      ...[Buffer.from([0x04]), text(path)],
      ...[Buffer.from([0x01]), text(this.#authority)],
      ...[Buffer.from([0x0f, 0x10]), text('application/grpc')],
      ...[Buffer.from([0x00]), text('te'), text('trailers')],
    ]);
    this.#headers.set(path, block);
    return block;
  }

  #receive(bytes: Buffer): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (all.length - at >= FRAME_HEADER) {
      const end = at + FRAME_HEADER + all.readUIntBE(at, 3);
      if (all.length < end) break;
      this.#frame(all[at + 3]!, all[at + 4]!, all.readUInt32BE(at + 5), all.subarray(at + FRAME_HEADER, end));
      at = end;
    }
    this.#rest = all.subarray(at);
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    if ((type === SETTINGS || type === PING) && (flags & ACK) === 0) {
      this.#socket.write(frame(type, ACK, 0, type === PING ? payload : Buffer.alloc(0)));
    } else if (type === GOAWAY) {
      this.#end('the server said goodbye');
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (type === DATA) this.#data(stream, payload);
    const ended = (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0;
    if (!ended && type !== RST_STREAM) return;
    this.#streams.delete(id);
    stream.onEnd(type === RST_STREAM ? 'reset by the server' : 'ended without an answer');
  }

  #data(stream: Stream, payload: Buffer): void {
    const all = stream.rest.length === 0 ? payload : Buffer.concat([stream.rest, payload]);
    let at = 0;
    while (all.length - at >= MESSAGE_PREFIX) {
      const end = at + MESSAGE_PREFIX + all.readUInt32BE(at + 1);
      if (all.length < end) break;
      stream.onMessage(all.subarray(at + MESSAGE_PREFIX, end));
      at = end;
    }
    stream.rest = all.subarray(at);
  }

  #end(reason: string): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.onEnd(reason);
  }
}

/** A message of a gRPC stream: not compressed, length, bytes. */
function prefixed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0]), integer(message.length), message]);
}
