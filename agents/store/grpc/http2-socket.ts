import type { Duplex } from 'node:stream';
import { ServerConnection } from '../../../protocol/http2/server-connection.ts';
import type { OnRequest } from '../../../protocol/http2/server-stream.ts';

/** Octets that may wait in the socket before responses wait in their streams instead. */
const MAX_WAITING = 1024 * 1024;

/** Runs an HTTP/2 connection on a socket until either ends. What one turn of the loop answers is written at once. */
export function serveHttp2(socket: Duplex, onRequest: OnRequest): void {
  let scheduled = false;
  const flush = (): void => {
    scheduled = false;
    if (socket.destroyed) return;
    const bytes = connection.take();
    if (bytes.length > 0) socket.write(bytes);
    if (connection.failed) socket.end();
    else if (socket.writableLength > MAX_WAITING) connection.pause(true);
  };
  const connection = new ServerConnection({
    onRequest,
    onOutput: () => {
      if (scheduled) return;
      scheduled = true;
      setImmediate(flush);
    },
  });
  flush();
  socket.on('data', ({ buffer, byteOffset, length }: Buffer) => {
    // A plain array: slice() of a Buffer does not copy.
    connection.receive(new Uint8Array(buffer, byteOffset, length));
  });
  socket.on('drain', () => connection.pause(false));
  socket.on('end', () => socket.end());
  socket.on('close', () => connection.closed());
}
