/** UPDATE messages in bulk from table entries: each filled with as many routes as fit (RFC 4271 §4.3, RFC 4760). */
import { writeAttributes } from '../attribute/encode.ts';
import { ByteWriter } from '../byte-writer.ts';
import { FAMILIES, type Family } from '../family.ts';
import { beginMessage, endMessage, HEADER_LENGTH, ROUTE_REFRESH, UPDATE } from '../message/header.ts';
import {
  attributeEnd,
  attributesStart,
  copyOctets,
  MP_REACH_NLRI,
  MP_UNREACH_NLRI,
  NEXT_HOP,
} from './attribute-set.ts';
import type { AttributeTable } from './attribute-table.ts';
import type { ExportProfile } from './export-profile.ts';
import type { NlriTable } from './nlri-table.ts';
import type { PathTable } from './path-table.ts';

const EXTENDED_OPTIONAL = 0x90;
const WELL_KNOWN_TRANSITIVE = 0x40;
/** A message without attributes and routes: header and the two length fields. */
const EMPTY_UPDATE = HEADER_LENGTH + 4;

/** How messages have to be written for some peers. */
export type WriterProfile = Pick<ExportProfile, 'family' | 'fourOctetAs' | 'maxMessageLength' | 'addPath'>;

/** Writes into one growing buffer; what it wrote so far stays where it is in the result. */
export class UpdateWriter {
  readonly out: ByteWriter;
  readonly #profile: WriterProfile;
  readonly #attributes: AttributeTable;
  readonly #nlri: NlriTable;
  readonly #paths: PathTable;
  /** Attributes of the messages that are being written. */
  readonly #scratch = new ByteWriter(256);

  /** @param capacity octets that will probably be written. */
  constructor(
    profile: WriterProfile,
    attributes: AttributeTable,
    nlri: NlriTable,
    paths: PathTable,
    capacity: number,
  ) {
    this.out = new ByteWriter(capacity);
    this.#profile = profile;
    this.#attributes = attributes;
    this.#nlri = nlri;
    this.#paths = paths;
  }

  /** Number of the NLRI that an entry stands for: with ADD-PATH entries are paths, otherwise they are the NLRI. */
  nlriOf(entry: number): number {
    return this.#profile.addPath > 0 ? this.#paths.prefix(entry) : entry;
  }

  /** Octets left for routes in a message that announces with this attribute set. */
  room(set: number): number {
    const { family, maxMessageLength } = this.#profile;
    this.#prepare(set);
    const hop = this.#attributes.nextHopLength(set);
    const reach = isClassic(family, hop) ? 0 : 9 + hop;
    return maxMessageLength - EMPTY_UPDATE - this.#scratch.position - reach;
  }

  /** Octets of an entry's NLRI. */
  size(entry: number, data: Uint8Array | undefined): number {
    return this.#nlri.size(this.nlriOf(entry), data) + (this.#profile.addPath > 0 ? 4 : 0);
  }

  /** Appends messages that announce the first `count` of `entries` with an attribute set; returns how many. */
  announce(entries: Int32Array, count: number, set: number): number {
    const { family } = this.#profile;
    this.#prepare(set);
    const data = FAMILIES[family].prefixes ? undefined : this.#attributes.data(set);
    const classic = isClassic(family, this.#attributes.nextHopLength(set));
    let messages = 0;
    for (let from = 0; from < count; messages++) {
      from = classic
        ? this.#announceClassic(entries, from, count)
        : this.#announceReach(entries, from, count, set, data);
    }
    return messages;
  }

  /** IPv4 routes in the NLRI field. */
  #announceClassic(entries: Int32Array, from: number, count: number): number {
    const { out } = this;
    const start = beginMessage(out, UPDATE);
    out.uint16(0);
    out.uint16(this.#scratch.position);
    copyOctets(out, this.#scratch.bytes, 0, this.#scratch.position);
    const next = this.#fill(entries, from, count, start + this.#profile.maxMessageLength, undefined);
    endMessage(out, start);
    return next;
  }

  /** MP_REACH_NLRI stands first (RFC 7606 §5.1). */
  #announceReach(
    entries: Int32Array,
    from: number,
    count: number,
    set: number,
    data: Uint8Array | undefined,
  ): number {
    const { out } = this;
    const start = beginMessage(out, UPDATE);
    out.uint16(0);
    const lengthAt = out.position;
    out.uint16(0);
    const reachAt = this.#beginMultiprotocol(MP_REACH_NLRI);
    const { arena } = this.#attributes;
    const hopAt = this.#attributes.offset(set);
    copyOctets(out, arena, hopAt, hopAt + 1 + arena[hopAt]!);
    out.uint8(0);
    const limit = start + this.#profile.maxMessageLength - this.#scratch.position;
    const next = this.#fill(entries, from, count, limit, data);
    out.patchUint16(reachAt + 2, out.position - reachAt - 4);
    copyOctets(out, this.#scratch.bytes, 0, this.#scratch.position);
    out.patchUint16(lengthAt, out.position - lengthAt - 2);
    endMessage(out, start);
    return next;
  }

  /** Appends messages that withdraw the first `count` of `entries`; returns how many. */
  withdraw(entries: Int32Array, count: number): number {
    const { out } = this;
    const limit = this.#profile.maxMessageLength;
    let messages = 0;
    for (let from = 0; from < count; messages++) {
      const start = beginMessage(out, UPDATE);
      const lengthAt = out.position;
      out.uint16(0);
      if (this.#profile.family === 'ipv4-unicast') {
        from = this.#fill(entries, from, count, start + limit - 2, undefined);
        out.patchUint16(lengthAt, out.position - lengthAt - 2);
        out.uint16(0);
      } else {
        out.uint16(0);
        const unreachAt = this.#beginMultiprotocol(MP_UNREACH_NLRI);
        from = this.#fill(entries, from, count, start + limit, undefined);
        out.patchUint16(unreachAt + 2, out.position - unreachAt - 4);
        out.patchUint16(unreachAt - 2, out.position - unreachAt);
      }
      endMessage(out, start);
    }
    return messages;
  }

  #beginMultiprotocol(type: number): number {
    const { out } = this;
    const { afi, safi } = FAMILIES[this.#profile.family];
    const start = out.position;
    out.uint8(EXTENDED_OPTIONAL);
    out.uint8(type);
    out.uint16(0);
    out.uint16(afi);
    out.uint8(safi);
    return start;
  }

  /** Appends routes from index `from` while they end before `limit`; returns the index of the first left over. */
  #fill(
    entries: Int32Array,
    from: number,
    count: number,
    limit: number,
    data: Uint8Array | undefined,
  ): number {
    const { out } = this;
    const addPath = this.#profile.addPath > 0;
    let index = from;
    for (; index < count; index++) {
      const entry = entries[index]!;
      const nlri = addPath ? this.#paths.prefix(entry) : entry;
      const size = this.#nlri.size(nlri, data) + (addPath ? 4 : 0);
      if (out.position + size > limit) break;
      out.reserve(size);
      if (addPath) out.uint32(pathIdOf(entry));
      out.position = this.#nlri.write(nlri, data, out.bytes, out.position);
    }
    if (index === from) throw new RangeError('no room for a route beside the attributes');
    return index;
  }

  /** Appends the End-of-RIB marker of the family: RFC 4724 §2. */
  endOfRib(): void {
    const { out } = this;
    const { family } = this.#profile;
    const start = beginMessage(out, UPDATE);
    out.uint16(0);
    if (family === 'ipv4-unicast') out.uint16(0);
    else {
      out.uint16(6);
      out.uint8(0x80);
      out.uint8(MP_UNREACH_NLRI);
      out.uint8(3);
      out.uint16(FAMILIES[family].afi);
      out.uint8(FAMILIES[family].safi);
    }
    endMessage(out, start);
  }

  /** Appends a ROUTE-REFRESH that begins (1, BoRR) or ends (2, EoRR) a refresh: RFC 7313 §3.2. */
  refreshMarker(subtype: 1 | 2): void {
    const { out } = this;
    const { afi, safi } = FAMILIES[this.#profile.family];
    const start = beginMessage(out, ROUTE_REFRESH);
    out.uint16(afi);
    out.uint8(subtype);
    out.uint8(safi);
    endMessage(out, start);
  }

  /** Puts the attributes of a set into the scratch as these peers read them, with NEXT_HOP where it is to be there. */
  #prepare(set: number): void {
    const scratch = this.#scratch;
    scratch.position = 0;
    const { family, fourOctetAs } = this.#profile;
    // Not a view on the set, since that would be one for nearly every message.
    const bytes = this.#attributes.arena;
    const from = this.#attributes.offset(set);
    const end = from + this.#attributes.size(set);
    const classic = isClassic(family, bytes[from]!);
    if (!fourOctetAs) {
      const route = this.#attributes.get(set);
      writeAttributes(scratch, route, { fourOctetAs }, classic ? undefined : 'nextHop');
      return;
    }
    let at = attributesStart(bytes, from);
    if (classic) {
      const start = at;
      while (at < end && bytes[at + 1]! < NEXT_HOP) at = attributeEnd(bytes, at);
      copyOctets(scratch, bytes, start, at);
      scratch.uint8(WELL_KNOWN_TRANSITIVE);
      scratch.uint8(NEXT_HOP);
      scratch.uint8(4);
      copyOctets(scratch, bytes, from + 1, from + 5);
    }
    copyOctets(scratch, bytes, at, end);
  }
}

/** Whether routes stand in the NLRI field, and their next hop in NEXT_HOP: IPv4 with an IPv4 next hop. */
function isClassic(family: Family, nextHopLength: number): boolean {
  return family === 'ipv4-unicast' && nextHopLength === 4;
}

/** The path identifier with which a path is sent: its number, but never 0. */
export function pathIdOf(path: number): number {
  return path + 1;
}
