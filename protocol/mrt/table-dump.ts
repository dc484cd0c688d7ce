/**
 * TABLE_DUMP, RFC 6396 §4.2, as dumps were before 2008: one route per record, AS numbers of 2 octets.
 *
 *   0: 2 view · 2: 2 sequence number · 4: 4|16 prefix · 1 length · 1 status (1) · 4 originated · 4|16 peer address ·
 *   2 peer AS · 2 length · attributes
 */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import { Cursor } from './cursor.ts';
import type { MrtRecord } from './record.ts';
import { TABLE_DUMP_IPV6 } from './types.ts';

export interface TableDump {
  readonly kind: 'table-dump';
  readonly view: number;
  readonly sequence: number;
  /** Address of the prefix; 4 or 16 octets, as that of the peer. */
  readonly prefix: Uint8Array;
  /** Bits of the prefix. */
  readonly length: number;
  /** When it came, seconds since 1970. */
  readonly originated: number;
  readonly peer: Uint8Array;
  readonly asn: number;
  /** Path attributes with AS numbers of 2 octets; a view on the record. */
  readonly attributes: Uint8Array;
}

/** @throws DecodeError with the offset in the file. */
export function decodeTableDump({ subtype, body, offset }: MrtRecord): TableDump {
  const size = subtype === TABLE_DUMP_IPV6 ? 16 : 4;
  const cursor = new Cursor('MRT table dump', body, offset);
  const view = cursor.uint16('view');
  const sequence = cursor.uint16('sequence number');
  const prefix = cursor.take(size, 'prefix');
  const lengthAt = cursor.at;
  const length = cursor.uint8('prefix length');
  if (length > size * 8) throw cursor.fault(lengthAt, `prefix length ${length} must be at most ${size * 8}`);
  cursor.uint8('status');
  const originated = cursor.uint32('originated time');
  const peer = cursor.take(size, 'peer address');
  const asn = cursor.uint16('peer AS');
  const attributes = cursor.take(cursor.uint16('length of the attributes'), 'attributes');
  return { kind: 'table-dump', view, sequence, prefix, length, originated, peer, asn, attributes };
}

/** Appends the body. */
export function writeTableDump(writer: ByteWriter, dump: TableDump): void {
  writer.uint16(dump.view);
  writer.uint16(dump.sequence);
  writer.append(dump.prefix);
  writer.uint8(dump.length);
  writer.uint8(1);
  writer.uint32(dump.originated);
  writer.append(dump.peer);
  writer.uint16(dump.asn);
  writer.uint16(dump.attributes.length);
  writer.append(dump.attributes);
}
