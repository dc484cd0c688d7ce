/** Feeds one peer's part of a TABLE_DUMP_V2 into a speaker. */
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import type { CodecContext } from '../../protocol/bgp/context.ts';
import { BgpError } from '../../protocol/bgp/error.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import {
  beginMessage,
  endMessage,
  MAX_EXTENDED_MESSAGE_LENGTH,
  UPDATE,
} from '../../protocol/bgp/message/header.ts';
import { decodeUpdate } from '../../protocol/bgp/message/update.ts';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { formatAddress } from '../../protocol/ip/prefix.ts';
import { splitAttributes } from '../../protocol/mrt/attributes.ts';
import { decodeRecord } from '../../protocol/mrt/message.ts';
import type { MrtRecord } from '../../protocol/mrt/record.ts';
import type { MrtPeer, RibEntry, RibRecord } from '../../protocol/mrt/table-dump-v2.ts';
import { plainAddress } from './address.ts';
import type { BgpSpeaker } from './speaker.ts';

/** Octets of NLRI that go into one message. */
const BATCH = 4096;
/** Peers that an error names. */
const NAMED = 8;

/**
 * Takes the records of a dump. The routes of the chosen peer become those of a pseudo peer of the speaker, with the
 * address, AS and identifier that it has in the dump: selection, import rules and export treat them as if a session
 * with that peer had brought them. It is sent nothing.
 */
export class TableLoader {
  /** Routes taken over, and routes that cannot be used as they stand. */
  routes = 0;
  faulty = 0;
  readonly #speaker: BgpSpeaker;
  readonly #wanted: string | undefined;
  /** Its place in the peer index table. */
  #index = -1;
  #ribPeer = -1;
  #context: CodecContext | undefined;
  readonly #writer = new ByteWriter(8192);
  /** Routes with the same attributes that wait for their message. */
  #attributes: Uint8Array = new Uint8Array(0);
  #family: Family = 'ipv4-unicast';
  #addPath = false;
  readonly #nlri = new ByteWriter(BATCH * 2);
  #waiting = 0;

  /** @param peer its address; may be left out where the dump has only one. */
  constructor(speaker: BgpSpeaker, peer: string | undefined) {
    this.#speaker = speaker;
    this.#wanted = peer === undefined ? undefined : plainAddress(peer);
  }

  /**
   * Takes a record.
   * @throws DecodeError where it is damaged, RangeError where the dump has no such peer, or none was chosen.
   */
  add(record: MrtRecord): void {
    const message = decodeRecord(record);
    if (message?.kind === 'peer-index-table') this.#choose(message.peers);
    if (message?.kind !== 'rib') return;
    if (this.#index < 0) {
      throw new DecodeError('MRT RIB', record.offset, 'a peer index table must stand before it');
    }
    for (const entry of message.entries) if (entry.peer === this.#index) this.#take(message, entry);
  }

  /** The dump has ended. @throws RangeError where it had no table. */
  end(): void {
    if (this.#index < 0) throw new RangeError('no TABLE_DUMP_V2 with a peer index table is in the file');
    this.#flush();
    this.#speaker.tableChanged();
  }

  #choose(peers: readonly MrtPeer[]): void {
    const addresses = peers.map(({ address }) => formatAddress(address));
    const index = this.#wanted === undefined ? 0 : addresses.indexOf(this.#wanted);
    const listed = addresses.slice(0, NAMED).join(', ') + (addresses.length > NAMED ? ', ...' : '');
    if (this.#wanted === undefined && peers.length !== 1) {
      throw new RangeError(`the table has ${peers.length} peers, choose one with --as-peer: ${listed}`);
    }
    const peer = peers[index];
    if (peer === undefined) throw new RangeError(`the table has no peer ${this.#wanted}; it has: ${listed}`);
    // A file of several dumps, one after the other, has the table again.
    if (this.#ribPeer < 0) this.#join(peer);
    this.#flush();
    this.#index = index;
  }

  #join({ id, address, asn }: MrtPeer): void {
    const { table, config } = this.#speaker;
    const families = Object.keys(FAMILIES) as Family[];
    const peerType = asn === config.asn ? 'internal' : 'external';
    this.#context = { fourOctetAs: true, extendedMessage: true, peerType, families };
    this.#ribPeer = table.addPeer({
      name: `loaded-${formatAddress(address)}`,
      peerType,
      asn,
      routerId: id,
      address,
      localAddress: new Uint8Array(address.length),
      client: false,
      nextHopSelf: false,
      families,
      fourOctetAs: true,
      maxMessageLength: MAX_EXTENDED_MESSAGE_LENGTH,
      ebgpRequiresPolicy: false,
    });
    // As a peer whose session is down it keeps its routes and is sent nothing.
    table.suspendPeer(this.#ribPeer, families);
  }

  #take({ family, nlri, addPath }: RibRecord, { attributes, pathId }: RibEntry): void {
    const same = family === this.#family && addPath === this.#addPath && equal(attributes, this.#attributes);
    if (!same || this.#nlri.position >= BATCH) {
      this.#flush();
      this.#family = family;
      this.#addPath = addPath;
      this.#attributes = attributes.slice();
    }
    if (addPath) this.#nlri.uint32(pathId);
    this.#nlri.append(nlri);
    this.#waiting += 1;
  }

  /** Hands the routes that wait to the RIB, as the UPDATE that would announce them. */
  #flush(): void {
    if (this.#waiting === 0) return;
    const context = this.#addPath ? { ...this.#context!, addPath: [this.#family] } : this.#context!;
    try {
      const message = decodeUpdate(this.#update(), { ...context, extendedNextHop: EXTENDED });
      if (message.treatAsWithdraw) this.faulty += this.#waiting;
      else {
        this.#speaker.table.update(this.#ribPeer, message);
        this.routes += this.#waiting;
      }
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      this.faulty += this.#waiting;
    }
    this.#nlri.position = 0;
    this.#waiting = 0;
  }

  #update(): Uint8Array {
    const { nextHop = new Uint8Array(0), others } = splitAttributes(this.#attributes);
    const { afi, safi } = FAMILIES[this.#family];
    const plain = this.#family === 'ipv4-unicast' && nextHop.length === 4;
    const writer = this.#writer;
    writer.position = 0;
    const start = beginMessage(writer, UPDATE);
    writer.uint16(0);
    const lengthAt = writer.position;
    writer.uint16(0);
    writer.append(others);
    if (plain) {
      writer.uint16(0x4003);
      writer.uint8(4);
      writer.append(nextHop);
    } else {
      writer.uint16(0x900e);
      writer.uint16(5 + nextHop.length + this.#nlri.position);
      writer.uint16(afi);
      writer.uint8(safi);
      writer.uint8(nextHop.length);
      writer.append(nextHop);
      writer.uint8(0);
      writer.append(this.#nlri.view());
    }
    writer.patchUint16(lengthAt, writer.position - lengthAt - 2);
    if (plain) writer.append(this.#nlri.view());
    endMessage(writer, start);
    return writer.view();
  }
}

/** A dump may have any of them, since nobody negotiated anything with it (RFC 8950). */
const EXTENDED: readonly Family[] = ['ipv4-unicast', 'ipv4-multicast', 'ipv4-labeled', 'ipv4-vpn'];

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
