/** The RIB of a speaker as TABLE_DUMP_V2 (RFC 6396 §4.3). */
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import { attributeEnd } from '../../protocol/bgp/rib/attribute-set.ts';
import type { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { RibRow, RouteRows } from '../../protocol/bgp/rib/rib-rows.ts';
import { LOCAL } from '../../protocol/bgp/rib/route.ts';
import { writeRibNextHop } from '../../protocol/mrt/attributes.ts';
import { writeRecord } from '../../protocol/mrt/message.ts';
import { beginRecord, endRecord } from '../../protocol/mrt/record.ts';
import { type MrtPeer, ribSubtype, writeRibEntry, writeRibHead } from '../../protocol/mrt/table-dump-v2.ts';
import { TABLE_DUMP_V2 } from '../../protocol/mrt/types.ts';

/** Octets in one piece, about: some hundred routes, so that a piece takes about a millisecond. */
const PIECE = 1 << 16;
/** Most entries of a record. */
const MAX_ENTRIES = 0xffff;
const AS_PATH = 2;

/**
 * The dump in pieces: the table of peers, the first of them standing for own routes, then a record per route with all
 * its paths, after import. The caller lets others have their turn between two pieces; what changes meanwhile is there
 * as it is when its turn comes, and paths of peers that came meanwhile are left out.
 *
 * When a route came is not known: it is the time of the dump.
 * @param seconds time of the dump, since 1970.
 */
export function* ribDump(rib: Rib, seconds: number): Generator<Uint8Array> {
  const writer = new ByteWriter(PIECE * 2);
  const scratch = new ByteWriter(512);
  const { asn, routerId } = rib.config;
  const own: MrtPeer = { id: routerId, address: new Uint8Array(4), asn };
  const peers = [own];
  const numbers = new Map<number, number>([[LOCAL, 0]]);
  for (const { id, routerId: peerId, address, asn: peerAs } of rib.peers()) {
    numbers.set(id, peers.length);
    peers.push({ id: peerId, address, asn: peerAs ?? 0 });
  }
  writeRecord(writer, { kind: 'peer-index-table', collector: routerId, view: '', peers }, { seconds });
  let sequence = 0;
  for (const route of rib.rows()) {
    const known = route.rows.filter(({ peer }) => numbers.has(peer)).slice(0, MAX_ENTRIES);
    if (known.length > 0) {
      writeRoute(writer, scratch, { ...route, rows: known }, numbers, sequence, seconds);
      sequence += 1;
    }
    if (writer.position < PIECE) continue;
    yield writer.finish();
    writer.position = 0;
  }
  yield writer.finish();
}

function writeRoute(
  writer: ByteWriter,
  scratch: ByteWriter,
  { family, nlri, rows }: RouteRows,
  numbers: ReadonlyMap<number, number>,
  sequence: number,
  seconds: number,
): void {
  const addPath = rows.some(({ pathId }) => pathId !== 0);
  const start = beginRecord(writer, TABLE_DUMP_V2, ribSubtype(family, addPath), { seconds });
  writeRibHead(writer, { sequence, family, nlri }, rows.length);
  for (const row of rows) {
    scratch.position = 0;
    writeAttributes(scratch, family, row);
    const entry = { peer: numbers.get(row.peer)!, originated: seconds, pathId: row.pathId };
    writeRibEntry(writer, { ...entry, attributes: scratch.view() }, addPath);
  }
  endRecord(writer, start);
}

/** The attributes with the next hop at its place, behind ORIGIN and AS_PATH. */
function writeAttributes(writer: ByteWriter, family: Family, { attributes, nextHop }: RibRow): void {
  let split = 0;
  while (split < attributes.length && attributes[split + 1]! <= AS_PATH)
    split = attributeEnd(attributes, split);
  writer.append(attributes.subarray(0, split));
  // An own route may leave the next hop to the sessions.
  const own = new Uint8Array(FAMILIES[family].bytes === 16 ? 16 : 4);
  writeRibNextHop(writer, family, nextHop.length === 0 ? own : nextHop);
  writer.append(attributes.subarray(split));
}
