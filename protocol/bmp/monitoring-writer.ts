/** Route Monitoring in bulk: routes of one table that follow each other with the same attributes share an UPDATE. */
import { ByteWriter } from '../bgp/byte-writer.ts';
import { FAMILIES, type Family, isFlowspec, isVpn } from '../bgp/family.ts';
import {
  beginMessage as beginBgp,
  endMessage as endBgp,
  HEADER_LENGTH,
  MAX_MESSAGE_LENGTH,
  UPDATE,
} from '../bgp/message/header.ts';
import { PATH_ID_LENGTH } from '../bgp/nlri/walk.ts';
import { attributeEnd } from '../bgp/rib/attribute-set.ts';
import { beginMessage, endMessage } from './header.ts';
import { type PeerHeader, writePeerHeader } from './peer-header.ts';
import { ROUTE_MONITORING } from './types.ts';

const AS_PATH = 2;
const NEXT_HOP = 3;
const MP_REACH_NLRI = 14;
const MP_UNREACH_NLRI = 15;
const TRANSITIVE = 0x40;
const OPTIONAL_EXTENDED = 0x90;
/** Octets of an UPDATE beside attributes and NLRI: header, two lengths, and the head of an MP attribute. */
const OVERHEAD: number = HEADER_LENGTH + 4 + 9;
/** What stands for the next hop of an own route, which has none of its own. */
const NO_HOP = new Uint8Array(24);
const WITHDRAWN = -1;

/** The time of routes; both 0 where it is not known. */
export type RouteTime = Pick<PeerHeader, 'seconds' | 'microseconds'>;

/** Where attributes are looked up. */
export interface AttributeSource {
  /** By type, AS numbers of 4 octets, without NEXT_HOP and the MP attributes. */
  attributes(set: number): Uint8Array;
  nextHop(set: number): Uint8Array;
}

/**
 * Writes messages of one table of one peer. A message is open until something else comes that it cannot hold, or
 * {@link close}; numbers of sets must mean the same until then.
 */
export class MonitoringWriter {
  readonly #out: ByteWriter;
  readonly #peer: PeerHeader;
  readonly #source: AttributeSource;
  /** Routes of the open message. */
  readonly #nlri = new ByteWriter(256);
  #family: Family = 'ipv4-unicast';
  #set: number = WITHDRAWN;
  #time: RouteTime;
  /** Octets of NLRI for which there is room. */
  #room = 0;

  /** @param peer what all messages say of it, but for the time. */
  constructor(out: ByteWriter, peer: PeerHeader, source: AttributeSource) {
    this.#out = out;
    this.#peer = peer;
    this.#source = source;
    this.#time = peer;
  }

  /** A route with the attributes of `set`. @param pathId `undefined` where the session has no path identifiers. */
  announce(family: Family, set: number, nlri: Uint8Array, pathId: number | undefined, time: RouteTime): void {
    this.#add(family, set, nlri, pathId, time);
  }

  withdraw(family: Family, nlri: Uint8Array, pathId: number | undefined, time: RouteTime): void {
    this.#add(family, WITHDRAWN, nlri, pathId, time);
  }

  /** The marker that all routes of a family have been sent (RFC 4724 §2). */
  endOfRib(family: Family, time: RouteTime): void {
    this.close();
    this.#family = family;
    this.#set = WITHDRAWN;
    this.#time = time;
    this.#write();
  }

  /** Completes the open message. */
  close(): void {
    if (this.#nlri.position > 0) this.#write();
    this.#nlri.position = 0;
  }

  #add(family: Family, set: number, nlri: Uint8Array, pathId: number | undefined, time: RouteTime): void {
    const size = nlri.length + (pathId === undefined ? 0 : PATH_ID_LENGTH);
    const fits =
      this.#nlri.position > 0 &&
      this.#nlri.position + size <= this.#room &&
      family === this.#family &&
      set === this.#set &&
      time.seconds === this.#time.seconds &&
      time.microseconds === this.#time.microseconds;
    if (!fits) this.#open(family, set, time);
    if (pathId !== undefined) this.#nlri.uint32(pathId);
    this.#nlri.append(nlri);
  }

  #open(family: Family, set: number, time: RouteTime): void {
    this.close();
    this.#family = family;
    this.#set = set;
    this.#time = time;
    this.#room = MAX_MESSAGE_LENGTH - OVERHEAD;
    if (set === WITHDRAWN) return;
    this.#room -=
      this.#source.attributes(set).length + Math.max(NO_HOP.length, this.#source.nextHop(set).length);
  }

  /** The open message with all its routes. */
  #write(): void {
    const out = this.#out;
    const start = beginMessage(out, ROUTE_MONITORING);
    const { seconds, microseconds } = this.#time;
    writePeerHeader(out, { ...this.#peer, seconds, microseconds });
    const bgp = beginBgp(out, UPDATE);
    if (this.#set === WITHDRAWN) this.#writeWithdrawn();
    else this.#writeAnnounced();
    endBgp(out, bgp);
    endMessage(out, start);
  }

  #writeWithdrawn(): void {
    const out = this.#out;
    const nlri = this.#nlri.view();
    if (this.#family === 'ipv4-unicast') {
      out.uint16(nlri.length);
      out.append(nlri);
      out.uint16(0);
      return;
    }
    out.uint16(0);
    const attributesAt = beginLength(out);
    const valueAt = this.#beginMultiprotocol(MP_UNREACH_NLRI);
    out.append(nlri);
    endLength(out, valueAt);
    endLength(out, attributesAt);
  }

  #writeAnnounced(): void {
    const out = this.#out;
    const attributes = this.#source.attributes(this.#set);
    const known = this.#source.nextHop(this.#set);
    const hop = known.length > 0 ? known : noHop(this.#family);
    out.uint16(0);
    const attributesAt = beginLength(out);
    if (this.#family === 'ipv4-unicast' && hop.length === 4) {
      // In its place, behind ORIGIN and AS_PATH.
      const split = endOfPath(attributes);
      out.append(attributes.subarray(0, split));
      out.uint8(TRANSITIVE);
      out.uint8(NEXT_HOP);
      out.uint8(hop.length);
      out.append(hop);
      out.append(attributes.subarray(split));
      endLength(out, attributesAt);
      out.append(this.#nlri.view());
      return;
    }
    // MP_REACH_NLRI stands first (RFC 7606 §5.1).
    const valueAt = this.#beginMultiprotocol(MP_REACH_NLRI);
    out.uint8(hop.length);
    out.append(hop);
    out.uint8(0);
    out.append(this.#nlri.view());
    endLength(out, valueAt);
    out.append(attributes);
    endLength(out, attributesAt);
  }

  #beginMultiprotocol(type: number): number {
    const out = this.#out;
    const { afi, safi } = FAMILIES[this.#family];
    out.uint8(OPTIONAL_EXTENDED);
    out.uint8(type);
    const at = beginLength(out);
    out.uint16(afi);
    out.uint8(safi);
    return at;
  }
}

/** What stands for the next hop of a route that has none, as one of ours: an address of zeros in the family's form. */
function noHop(family: Family): Uint8Array {
  // A flow specification has none, as a rule (RFC 8955 §4).
  if (isFlowspec(family)) return NO_HOP.subarray(0, 0);
  const address = FAMILIES[family].bytes === 16 ? 16 : 4;
  return NO_HOP.subarray(0, isVpn(family) ? 8 + address : address);
}

/** Leaves room for a length of 2 octets; returns where what it counts begins. */
function beginLength(out: ByteWriter): number {
  out.uint16(0);
  return out.position;
}

/** Fills in the length of what began at `at`. */
function endLength(out: ByteWriter, at: number): void {
  out.patchUint16(at - 2, out.position - at);
}

/** Where the attributes up to AS_PATH end. */
function endOfPath(attributes: Uint8Array): number {
  let at = 0;
  while (at < attributes.length && attributes[at + 1]! <= AS_PATH) at = attributeEnd(attributes, at);
  return at;
}
