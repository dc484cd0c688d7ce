// A BGP peer that says whatever it is told to, on any kind of connection: it answers OPEN and keeps nothing else.
import { readUint16 } from '../../protocol/bgp/byte-writer.ts';
import { HEADER_LENGTH, KEEPALIVE, OPEN, ROUTE_REFRESH } from '../../protocol/bgp/message/header.ts';
import { decodeOpen, encodeOpen } from '../../protocol/bgp/message/open.ts';
import { encodeRouteRefresh } from '../../protocol/bgp/message/route-refresh.ts';
import { KEEPALIVE as KEEPALIVE_MESSAGE } from '../unit/bgp/golden.ts';
import { joined } from './mutate.ts';

const END_OF_REFRESH = 2;

/** Asks for all IPv4 routes again; a speaker that is still there answers with the end of them. */
const QUESTION: Uint8Array = encodeRouteRefresh({ afi: 1, safi: 1, subtype: 0 });

export class RawPeer {
  readonly #asn: number;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #changed: () => void;
  #rest: Uint8Array = new Uint8Array(0);
  /** KEEPALIVE was received after OPEN. */
  established = false;
  closed = false;
  /** Answers to {@link ask}. */
  answers = 0;
  /** Messages received, by type. */
  readonly received: number[] = [0, 0, 0, 0, 0, 0];

  /** @param changed called after anything arrived. */
  constructor(asn: number, write: (bytes: Uint8Array) => void, changed: () => void = () => undefined) {
    this.#asn = asn;
    this.#write = write;
    this.#changed = changed;
  }

  data(bytes: Uint8Array): void {
    this.#rest = joined(this.#rest, bytes);
    while (this.#rest.length >= HEADER_LENGTH) {
      const length = readUint16(this.#rest, 16);
      if (this.#rest.length < length) break;
      this.#message(this.#rest.slice(0, length));
      this.#rest = this.#rest.slice(length);
    }
    this.#changed();
  }

  close(): void {
    this.closed = true;
    this.#changed();
  }

  /** After these octets; {@link answers} counts. */
  ask(): void {
    this.#write(QUESTION);
  }

  #message(bytes: Uint8Array): void {
    this.received[bytes[18]!]! += 1;
    if (bytes[18] === OPEN) this.#write(joined(this.#answer(bytes), KEEPALIVE_MESSAGE));
    else if (bytes[18] === KEEPALIVE) this.established = true;
    else if (bytes[18] === ROUTE_REFRESH && bytes[HEADER_LENGTH + 2] === END_OF_REFRESH) this.answers += 1;
  }

  /** An OPEN with everything that the other side can do. */
  #answer(open: Uint8Array): Uint8Array {
    const { holdTime, capabilities } = decodeOpen(open);
    return encodeOpen({
      version: 4,
      myAs: this.#asn,
      holdTime,
      bgpId: 0x0a000042,
      capabilities: capabilities
        .filter(({ kind }) => kind !== 'graceful-restart' && kind !== 'long-lived-graceful-restart')
        .map((capability) =>
          capability.kind === 'four-octet-as' ? { ...capability, asn: this.#asn } : capability,
        ),
    });
  }
}
