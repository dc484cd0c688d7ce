import { PROTOCOL_TCP } from '../../protocol/ipv4/header.ts';
import type { PacketDirection } from '../../protocol/pcapng/enhanced-packet.ts';
import { encodeTcp, TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../protocol/tcp/header.ts';
import type { Endpoint } from '../ports.ts';
import { MessageSplitter, type StreamFraming } from './stream-framing.ts';
import type { UnderlayRecorder } from './underlay-recorder.ts';

/** An MTU of 1500 less the headers of IPv4 and of TCP with timestamps, as most segments on Ethernet are. */
const SEGMENT_SIZE = 1448;
/**
 * All that an IPv4 packet can carry, as captures on `lo` and on interfaces with segmentation offload show it. Where
 * the messages are known each is one segment: a capture of several interfaces repeats every segment, and Wireshark
 * takes repeated pieces of a message for overlapping fragments.
 */
const LARGE_SEGMENT_SIZE = 65495;

const NO_OPTIONS = new Uint8Array(0);
const NO_DATA = new Uint8Array(0);
const WINDOW = 65535;

const COMMENT = 'reconstructed from the TCP byte stream';

/** Error codes that say that the peer's RST came. */
const RESET_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/**
 * The segments of one TCP connection as its two ends might have sent them, from what went through the socket. The
 * bytes are counted from the beginning whether or not anybody captures, so that sequence numbers are right in a
 * capture that starts late.
 */
export class TcpConversation {
  readonly #recorder: UnderlayRecorder;
  readonly #local: Endpoint;
  readonly #remote: Endpoint;
  #sendNext: number;
  #receiveNext: number;
  readonly #segmentSize: number;
  readonly #splitters: Readonly<Record<PacketDirection, MessageSplitter>>;
  #finSent = false;
  #over = false;

  constructor(
    recorder: UnderlayRecorder,
    local: Endpoint,
    remote: Endpoint,
    framing: StreamFraming | undefined,
  ) {
    this.#recorder = recorder;
    this.#local = local;
    this.#remote = remote;
    this.#sendNext = initialSequence(local, remote);
    this.#receiveNext = initialSequence(remote, local);
    this.#segmentSize = framing === undefined ? SEGMENT_SIZE : LARGE_SEGMENT_SIZE;
    this.#splitters = { inbound: new MessageSplitter(framing), outbound: new MessageSplitter(framing) };
  }

  /**
   * The three-way handshake. On the link the node that dialled records all of it, unless that is a foreign one.
   * @param time when the connection was dialled; undefined: now.
   */
  opened(dialled: boolean, time: bigint | undefined): void {
    const first = dialled ? 'outbound' : 'inbound';
    const second = dialled ? 'inbound' : 'outbound';
    const onLink = dialled || this.#recorder.isForeign(this.#remote.address);
    this.#emit(first, TCP_SYN, NO_DATA, onLink, time);
    this.#advance(first, 1);
    this.#emit(second, TCP_SYN | TCP_ACK, NO_DATA, onLink, time);
    this.#advance(second, 1);
    this.#emit(first, TCP_ACK, NO_DATA, onLink, time);
  }

  sent(bytes: Uint8Array): void {
    if (!this.#finSent && !this.#over) this.#data('outbound', bytes);
  }

  received(bytes: Uint8Array): void {
    if (!this.#over) this.#data('inbound', bytes);
  }

  /** What the local end has to say about what it received stands at an acknowledgment of its own. */
  annotated(text: string): void {
    if (!this.#over) this.#emit('outbound', TCP_ACK, NO_DATA, undefined, undefined, text);
  }

  /** The local end sent its FIN. */
  ended(): void {
    if (this.#finSent || this.#over) return;
    this.#finSent = true;
    this.#fin('outbound');
  }

  /** The local end dropped the connection: the kernel sends a FIN for it; what follows is not seen. */
  destroyed(): void {
    this.ended();
    this.#over = true;
  }

  /** The connection is gone: by a RST, by a failure that no segment tells, or by the peer's FIN. */
  closed(error: string | undefined): void {
    if (this.#over) return;
    if (error === undefined) {
      this.#fin('inbound');
      if (this.#finSent) this.#emit('outbound', TCP_ACK, NO_DATA);
      else {
        this.ended();
        this.#emit('inbound', TCP_ACK, NO_DATA);
      }
    } else if (RESET_CODES.has(error)) {
      this.#emit('inbound', TCP_RST | TCP_ACK, NO_DATA);
    }
    this.#over = true;
  }

  #fin(direction: PacketDirection): void {
    this.#splitters[direction].flush((bytes) => this.#segments(direction, bytes));
    this.#emit(direction, TCP_FIN | TCP_ACK, NO_DATA);
    this.#advance(direction, 1);
  }

  #data(direction: PacketDirection, bytes: Uint8Array): void {
    this.#splitters[direction].push(bytes, (message) => this.#segments(direction, message));
  }

  #segments(direction: PacketDirection, bytes: Uint8Array): void {
    if (!this.#recorder.active) {
      this.#advance(direction, bytes.length);
      return;
    }
    const size = this.#segmentSize;
    for (let at = 0; at < bytes.length; at += size) {
      const data = bytes.subarray(at, at + size);
      const push = at + size >= bytes.length ? TCP_PSH : 0;
      this.#emit(direction, TCP_ACK | push, data);
      this.#advance(direction, data.length);
    }
  }

  #advance(direction: PacketDirection, count: number): void {
    if (direction === 'outbound') this.#sendNext = (this.#sendNext + count) >>> 0;
    else this.#receiveNext = (this.#receiveNext + count) >>> 0;
  }

  #emit(
    direction: PacketDirection,
    flags: number,
    data: Uint8Array,
    onLink?: boolean,
    time?: bigint,
    comment?: string,
  ): void {
    if (!this.#recorder.active) return;
    const outbound = direction === 'outbound';
    const [from, to] = outbound ? [this.#local, this.#remote] : [this.#remote, this.#local];
    const [sequence, acknowledged] = outbound
      ? [this.#sendNext, this.#receiveNext]
      : [this.#receiveNext, this.#sendNext];
    const segment = {
      sourcePort: from.port,
      destinationPort: to.port,
      sequence,
      acknowledgment: (flags & TCP_ACK) === 0 ? 0 : acknowledged,
      flags,
      window: WINDOW,
      urgentPointer: 0,
      options: (flags & TCP_SYN) === 0 ? NO_OPTIONS : synOptions(this.#segmentSize),
      data,
    };
    const packet = {
      protocol: PROTOCOL_TCP,
      // From the sequence number, so that both ends of a connection call equal segments by equal packet ids.
      identification: (sequence ^ (sequence >>> 16)) & 0xffff,
      encode: (addresses: Parameters<typeof encodeTcp>[1]) => encodeTcp(segment, addresses),
    };
    const details = {
      comment: comment === undefined ? COMMENT : `${comment}; ${COMMENT}`,
      ...(time === undefined ? {} : { time }),
    };
    this.#recorder.record(direction, this.#local.address, this.#remote.address, packet, details, onLink);
  }
}

/** Maximum segment size, no-operation, window scale 7: with the window used, 8 MiB may be under way. */
function synOptions(segmentSize: number): Uint8Array {
  return Uint8Array.of(2, 4, segmentSize >>> 8, segmentSize & 255, 1, 3, 3, 7);
}

/**
 * Initial sequence number of one direction: FNV-1a over its endpoints. The kernel's own is not visible, and this one
 * is the same at both ends, so that what they record on the link fits together.
 */
function initialSequence(from: Endpoint, to: Endpoint): number {
  let hash = 0x811c9dc5;
  for (const char of `${from.address} ${from.port} ${to.address} ${to.port}`) {
    hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash;
}
