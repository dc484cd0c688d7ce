import {
  SessionDissector,
  type SessionKnowledge,
  type SessionVisitor,
} from '../../protocol/bgp/dissect/session.ts';
import { PROTOCOL_TCP } from '../../protocol/ipv4/header.ts';
import { type CapturedPacket, CaptureReader, isCapture } from '../../protocol/pcap/capture-reader.ts';
import { IpOpener } from '../../protocol/pcap/ip-payload.ts';
import { ipOffset, isKnownLinkType } from '../../protocol/pcap/link-type.ts';
import {
  type ConversationVisitor,
  type Direction,
  type TcpConversation,
  TcpFollower,
} from '../../protocol/tcp/follower.ts';
import { HexReader, looksLikeText } from './bgp-decode-hex.ts';
import { type DecodeRecord, messageRecord, type Place } from './bgp-decode-record.ts';

/** Where records go. */
export type Emit = (record: DecodeRecord) => void;

/** Takes octets as they come, and tells what is in them. */
export interface Decoder {
  push(bytes: Uint8Array): void;
  /** The input is over. @throws DecodeError where that is not at the end of something. */
  end(): void;
  /** Lines about what was not looked into, for people. */
  remarks(): string[];
}

/** Decodes messages that follow each other, as one speaker sent them. */
export class MessagesDecoder implements Decoder {
  readonly #session: SessionDissector;
  #number = 0;

  constructor(knowledge: SessionKnowledge, emit: Emit) {
    const visitor: SessionVisitor = {
      message: (message) => emit(messageRecord(++this.#number, {}, message, true)),
      skipped: (octets) => emit({ kind: 'skipped', place: {}, octets }),
    };
    this.#session = new SessionDissector(knowledge, [visitor, visitor]);
    this.#session.begin(0);
  }

  push(bytes: Uint8Array): void {
    this.#session.push(0, bytes);
  }

  end(): void {
    this.#session.end(0);
  }

  remarks(): string[] {
    return [];
  }
}

/** Decodes the BGP sessions of a capture. */
export class CaptureDecoder implements Decoder {
  readonly #reader = new CaptureReader();
  readonly #ip = new IpOpener();
  readonly #tcp: TcpFollower<CapturedPacket>;
  readonly #knowledge: SessionKnowledge;
  readonly #ports: readonly number[];
  readonly #emit: Emit;
  readonly #strangeLinks = new Map<number, number>();
  #packets = 0;
  #followed = 0;
  #number = 0;

  /** @param ports of which connections are taken for BGP. */
  constructor(knowledge: SessionKnowledge, ports: readonly number[], emit: Emit) {
    this.#knowledge = knowledge;
    this.#ports = ports;
    this.#emit = emit;
    this.#tcp = new TcpFollower(
      (port) => ports.includes(port),
      (conversation) => this.#follow(conversation),
    );
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes, (packet) => this.#packet(packet));
  }

  end(): void {
    this.#tcp.end();
    this.#reader.end();
  }

  remarks(): string[] {
    const remarks = [...this.#strangeLinks].map(
      ([linkType, count]) => `${count} packets of link type ${linkType} were not looked into`,
    );
    if (this.#packets > 0 && this.#followed === 0) {
      const ports = this.#ports.join(', ');
      remarks.push(`none of ${this.#packets} packets is of TCP port ${ports}; --port names another`);
    }
    return remarks;
  }

  #packet(packet: CapturedPacket): void {
    this.#packets++;
    const { linkType, data } = packet;
    if (!isKnownLinkType(linkType)) {
      this.#strangeLinks.set(linkType, (this.#strangeLinks.get(linkType) ?? 0) + 1);
      return;
    }
    const at = ipOffset(linkType, data);
    const payload = at === undefined ? undefined : this.#ip.open(data, at, packet.nanos);
    if (payload?.protocol === PROTOCOL_TCP && this.#tcp.push(payload, packet)) this.#followed++;
  }

  #follow(conversation: TcpConversation): ConversationVisitor<CapturedPacket> {
    let where: CapturedPacket;
    const placeOf = (direction: Direction): Place => ({
      frame: where.number,
      ...(where.nanos === undefined ? {} : { nanos: where.nanos }),
      connection: conversation.id,
      source: conversation.ends[direction],
      destination: conversation.ends[direction === 0 ? 1 : 0],
    });
    const visitor = (direction: Direction): SessionVisitor => ({
      message: (message) => this.#emit(messageRecord(++this.#number, placeOf(direction), message, false)),
      skipped: (octets) => this.#emit({ kind: 'skipped', place: placeOf(direction), octets }),
    });
    const session = new SessionDissector(this.#knowledge, [visitor(0), visitor(1)]);
    return {
      begin: (direction) => session.begin(direction),
      data: (direction, bytes, at) => {
        where = at;
        session.push(direction, bytes);
      },
      gap: (direction, octets, at) => {
        where = at;
        this.#emit({ kind: 'gap', place: placeOf(direction), octets });
        session.gap(direction);
      },
      end: (direction, at) => {
        where = at;
        session.end(direction);
      },
    };
  }
}

/** Octets of hex in text, which another decoder takes. */
class HexDecoder implements Decoder {
  readonly #hex: HexReader;
  readonly #messages: MessagesDecoder;

  constructor(name: string, messages: MessagesDecoder) {
    this.#hex = new HexReader(name);
    this.#messages = messages;
  }

  push(text: Uint8Array): void {
    this.#messages.push(this.#hex.push(text));
  }

  end(): void {
    this.#hex.end();
    this.#messages.end();
  }

  remarks(): string[] {
    return this.#messages.remarks();
  }
}

/** The decoder for what begins with these octets. @param name of the input, for errors. */
export function decoderFor(
  head: Uint8Array,
  name: string,
  knowledge: SessionKnowledge,
  ports: readonly number[],
  emit: Emit,
): Decoder {
  if (isCapture(head)) return new CaptureDecoder(knowledge, ports, emit);
  const messages = new MessagesDecoder(knowledge, emit);
  return looksLikeText(head) ? new HexDecoder(name, messages) : messages;
}
