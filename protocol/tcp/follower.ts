import { readUint16, readUint32 } from '../bytes/uint.ts';
import { formatAddress } from '../ip/prefix.ts';
import { TCP_ACK, TCP_FIN, TCP_SYN } from './header.ts';
import { TcpStream } from './stream.ts';

/** Beyond that, the connection that was silent longest is taken for closed. */
const MAX_CONNECTIONS = 4096;

const HEADER_LENGTH = 20;

export interface TcpEndpoint {
  readonly address: string;
  readonly port: number;
}

/** One of the two directions of a connection: 0 from {@link TcpConversation.ends}[0] to [1], 1 back. */
export type Direction = 0 | 1;

export interface TcpConversation {
  /** Counted from 1, in the order in which the capture shows them. */
  readonly id: number;
  /** Who opened it and who was called, as far as the capture shows; otherwise, who was seen first. */
  readonly ends: readonly [TcpEndpoint, TcpEndpoint];
}

/** What is told about one connection. `T` says where in the capture. */
export interface ConversationVisitor<T> {
  /** The capture has the beginning of a direction (its SYN); called before any of its data. */
  begin(direction: Direction, where: T): void;
  /** The next octets of a direction; a view, valid during the call. */
  data(direction: Direction, bytes: Uint8Array, where: T): void;
  /** The next `length` octets of a direction are not in the capture. */
  gap(direction: Direction, length: number, where: T): void;
  /** Nothing more comes in a direction; called once for each. */
  end(direction: Direction, where: T): void;
}

/** A segment and whose it is, as {@link TcpFollower.push} takes it. */
export interface CapturedSegment {
  /** 4 or 16 octets each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** TCP header and payload as far as they were captured. */
  readonly data: Uint8Array;
  /** Octets of header and payload on the wire. */
  readonly length: number;
}

/**
 * Puts the connections of a capture together. Checksums are not looked at, since captures show those that the network
 * card was to compute. Memory is bounded, whatever the packets are.
 */
export class TcpFollower<T> {
  readonly #wanted: (port: number) => boolean;
  readonly #follow: (conversation: TcpConversation) => ConversationVisitor<T>;
  /** In the order of their last segments. */
  readonly #connections = new Map<string, Connection<T>>();
  #count = 0;

  /** @param wanted whether a connection with this port on either end is followed. @param follow told of each. */
  constructor(
    wanted: (port: number) => boolean,
    follow: (conversation: TcpConversation) => ConversationVisitor<T>,
  ) {
    this.#wanted = wanted;
    this.#follow = follow;
  }

  /** Takes the next segment. @returns whether it is of a connection that is followed. */
  push(segment: CapturedSegment, where: T): boolean {
    const { data } = segment;
    if (data.length < HEADER_LENGTH) return false;
    const source = readUint16(data, 0);
    const destination = readUint16(data, 2);
    if (!this.#wanted(source) && !this.#wanted(destination)) return false;
    const header = (data[12]! >> 4) * 4;
    if (header < HEADER_LENGTH || header > segment.length) return false;
    const flags = data[13]!;
    const sequence = readUint32(data, 4);
    const syn = (flags & TCP_SYN) !== 0;
    const payload = data.subarray(header);
    const connection = this.#connection(
      segment,
      { source, destination, sequence, syn, flags },
      payload.length > 0,
      where,
    );
    if (connection === undefined) return true;
    const direction = connection.direction(segment.source, source);
    connection.where = where;
    const stream = connection.streams[direction];
    // A SYN takes a sequence number of its own, before any data.
    const from = syn ? sequence + 1 : sequence;
    if (syn && !stream.started) {
      stream.begin(from);
      connection.begin(direction);
    }
    stream.push(from, payload);
    if ((flags & TCP_FIN) !== 0) stream.fin(from + segment.length - header);
    if ((flags & TCP_ACK) !== 0)
      connection.streams[direction === 0 ? 1 : 0].acknowledged(readUint32(data, 8));
    connection.checkFinished();
    return true;
  }

  /** The capture is over. */
  end(): void {
    for (const connection of this.#connections.values()) connection.end();
    this.#connections.clear();
  }

  /** The connection of a segment; undefined where it shows none: an acknowledgment or FIN of one long over. */
  #connection(
    segment: CapturedSegment,
    header: {
      readonly source: number;
      readonly destination: number;
      readonly sequence: number;
      readonly syn: boolean;
      readonly flags: number;
    },
    hasData: boolean,
    where: T,
  ): Connection<T> | undefined {
    const near = `${segment.source.join('.')} ${header.source}`;
    const far = `${segment.destination.join('.')} ${header.destination}`;
    const key = near < far ? `${near} ${far}` : `${far} ${near}`;
    const known = this.#connections.get(key);
    if (known !== undefined) {
      this.#connections.delete(key);
      const again = header.syn && known.reopenedBy(segment.source, header.source, header.sequence);
      if (!again) {
        this.#connections.set(key, known);
        return known;
      }
      known.where = where;
      known.end();
    }
    if (!header.syn && !hasData) return undefined;
    const connection = this.#open(segment, header, where);
    this.#connections.set(key, connection);
    return connection;
  }

  #open(
    segment: CapturedSegment,
    header: {
      readonly source: number;
      readonly destination: number;
      readonly syn: boolean;
      readonly flags: number;
    },
    where: T,
  ): Connection<T> {
    if (this.#connections.size >= MAX_CONNECTIONS) {
      const [key, oldest] = this.#connections.entries().next().value!;
      this.#connections.delete(key);
      oldest.end();
    }
    const ends: [TcpEndpoint, TcpEndpoint] = [
      { address: formatAddress(segment.source), port: header.source },
      { address: formatAddress(segment.destination), port: header.destination },
    ];
    // A SYN that acknowledges one answers whoever dialled; without SYN, whoever is on the well-known port was called.
    const answered = header.syn
      ? (header.flags & TCP_ACK) !== 0
      : this.#wanted(header.source) && !this.#wanted(header.destination);
    const first = answered ? segment.destination : segment.source;
    const firstPort = answered ? header.destination : header.source;
    if (answered) ends.reverse();
    const conversation = { id: ++this.#count, ends };
    return new Connection(first.slice(), firstPort, this.#follow(conversation), where);
  }
}

class Connection<T> {
  readonly streams: readonly [TcpStream, TcpStream];
  /** The segment that is being looked at. */
  where: T;
  readonly #address: Uint8Array;
  readonly #port: number;
  readonly #visitor: ConversationVisitor<T>;
  readonly #ended = [false, false];

  /** @param address of the end that is number 0, and its port. */
  constructor(address: Uint8Array, port: number, visitor: ConversationVisitor<T>, where: T) {
    this.#address = address;
    this.#port = port;
    this.#visitor = visitor;
    this.where = where;
    this.streams = [this.#stream(0), this.#stream(1)];
  }

  /** Direction of a segment from `port` at `address`. */
  direction(address: Uint8Array, port: number): Direction {
    return port === this.#port && address.every((octet, i) => octet === this.#address[i]) ? 0 : 1;
  }

  /** Whether a SYN opens another connection between the same ends, rather than being this one's sent again. */
  reopenedBy(address: Uint8Array, port: number, sequence: number): boolean {
    const stream = this.streams[this.direction(address, port)];
    return stream.started && !stream.beganWith(sequence + 1);
  }

  begin(direction: Direction): void {
    this.#visitor.begin(direction, this.where);
  }

  checkFinished(): void {
    for (const direction of [0, 1] as const) {
      if (this.streams[direction].finished) this.#end(direction);
    }
  }

  end(): void {
    for (const direction of [0, 1] as const) {
      this.streams[direction].end();
      this.#end(direction);
    }
  }

  #end(direction: Direction): void {
    if (this.#ended[direction]) return;
    this.#ended[direction] = true;
    this.#visitor.end(direction, this.where);
  }

  #stream(direction: Direction): TcpStream {
    return new TcpStream({
      data: (bytes) => this.#visitor.data(direction, bytes, this.where),
      gap: (length) => this.#visitor.gap(direction, length, this.where),
    });
  }
}
