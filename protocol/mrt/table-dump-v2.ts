/**
 * TABLE_DUMP_V2, RFC 6396 §4.3 and RFC 8050 §4: the peers once, then a record for each destination with what each peer
 * had for it.
 *
 * PEER_INDEX_TABLE, RFC 6396 §4.3.1: 0: 4 collector id · 2 length of the view's name · name · 2 count · peers, each
 *   1 type (bit 0: IPv6 address, bit 1: AS number of 4 octets) · 4 BGP identifier · 4|16 address · 2|4 AS number
 *
 * RIB, §4.3.2 to §4.3.4: 0: 4 sequence number · (RIB_GENERIC: 2 AFI · 1 SAFI) · NLRI · 2 count · entries, each
 *   2 peer index · 4 originated, seconds since 1970 · (with ADD-PATH: 4 path identifier) · 2 length · attributes
 *
 * RFC 8050 §4.2 wants the path identifier of RIB_GENERIC_ADDPATH in the NLRI. GoBGP and OpenBGPD, which are those who
 * write such records, have it in the entries as all other subtypes do, and so have we.
 */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import { type AfiSafi, FAMILIES, type Family, familyOf, familyText } from '../bgp/family.ts';
import { isFault } from '../bgp/nlri/codec.ts';
import { NLRI_CODECS } from '../bgp/nlri/table.ts';
import { Cursor } from './cursor.ts';
import type { MrtRecord } from './record.ts';
import {
  RIB_GENERIC,
  RIB_GENERIC_ADDPATH,
  RIB_IPV4_MULTICAST,
  RIB_IPV4_MULTICAST_ADDPATH,
  RIB_IPV4_UNICAST,
  RIB_IPV4_UNICAST_ADDPATH,
  RIB_IPV6_MULTICAST,
  RIB_IPV6_MULTICAST_ADDPATH,
  RIB_IPV6_UNICAST,
  RIB_IPV6_UNICAST_ADDPATH,
} from './types.ts';

/** A peer of the one who wrote the dump. */
export interface MrtPeer {
  /** BGP identifier as an unsigned integer; 0 where it is not known. */
  readonly id: number;
  /** 4 or 16 octets. */
  readonly address: Uint8Array;
  readonly asn: number;
}

export interface PeerIndexTable {
  readonly kind: 'peer-index-table';
  /** BGP identifier of the one who wrote the dump, as an unsigned integer. */
  readonly collector: number;
  /** Empty where there is only one. */
  readonly view: string;
  /** At most 65535. */
  readonly peers: readonly MrtPeer[];
}

/** What one peer had for a destination. */
export interface RibEntry {
  /** Which peer, from 0, of the peer index table before it in the file. */
  readonly peer: number;
  /** When it came, seconds since 1970. */
  readonly originated: number;
  /** Where the record has path identifiers (RFC 8050 §4.1), otherwise 0. */
  readonly pathId: number;
  /**
   * Path attributes with AS numbers of 4 octets. MP_REACH_NLRI has only its next hop (RFC 6396 §4.3.4); see
   * {@link splitAttributes}. A view on the record.
   */
  readonly attributes: Uint8Array;
}

/** All that is known of one destination. */
export interface RibRecord {
  readonly kind: 'rib';
  readonly sequence: number;
  readonly family: Family;
  /** A view on the record. */
  readonly nlri: Uint8Array;
  /** The entries have path identifiers. */
  readonly addPath: boolean;
  /** At most 65535. */
  readonly entries: readonly RibEntry[];
}

const IPV6_PEER = 0x01;
const FOUR_OCTET_AS = 0x02;
/** Type octet, identifier, shortest address and AS number. */
const SHORTEST_PEER = 11;
const SHORTEST_ENTRY = 8;

/** Families with subtypes of their own: without and with path identifiers. */
const SUBTYPES: readonly (readonly [Family, number, number])[] = [
  ['ipv4-unicast', RIB_IPV4_UNICAST, RIB_IPV4_UNICAST_ADDPATH],
  ['ipv4-multicast', RIB_IPV4_MULTICAST, RIB_IPV4_MULTICAST_ADDPATH],
  ['ipv6-unicast', RIB_IPV6_UNICAST, RIB_IPV6_UNICAST_ADDPATH],
  ['ipv6-multicast', RIB_IPV6_MULTICAST, RIB_IPV6_MULTICAST_ADDPATH],
];

interface SubtypeMeaning {
  /** `undefined`: the record says which. */
  readonly family: Family | undefined;
  readonly addPath: boolean;
}

const BY_SUBTYPE: ReadonlyMap<number, SubtypeMeaning> = new Map<number, SubtypeMeaning>([
  ...SUBTYPES.flatMap(([family, plain, addPath]): [number, SubtypeMeaning][] => [
    [plain, { family, addPath: false }],
    [addPath, { family, addPath: true }],
  ]),
  [RIB_GENERIC, { family: undefined, addPath: false }],
  [RIB_GENERIC_ADDPATH, { family: undefined, addPath: true }],
]);

/** Whether {@link decodeRib} reads records of this subtype. */
export function isRib(subtype: number): boolean {
  return BY_SUBTYPE.has(subtype);
}

/** @throws DecodeError with the offset in the file. */
export function decodePeerIndexTable({ body, offset }: MrtRecord): PeerIndexTable {
  const cursor = new Cursor('MRT peer index table', body, offset);
  const collector = cursor.uint32('collector id');
  const view = new TextDecoder().decode(cursor.take(cursor.uint16('length of the view name'), 'view name'));
  const countAt = cursor.at;
  const count = cursor.uint16('peer count');
  if (count * SHORTEST_PEER > cursor.left) {
    throw cursor.fault(countAt, `${count} peers do not fit into the ${cursor.left} octets that are left`);
  }
  const peers: MrtPeer[] = [];
  for (let i = 0; i < count; i++) {
    const type = cursor.uint8('peer type');
    const id = cursor.uint32('peer BGP identifier');
    const address = cursor.take(type & IPV6_PEER ? 16 : 4, 'peer address').slice();
    peers.push({ id, address, asn: cursor.asn(type & FOUR_OCTET_AS ? 4 : 2, 'peer AS') });
  }
  return { kind: 'peer-index-table', collector, view, peers };
}

/**
 * One destination. `undefined` for a RIB_GENERIC of a family that we do not carry: where its NLRI ends is not known, and
 * RFC 6396 §4.3.3 has it passed over.
 * @throws DecodeError with the offset in the file.
 */
export function decodeRib({ subtype, body, offset }: MrtRecord): RibRecord | undefined {
  const { family: named, addPath } = BY_SUBTYPE.get(subtype)!;
  const cursor = new Cursor('MRT RIB', body, offset);
  const sequence = cursor.uint32('sequence number');
  const family = named ?? familyOf(cursor.uint16('AFI'), cursor.uint8('SAFI'));
  if (family === undefined) return undefined;
  const measured = NLRI_CODECS[family].measure(body, cursor.at, body.length);
  if (isFault(measured)) throw cursor.fault(measured.offset, measured.expected);
  const nlri = cursor.take(measured, 'NLRI');
  const countAt = cursor.at;
  const count = cursor.uint16('entry count');
  if (count * SHORTEST_ENTRY > cursor.left) {
    throw cursor.fault(countAt, `${count} entries do not fit into the ${cursor.left} octets that are left`);
  }
  const entries: RibEntry[] = [];
  for (let i = 0; i < count; i++) {
    const peer = cursor.uint16('peer index');
    const originated = cursor.uint32('originated time');
    const pathId = addPath ? cursor.uint32('path identifier') : 0;
    const attributes = cursor.take(cursor.uint16('length of the attributes'), 'attributes');
    entries.push({ peer, originated, pathId, attributes });
  }
  return { kind: 'rib', sequence, family, nlri, addPath, entries };
}

/** Appends the body; AS numbers have 4 octets each. @throws RangeError on more than 65535 peers. */
export function writePeerIndexTable(writer: ByteWriter, { collector, view, peers }: PeerIndexTable): void {
  if (peers.length > 0xffff) throw new RangeError(`${peers.length} peers: a dump has at most 65535`);
  const name = new TextEncoder().encode(view);
  writer.uint32(collector);
  writer.uint16(name.length);
  writer.append(name);
  writer.uint16(peers.length);
  for (const { id, address, asn } of peers) {
    writer.uint8(FOUR_OCTET_AS | (address.length === 16 ? IPV6_PEER : 0));
    writer.uint32(id);
    writer.append(address);
    writer.uint32(asn);
  }
}

/** The subtype under which routes of a family are written. */
export function ribSubtype(family: Family, addPath: boolean): number {
  const known = SUBTYPES.find(([name]) => name === family);
  if (known !== undefined) return addPath ? known[2] : known[1];
  return addPath ? RIB_GENERIC_ADDPATH : RIB_GENERIC;
}

/** Appends what stands before the entries: of {@link writeRibEntry} so many have to follow. */
export function writeRibHead(
  writer: ByteWriter,
  { sequence, family, nlri }: Pick<RibRecord, 'sequence' | 'family' | 'nlri'>,
  count: number,
): void {
  writer.uint32(sequence);
  if (!FAMILIES[family].prefixes) writeFamily(writer, FAMILIES[family]);
  writer.append(nlri);
  writer.uint16(count);
}

/** Appends one entry. */
export function writeRibEntry(writer: ByteWriter, entry: RibEntry, addPath: boolean): void {
  writer.uint16(entry.peer);
  writer.uint32(entry.originated);
  if (addPath) writer.uint32(entry.pathId);
  writer.uint16(entry.attributes.length);
  writer.append(entry.attributes);
}

function writeFamily(writer: ByteWriter, { afi, safi }: AfiSafi): void {
  writer.uint16(afi);
  writer.uint8(safi);
}

/** Appends the body of a whole record. @throws RangeError on more than 65535 entries. */
export function writeRib(writer: ByteWriter, rib: RibRecord): void {
  if (rib.entries.length > 0xffff) {
    const { afi, safi } = FAMILIES[rib.family];
    const what = `${familyText(afi, safi)} route`;
    throw new RangeError(`${rib.entries.length} entries for one ${what}: a record has at most 65535`);
  }
  writeRibHead(writer, rib, rib.entries.length);
  for (const entry of rib.entries) writeRibEntry(writer, entry, rib.addPath);
}
