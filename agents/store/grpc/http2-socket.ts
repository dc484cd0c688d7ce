import type { Duplex } from 'node:stream';
import { ServerConnection } from '../../../protocol/http2/server-connection.ts';
import type { OnRequest } from '../../../protocol/http2/server-stream.ts';
import type { Millis } from '../../ports.ts';

/** Octets that may wait in the socket before responses wait in their streams instead. */
const MAX_WAITING = 1024 * 1024;
/** Longest wait of the acknowledgement of a PING for something to go with. */
const HOLD: Millis = 200;

/** Runs an HTTP/2 connection on a socket until either ends. What one turn of the loop answers is written at once. */
export function serveHttp2(socket: Duplex, onRequest: OnRequest): void {
  let scheduled = false;
  let holdTimer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    scheduled = false;
    if (socket.destroyed) return;
    const bytes = connection.take(Buffer.allocUnsafe);
    if (bytes.length > 0) socket.write(bytes);
    if (connection.failed) socket.end();
    else if (socket.writableLength > MAX_WAITING) connection.pause(true);
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };
  const release = (): void => {
    holdTimer = undefined;
    if (connection.holding) flush();
  };
  const connection = new ServerConnection({
    onRequest,
    onOutput: schedule,
  });
  // With the answer to what the client has sent already.
  schedule();
  socket.on('data', ({ buffer, byteOffset, length }: Buffer) => {
    // A plain array: slice() of a Buffer does not copy.
    connection.receive(new Uint8Array(buffer, byteOffset, length));
    if (connection.holding) holdTimer ??= setTimeout(release, HOLD);
  });
  socket.on('drain', () => connection.pause(false));
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    clearTimeout(holdTimer);
    connection.closed();
  });
}
