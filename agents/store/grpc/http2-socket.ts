import type { Duplex } from 'node:stream';
import { ServerConnection } from '../../../protocol/http2/server-connection.ts';
import type { OnRequest } from '../../../protocol/http2/server-stream.ts';
import type { Millis } from '../../ports.ts';

/** Octets that may wait in the socket before responses wait in their streams instead. */
const MAX_WAITING = 1024 * 1024;
/** How long the acknowledgement of a PING is held at least, and until when at most it then waits for something to go with. */
const HOLD_LEAST: Millis = 300;
const HOLD_MOST: Millis = 500;

/** How long a connection that cannot go on is left to its client, so that it reads why. */
const LINGER: Millis = 1000;

/** Runs an HTTP/2 connection on a socket until either ends. What one turn of the loop answers is written at once. */
export function serveHttp2(socket: Duplex, onRequest: OnRequest): void {
  let scheduled = false;
  /** Since when an acknowledgement is held. */
  let heldSince: Millis | undefined;
  let holdTimer: NodeJS.Timeout | undefined;
  let endTimer: NodeJS.Timeout | undefined;
  const end = (): void => {
    socket.end();
    // One that reads nothing any more would stay for ever.
    endTimer ??= setTimeout(() => socket.destroy(), LINGER);
  };
  const flush = (): void => {
    scheduled = false;
    if (socket.destroyed) return;
    if (heldSince !== undefined && performance.now() - heldSince >= HOLD_LEAST) connection.release();
    if (!connection.holding) heldSince = undefined;
    const bytes = connection.take(Buffer.allocUnsafe);
    if (bytes.length > 0) socket.write(bytes);
    if (connection.failed) end();
    else if (socket.writableLength > MAX_WAITING) connection.pause(true);
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };
  const held = (): void => {
    holdTimer = undefined;
    if (heldSince === undefined) return;
    // Others may have been acknowledged meanwhile: the one that is held now came later.
    const left = heldSince + HOLD_MOST - performance.now();
    if (left >= 1) holdTimer = setTimeout(held, left);
    else flush();
  };
  const connection = new ServerConnection({ onRequest, onOutput: schedule, now: () => performance.now() });
  // With the answer to what the client has sent already.
  schedule();
  socket.on('data', ({ buffer, byteOffset, length }: Buffer) => {
    // A plain array: slice() of a Buffer does not copy.
    connection.receive(new Uint8Array(buffer, byteOffset, length));
    if (!connection.holding || heldSince !== undefined) return;
    heldSince = performance.now();
    holdTimer ??= setTimeout(held, HOLD_MOST);
  });
  socket.on('drain', () => connection.pause(false));
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    clearTimeout(holdTimer);
    clearTimeout(endTimer);
    connection.closed();
  });
}
