import { chmodSync, unlinkSync } from 'node:fs';
import { concatBytes } from '../../../protocol/bytes/concat.ts';
import { PortError } from '../../ports.ts';
import { errnoName, errorCode, portError, portErrorFrom } from '../errors.ts';
import { check, EAGAIN, EINTR, lastErrno, lastError, libc } from './libc.ts';
import { type Poller, sharedPoller } from './poller.ts';
import { FDS_MAX, incoming, isTruncated, outgoing, receivedFds } from './scm-rights-message.ts';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, unixSockaddr } from './sockaddr.ts';

// File descriptors over a Unix stream socket. Each way one message: length of the JSON text (4 bytes, network byte
// order), JSON text. The descriptors come with the first bytes; the answer is an object, {"error": "..."} for a refusal.
// After that the connection carries nothing: it stays until one end closes it or dies, which the other one sees.

const BACKLOG = 128;
const LENGTH_SIZE = 4;
/** Bytes of JSON in a message; what fits the socket's buffer at once, so that sending never has to wait. */
const PAYLOAD_MAX = 65536;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

/** A server that receives file descriptors. */
export interface FdServer {
  /** Stops listening, drops who is still sending, removes the socket. */
  close(): void;
}

/** Whoever handed descriptors over. */
export interface FdSender {
  /** Settles when it has closed its end, or died. */
  readonly gone: Promise<void>;
}

/**
 * Takes descriptors; the object that it returns is the sender's answer ({} without one). They belong to the receiver
 * when it returns; where it throws, those that are still in `fds` are closed and the sender gets the error's message.
 */
export type FdReceiver = (
  payload: object,
  fds: number[],
  sender: FdSender,
) => object | undefined | Promise<object | undefined>;

/** Descriptors that a receiver has taken, as its sender sees it. */
export interface HandOver {
  readonly answer: object;
  /** Settles when the receiver has closed its end, or died. */
  readonly gone: Promise<void>;
  /** Tells the receiver that this end is gone. */
  close(): void;
}

/**
 * Listens on a Unix socket for file descriptors, each set with a JSON object. A socket left behind by a dead process is
 * replaced. `mode` is the socket's file mode: who may connect.
 * @throws PortError EADDRINUSE, EACCES, ENOENT (no such folder), ENAMETOOLONG.
 */
export function serveFds(
  path: string,
  onFds: FdReceiver,
  options: { readonly mode?: number; readonly poller?: Poller } = {},
): FdServer {
  const { mode = 0o600, poller = sharedPoller() } = options;
  const fd = listenUnix(path, mode);
  const connections = new Set<Exchange>();
  poller.add(fd, () => {
    for (;;) {
      const accepted = libc().accept4(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted < 0) return;
      const exchange = new Exchange(accepted, poller, (result) => {
        if (result instanceof Error) exchange.close();
        else void deliver(result, onFds, exchange);
      });
      connections.add(exchange);
      void exchange.gone.then(() => connections.delete(exchange));
    }
  });
  let open = true;
  return {
    close: () => {
      if (!open) return;
      open = false;
      poller.remove(fd);
      libc().close(fd);
      for (const exchange of connections) exchange.close();
      removeSocket(path);
    },
  };
}

/**
 * Hands file descriptors with a JSON object to whoever serves the path; the caller keeps its own copies. Resolves with
 * the receiver's answer when it has taken them.
 * @throws PortError (as rejection) ENOENT or ECONNREFUSED without a server, ECONNRESET where it went away; with
 * the receiver's message where it refused them, and the code of its PortError or else EREMOTEIO.
 */
export async function sendFds(
  path: string,
  payload: object,
  fds: readonly number[],
  poller: Poller = sharedPoller(),
): Promise<object> {
  const { answer, close } = await offerFds(path, payload, fds, poller);
  close();
  return answer;
}

/** As {@link sendFds}, with the connection kept: both ends see the other one go. */
export async function offerFds(
  path: string,
  payload: object,
  fds: readonly number[],
  poller: Poller = sharedPoller(),
): Promise<HandOver> {
  const what = `hand ${fds.length} file descriptors to ${path}`;
  if (fds.length > FDS_MAX) throw portError(what, 'EINVAL', `at most ${FDS_MAX}`);
  const bytes = encodePayload(payload, what);
  const { socket, connect, close } = libc();
  const address = unixSockaddr(path);
  const fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), what);
  try {
    check(connect(fd, address, address.length), what);
    sendMessage(fd, bytes, fds, what);
  } catch (error) {
    close(fd);
    throw error;
  }
  const { promise, resolve } = Promise.withResolvers<Received | Error>();
  const exchange = new Exchange(fd, poller, resolve);
  const result = await promise;
  const failure = refusal(result, what);
  if (failure !== undefined) {
    exchange.close();
    throw failure;
  }
  const { payload: answer, fds: returned } = result as Received;
  closeAll(returned);
  return { answer, gone: exchange.gone, close: () => exchange.close() };
}

function refusal(result: Received | Error, what: string): PortError | undefined {
  if (result instanceof Error) return new PortError(errorCode(result), `cannot ${what}: ${result.message}`);
  const { error, code = 'EREMOTEIO' } = result.payload as {
    readonly error?: unknown;
    readonly code?: unknown;
  };
  return error === undefined
    ? undefined
    : new PortError(String(code), `cannot ${what}: refused: ${String(error)}`);
}

function listenUnix(path: string, mode: number): number {
  const what = `listen on ${path}`;
  const { socket, bind, listen, close } = libc();
  const address = unixSockaddr(path);
  const fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), what);
  try {
    if (isStale(path)) removeSocket(path);
    check(bind(fd, address, address.length), what);
    chmodSync(path, mode);
    check(listen(fd, BACKLOG), what);
  } catch (error) {
    close(fd);
    throw portErrorFrom(what, error);
  }
  return fd;
}

/** Whether nobody listens any more on a socket that exists. */
function isStale(path: string): boolean {
  const { socket, connect, close } = libc();
  const address = unixSockaddr(path);
  const fd = check(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), `look at ${path}`);
  const refused = connect(fd, address, address.length) < 0 && errnoName(lastErrno()) === 'ECONNREFUSED';
  close(fd);
  return refused;
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw portErrorFrom(`remove ${path}`, error);
  }
}

function encodePayload(payload: object, what: string): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(payload));
  if (text.length > PAYLOAD_MAX) throw portError(what, 'EMSGSIZE', `at most ${PAYLOAD_MAX} bytes of JSON`);
  const length = new Uint8Array(LENGTH_SIZE);
  new DataView(length.buffer).setUint32(0, text.length);
  return concatBytes([length, text]);
}

function sendMessage(fd: number, bytes: Uint8Array, fds: readonly number[], what: string): void {
  const message = outgoing(bytes, fds);
  const sent = check(libc().sendmsg(fd, message.header, MSG_NOSIGNAL), what);
  if (sent !== bytes.length) throw portError(what, 'EAGAIN', 'the socket took only a part');
}

/** Runs the receiver and answers the sender; a refused one is let go. */
async function deliver({ payload, fds }: Received, onFds: FdReceiver, exchange: Exchange): Promise<void> {
  try {
    exchange.answer((await onFds(payload, fds, exchange)) ?? {});
  } catch (error) {
    closeAll(fds.splice(0));
    const message = error instanceof Error ? error.message : String(error);
    exchange.answer(error instanceof PortError ? { error: message, code: error.code } : { error: message });
    exchange.close();
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) libc().close(fd);
}

interface Received {
  readonly payload: object;
  readonly fds: number[];
}

/** Reads one message from a connected socket, without blocking, and tells its owner; then waits for the other end to go. */
class Exchange implements FdSender {
  readonly gone: Promise<void>;
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #done: (result: Received | Error) => void;
  readonly #parts: Uint8Array[] = [];
  readonly #fds: number[] = [];
  readonly #tellGone: () => void;
  #complete = false;
  #open = true;

  constructor(fd: number, poller: Poller, done: (result: Received | Error) => void) {
    this.#fd = fd;
    this.#poller = poller;
    this.#done = done;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    this.#tellGone = resolve;
    poller.add(fd, this.#read);
  }

  answer(payload: object): void {
    if (!this.#open) return;
    try {
      sendMessage(this.#fd, encodePayload(payload, 'answer'), [], 'answer');
    } catch (error) {
      // The sender went away without waiting: nobody is left to be told.
      if (!(error instanceof PortError)) throw error;
    }
  }

  /** Closes the connection, and descriptors that no complete message came with. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poller.remove(this.#fd);
    libc().close(this.#fd);
    closeAll(this.#fds.splice(0));
    this.#tellGone();
  }

  readonly #read = (): void => {
    const message = incoming(LENGTH_SIZE + PAYLOAD_MAX);
    const length = libc().recvmsg(this.#fd, message.header, MSG_CMSG_CLOEXEC);
    if (length < 0) {
      const errno = lastErrno();
      if (errno !== EAGAIN && errno !== EINTR) this.#finish(lastError('receive file descriptors'));
      return;
    }
    this.#fds.push(...receivedFds(message));
    if (length === 0 || isTruncated(message)) {
      this.#finish(portError('receive file descriptors', length === 0 ? 'ECONNRESET' : 'EMSGSIZE'));
      return;
    }
    this.#parts.push(message.data.slice(0, length));
    const result = this.#complete ? portError('receive a second message', 'EPROTO') : this.#parse();
    if (result !== undefined) this.#finish(result);
  };

  /** The first result is the message; whatever comes after it ends the connection. */
  #finish(result: Received | Error): void {
    if (this.#complete) {
      this.close();
      return;
    }
    this.#complete = true;
    this.#done(result);
  }

  /** The message, once it is complete. */
  #parse(): Received | Error | undefined {
    const bytes = concatBytes(this.#parts);
    if (bytes.length < LENGTH_SIZE) return undefined;
    const length = new DataView(bytes.buffer).getUint32(0);
    if (length > PAYLOAD_MAX) return portError('receive file descriptors', 'EMSGSIZE');
    if (bytes.length < LENGTH_SIZE + length) return undefined;
    try {
      const payload: unknown = JSON.parse(
        new TextDecoder().decode(bytes.subarray(LENGTH_SIZE, LENGTH_SIZE + length)),
      );
      if (typeof payload !== 'object' || payload === null)
        return new PortError('EPROTO', 'not a JSON object');
      return { payload, fds: this.#fds.splice(0) };
    } catch (error) {
      return portErrorFrom('read JSON', error);
    }
  }
}
