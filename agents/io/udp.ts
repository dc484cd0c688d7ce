import { createSocket, type Socket } from 'node:dgram';
import { isIP, isIPv6 } from 'node:net';
import type { Endpoint, UdpPort, UdpSocket } from '../ports.ts';
import { formatEndpoint, portErrorFrom } from './errors.ts';
import { bindUdpWithoutChecksum } from './linux/udp-socket.ts';
import { plainBytes } from './plain-bytes.ts';

/** Room for bursts of packets that arrive while the loop is busy, in bytes; the system may grant less. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** A bound socket of this implementation: also counts the datagrams that could not be sent. */
export interface NodeUdpSocket extends UdpSocket {
  /** Datagrams lost on the way out since the socket was bound. */
  readonly sendErrors: number;
}

/** UDP of the operating system, through node:dgram. Addresses are literals, never names. */
export function nodeUdp(): UdpPort {
  return { bind };
}

async function bind(
  local: Endpoint,
  options: { readonly noChecksum?: boolean },
  onMessage: (bytes: Uint8Array, remote: Endpoint) => void,
): Promise<NodeUdpSocket> {
  const what = `bind UDP ${formatEndpoint(local)}`;
  if (isIP(local.address) === 0) throw portErrorFrom(what, new Error('not an IP address'));
  const v6 = isIPv6(local.address);
  const socket = createSocket({
    type: v6 ? 'udp6' : 'udp4',
    ipv6Only: v6,
    // Addresses are literals: answering at once keeps a datagram from waiting a turn for a resolver.
    lookup: (host, _options, callback) => callback(null, host, isIPv6(host) ? 6 : 4),
  });
  try {
    const target =
      options.noChecksum === true && process.platform === 'linux'
        ? { fd: bindUdpWithoutChecksum(local), exclusive: true }
        : { address: local.address, port: local.port, exclusive: true };
    await bound(socket, target);
  } catch (error) {
    socket.close();
    throw portErrorFrom(what, error);
  }
  socket.setRecvBufferSize(RECEIVE_BUFFER);
  return new DgramSocket(socket, onMessage);
}

function bound(socket: Socket, target: object): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(target, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
}

class DgramSocket implements NodeUdpSocket {
  readonly local: Endpoint;
  sendErrors = 0;
  readonly #socket: Socket;
  #closed: Promise<void> | undefined;

  constructor(socket: Socket, onMessage: (bytes: Uint8Array, remote: Endpoint) => void) {
    const { address, port } = socket.address();
    this.local = { address, port };
    this.#socket = socket;
    socket.on('message', (bytes, remote) => onMessage(plainBytes(bytes), remote));
    // Reports on datagrams sent earlier: lost, as the network may lose any.
    socket.on('error', this.#countError);
  }

  send(bytes: Uint8Array, remote: Endpoint): void {
    if (this.#closed !== undefined) return;
    // Copied: the system may take the bytes after this returns, and callers reuse their packet buffers.
    this.#socket.send(Buffer.from(bytes), remote.port, remote.address, this.#countError);
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#socket.close(() => resolve()));
    return this.#closed;
  }

  readonly #countError = (error: Error | null): void => {
    if (error !== null) this.sendErrors++;
  };
}
