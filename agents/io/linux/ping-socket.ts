import { formatIpv4 } from '../../../protocol/ip/ipv4.ts';
import {
  CODE_FRAGMENTATION_NEEDED,
  type EchoReply,
  encodeEchoRequest,
  ICMP_ECHO_REPLY,
  ICMP_HEADER_SIZE,
  ICMP_UNREACHABLE,
} from './echo-message.ts';
import type { EchoSocket } from './echo-socket.ts';
import { check, int32, libc } from './libc.ts';
import { CMSGHDR_SIZE, type ControlMessage, controlMessages, type Msghdr, msghdr, rewind } from './msghdr.ts';
import type { Poller } from './poller.ts';
import { inetSockaddr } from './sockaddr.ts';

// ICMP sockets of the Linux kernel (net/ipv4/ping.c): SOCK_DGRAM with IPPROTO_ICMP. They need no capability, only a
// group in net.ipv4.ping_group_range. What is sent and received is the ICMP message without IPv4 header; the kernel
// puts the socket's own number into the identifier. The TTL comes as a control message. ICMP errors come
// through the error queue (ip(7), IP_RECVERR): the quoted echo request as data, and as control message
//
//   struct sock_extended_err: | errno (4) | origin | type | code | pad | info: MTU (4) | data (4) |, sockaddr_in of the sender

const IPPROTO_IP = 0;
const IP_TTL = 2;
const IP_MTU_DISCOVER = 10;
const IP_RECVERR = 11;
const IP_RECVTTL = 12;
const IP_PMTUDISC_WANT = 1;
const IP_PMTUDISC_DO = 2;
const MSG_ERRQUEUE = 0x2000;
const SO_EE_ORIGIN_ICMP = 2;
const EXTENDED_ERROR_SIZE = 16;
/** Where a sockaddr_in has its address. */
const SOCKADDR_ADDRESS = 4;
const IPV4_HEADER_SIZE = 20;

const BATCH = 64;
const PACKET_MAX = 65536;
/** Requests whose own identifier is remembered while they are unanswered. */
const REMEMBERED = 1024;

interface Sent {
  readonly id: number;
  readonly seq: number;
}

/** An echo socket for processes without CAP_NET_RAW. Requests of different identifiers are told apart by sequence number. */
export class PingSocket implements EchoSocket {
  readonly fd: number;
  readonly #poller: Poller;
  readonly #message: Msghdr = msghdr(
    new Uint8Array(PACKET_MAX),
    new Uint8Array(4 * (CMSGHDR_SIZE + EXTENDED_ERROR_SIZE + 16)),
    new Uint8Array(16),
  );
  /** What the caller calls a request, by its sequence number on the wire. */
  readonly #sent = new Map<number, Sent>();
  #receive: ((reply: EchoReply) => void) | undefined;
  #open = true;

  /** @throws PortError where the descriptor is no such socket. */
  constructor(fd: number, poller: Poller) {
    this.fd = fd;
    this.#poller = poller;
    for (const option of [IP_RECVERR, IP_RECVTTL])
      check(libc().setsockopt(fd, IPPROTO_IP, option, int32(1), 4), 'use an ICMP socket');
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
    const wire = this.#wireSequence({ id, seq });
    const message = encodeEchoRequest(id, wire, payload);
    const discovery = dontFragment ? IP_PMTUDISC_DO : IP_PMTUDISC_WANT;
    const { setsockopt, sendto } = libc();
    check(setsockopt(this.fd, IPPROTO_IP, IP_TTL, int32(ttl), 4), what);
    check(setsockopt(this.fd, IPPROTO_IP, IP_MTU_DISCOVER, int32(discovery), 4), what);
    // An ICMP error about an earlier request fails the next call: it is read, and does not concern this one.
    if (sendto(this.fd, message, message.length, 0, address, address.length) >= 0) return;
    this.#readErrors();
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

  /** The request's own number, or the next that no unanswered request has. */
  #wireSequence(sent: Sent): number {
    const isOther = (other: Sent | undefined): boolean =>
      other !== undefined && (other.id !== sent.id || other.seq !== sent.seq);
    let wire = sent.seq;
    while (isOther(this.#sent.get(wire))) wire = (wire + 1) & 0xffff;
    if (this.#sent.size >= REMEMBERED) this.#sent.delete(this.#sent.keys().next().value!);
    this.#sent.set(wire, sent);
    return wire;
  }

  readonly #read = (): void => {
    this.#readErrors();
    for (let count = 0; count < BATCH && this.#open; count++) {
      const icmp = this.#next(0);
      if (icmp === undefined) return;
      if (icmp.byteLength >= ICMP_HEADER_SIZE && icmp.getUint8(0) === ICMP_ECHO_REPLY) this.#reply(icmp);
    }
  };

  #readErrors(): void {
    for (let count = 0; count < BATCH && this.#open; count++) {
      const quoted = this.#next(MSG_ERRQUEUE);
      if (quoted === undefined) return;
      if (quoted.byteLength >= ICMP_HEADER_SIZE) this.#error(quoted);
    }
  }

  /** The data of the next message, of which control messages and name are in `#message`. */
  #next(flags: number): DataView | undefined {
    const message = this.#message;
    rewind(message);
    const length = libc().recvmsg(this.fd, message.header, flags);
    return length < 0 ? undefined : new DataView(message.data.buffer, 0, length);
  }

  #reply(icmp: DataView): void {
    const wire = icmp.getUint16(6);
    const sent = this.#sent.get(wire);
    if (sent === undefined) return;
    this.#sent.delete(wire);
    const from = addressAt(new DataView(this.#message.name.buffer), 0);
    const ttl = this.#control(IP_TTL)?.data.getInt32(0, true) ?? 0;
    const answer = { from, destination: from, type: ICMP_ECHO_REPLY, code: 0, ttl, bytes: icmp.byteLength };
    this.#receive?.({ ...answer, ...sent });
  }

  #error(quoted: DataView): void {
    const wire = quoted.getUint16(6);
    const sent = this.#sent.get(wire);
    const data = this.#control(IP_RECVERR)?.data;
    if (sent === undefined || data === undefined || data.byteLength < EXTENDED_ERROR_SIZE + 16) return;
    // Errors of the pod's own kernel are the sending call's.
    if (data.getUint8(4) !== SO_EE_ORIGIN_ICMP) return;
    this.#sent.delete(wire);
    const [type, code] = [data.getUint8(5), data.getUint8(6)];
    const tooBig = type === ICMP_UNREACHABLE && code === CODE_FRAGMENTATION_NEEDED;
    const answer = {
      from: addressAt(data, EXTENDED_ERROR_SIZE),
      destination: addressAt(new DataView(this.#message.name.buffer), 0),
      type,
      code,
      ttl: this.#control(IP_TTL)?.data.getInt32(0, true) ?? 0,
      bytes: ICMP_HEADER_SIZE + IPV4_HEADER_SIZE + quoted.byteLength,
    };
    this.#receive?.({ ...answer, ...sent, ...(tooBig ? { mtu: data.getUint32(8, true) } : {}) });
  }

  #control(type: number): ControlMessage | undefined {
    return controlMessages(this.#message).find(
      (control) => control.level === IPPROTO_IP && control.type === type,
    );
  }
}

/** The address of a sockaddr_in. */
function addressAt(view: DataView, offset: number): string {
  return formatIpv4(view.getUint32(offset + SOCKADDR_ADDRESS));
}
