import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import {
  decodeEchoReply,
  type EchoReply,
  encodeEchoRequest,
  ICMP_ECHO_REPLY,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
} from './echo-message.ts';
import { check, int32, libc } from './libc.ts';
import { PingSocket } from './ping-socket.ts';
import { type Poller, sharedPoller } from './poller.ts';
import { AF_INET, inetSockaddr, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_RAW } from './sockaddr.ts';

export type { EchoReply } from './echo-message.ts';

const IPPROTO_IP = 0;
const IPPROTO_ICMP = 1;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SOL_RAW = 255;
/** Mask of the ICMP types that the socket does not want. */
const ICMP_FILTER = 1;
const IP_TTL = 2;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_WANT = 1;
const IP_PMTUDISC_DO = 2;

/** Answers read per wake-up. */
const BATCH = 64;
const PACKET_MAX = 65536;

/** What `ping` does, from the network namespace that the socket was opened in. */
export interface EchoSocket {
  /** For handing it to another process ({@link sendFds}). */
  readonly fd: number;
  /**
   * Sends an echo request. `dontFragment` makes a packet above the path's MTU an error, as `ping -M do` does.
   * @throws PortError where the kernel refuses: ENETUNREACH, EHOSTUNREACH, EMSGSIZE.
   */
  send(
    destination: string,
    id: number,
    seq: number,
    payload: Uint8Array,
    ttl?: number,
    dontFragment?: boolean,
  ): void;
  /** Registers the one receiver: of replies, and of ICMP errors about echo requests. */
  onReply(receive: (reply: EchoReply) => void): void;
  close(): void;
}

/** Opens an echo socket in the current network namespace. @throws PortError as {@link openEchoSocketFd}. */
export function openEchoSocket(poller: Poller = sharedPoller()): EchoSocket {
  return adoptEchoSocket(openEchoSocketFd(), poller);
}

/**
 * The descriptor of a new raw ICMP socket in the current network namespace, or without CAP_NET_RAW of an ICMP socket as
 * the kernel allows to groups. @throws PortError EPERM, EACCES where neither is allowed.
 */
export function openEchoSocketFd(): number {
  const { socket, setsockopt, close } = libc();
  const what = 'open an ICMP socket';
  const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = socket(AF_INET, SOCK_RAW | flags, IPPROTO_ICMP);
  if (fd < 0) {
    const hint = 'this needs CAP_NET_RAW, or a group in net.ipv4.ping_group_range';
    return check(socket(AF_INET, SOCK_DGRAM | flags, IPPROTO_ICMP), what, hint);
  }
  try {
    const wanted = [ICMP_ECHO_REPLY, ICMP_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_PARAMETER_PROBLEM];
    const unwanted = ~wanted.reduce((mask, type) => mask | (1 << type), 0);
    check(setsockopt(fd, SOL_RAW, ICMP_FILTER, int32(unwanted), 4), what);
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}

/**
 * The echo socket of a descriptor, e.g. one received from a pod; it owns the descriptor from now on.
 * @throws PortError where it is no socket (the descriptor is left open then).
 */
export function adoptEchoSocket(fd: number, poller: Poller = sharedPoller()): EchoSocket {
  const type = int32(0);
  const what = `use file descriptor ${fd} as an ICMP socket`;
  check(libc().getsockopt(fd, SOL_SOCKET, SO_TYPE, type, int32(type.length)), what);
  return new DataView(type.buffer).getInt32(0, true) === SOCK_DGRAM
    ? new PingSocket(fd, poller)
    : new RawEchoSocket(fd, poller);
}

class RawEchoSocket implements EchoSocket {
  readonly fd: number;
  readonly #poller: Poller;
  readonly #buffer = new Uint8Array(PACKET_MAX);
  #receive: ((reply: EchoReply) => void) | undefined;
  #open = true;

  constructor(fd: number, poller: Poller) {
    this.fd = fd;
    this.#poller = poller;
  }

  send(
    destination: string,
    id: number,
    seq: number,
    payload: Uint8Array,
    ttl = 64,
    dontFragment = false,
  ): void {
    const what = `send an echo request to ${destination}`;
    const address = inetSockaddr({ address: destination, port: 0 });
    const message = encodeEchoRequest(id, seq, payload);
    const discovery = dontFragment ? IP_PMTUDISC_DO : IP_PMTUDISC_WANT;
    const { setsockopt, sendto } = libc();
    check(setsockopt(this.fd, IPPROTO_IP, IP_TTL, int32(ttl), 4), what);
    check(setsockopt(this.fd, IPPROTO_IP, IP_MTU_DISCOVER, int32(discovery), 4), what);
    check(sendto(this.fd, message, message.length, 0, address, address.length), what);
  }

  onReply(receive: (reply: EchoReply) => void): void {
    const first = this.#receive === undefined;
    this.#receive = receive;
    if (first && this.#open) this.#poller.add(this.fd, this.#read);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poller.remove(this.fd);
    libc().close(this.fd);
  }

  readonly #read = (): void => {
    const { recv } = libc();
    for (let count = 0; count < BATCH && this.#open; count++) {
      const length = recv(this.fd, this.#buffer, PACKET_MAX, 0);
      // Errors other than EAGAIN are reports about earlier packets: read once, they are gone.
      if (length < 0) return;
      const reply = this.#decode(this.#buffer.subarray(0, length));
      if (reply !== undefined) this.#receive!(reply);
    }
  };

  /** Anybody can send a pod broken ICMP: ignored. */
  #decode(packet: Uint8Array): EchoReply | undefined {
    try {
      return decodeEchoReply(packet);
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  }
}
