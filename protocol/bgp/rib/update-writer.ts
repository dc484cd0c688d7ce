/** UPDATE messages in bulk from table entries: each filled with as many prefixes as fit (RFC 4271 §4.3, RFC 4760). */
import { writeAttributes } from '../attribute/encode.ts';
import { ByteWriter } from '../byte-writer.ts';
import { FAMILIES, type Family } from '../family.ts';
import { beginMessage, endMessage, HEADER_LENGTH, UPDATE } from '../message/header.ts';
import type { PrefixTable } from './prefix-table.ts';
import type { RouteAttributes } from './route.ts';

/** How messages have to be written for some peers. */
export interface WriterProfile {
  readonly fourOctetAs: boolean;
  readonly maxMessageLength: number;
}

/** A prefix with its length octet at most. */
const LARGEST_PREFIX = 17;
const EXTENDED_OPTIONAL = 0x90;

/** Attribute octets of a set for these peers: all but MP_REACH_NLRI, and NEXT_HOP only for IPv4. */
export function attributeBytes(family: Family, route: RouteAttributes, profile: WriterProfile): Uint8Array {
  const writer = new ByteWriter(64);
  writeAttributes(writer, route, profile, family === 'ipv4-unicast' ? undefined : 'nextHop');
  return writer.finish();
}

/** Whether a message with these attributes has room for a prefix at all. */
export function fits(family: Family, attributes: Uint8Array, profile: WriterProfile): boolean {
  const overhead = family === 'ipv4-unicast' ? 0 : 9 + 32;
  return HEADER_LENGTH + 4 + attributes.length + overhead + LARGEST_PREFIX <= profile.maxMessageLength;
}

/** Appends messages that announce `prefixes`; returns how many. */
export function writeAnnouncements(
  writer: ByteWriter,
  table: PrefixTable,
  prefixes: readonly number[],
  attributes: Uint8Array,
  nextHop: Uint8Array,
  profile: WriterProfile,
): number {
  let messages = 0;
  for (let from = 0; from < prefixes.length; messages++) {
    const start = beginMessage(writer, UPDATE);
    writer.uint16(0);
    if (table.family === 'ipv4-unicast') {
      writer.uint16(attributes.length);
      writer.append(attributes);
      from = fill(writer, table, prefixes, from, start + profile.maxMessageLength);
    } else {
      const lengthAt = writer.position;
      writer.uint16(0);
      const reachAt = beginReach(writer, table.family, nextHop);
      from = fill(writer, table, prefixes, from, start + profile.maxMessageLength - attributes.length);
      writer.patchUint16(reachAt + 2, writer.position - reachAt - 4);
      writer.append(attributes);
      writer.patchUint16(lengthAt, writer.position - lengthAt - 2);
    }
    endMessage(writer, start);
  }
  return messages;
}

function beginReach(writer: ByteWriter, family: Family, nextHop: Uint8Array): number {
  const start = writer.position;
  writer.uint8(EXTENDED_OPTIONAL);
  writer.uint8(14);
  writer.uint16(0);
  writer.uint16(FAMILIES[family].afi);
  writer.uint8(FAMILIES[family].safi);
  writer.uint8(nextHop.length);
  writer.append(nextHop);
  writer.uint8(0);
  return start;
}

/** Appends messages that withdraw `prefixes`; returns how many. */
export function writeWithdrawals(
  writer: ByteWriter,
  table: PrefixTable,
  prefixes: readonly number[],
  profile: WriterProfile,
): number {
  let messages = 0;
  for (let from = 0; from < prefixes.length; messages++) {
    const start = beginMessage(writer, UPDATE);
    if (table.family === 'ipv4-unicast') {
      const lengthAt = writer.position;
      writer.uint16(0);
      from = fill(writer, table, prefixes, from, start + profile.maxMessageLength - 2);
      writer.patchUint16(lengthAt, writer.position - lengthAt - 2);
      writer.uint16(0);
    } else {
      const attributeAt = beginUnreach(writer, table.family);
      from = fill(writer, table, prefixes, from, start + profile.maxMessageLength);
      endUnreach(writer, attributeAt);
    }
    endMessage(writer, start);
  }
  return messages;
}

function beginUnreach(writer: ByteWriter, family: Family): number {
  writer.uint16(0);
  writer.uint16(0);
  const start = writer.position;
  writer.uint8(EXTENDED_OPTIONAL);
  writer.uint8(15);
  writer.uint16(0);
  writer.uint16(FAMILIES[family].afi);
  writer.uint8(FAMILIES[family].safi);
  return start;
}

function endUnreach(writer: ByteWriter, start: number): void {
  writer.patchUint16(start + 2, writer.position - start - 4);
  writer.patchUint16(start - 2, writer.position - start);
}

/** Appends prefixes from index `from` while they end before `limit`; returns the index of the first left over. */
function fill(
  writer: ByteWriter,
  table: PrefixTable,
  prefixes: readonly number[],
  from: number,
  limit: number,
): number {
  let index = from;
  for (; index < prefixes.length; index++) {
    const prefix = prefixes[index]!;
    if (writer.position + table.size(prefix) > limit) break;
    writer.reserve(LARGEST_PREFIX);
    writer.position = table.write(prefix, writer.bytes, writer.position);
  }
  if (index === from) throw new RangeError('no room for a prefix beside the attributes');
  return index;
}

/** Appends the End-of-RIB marker of a family: RFC 4724 §2. */
export function writeEndOfRib(writer: ByteWriter, family: Family): void {
  const start = beginMessage(writer, UPDATE);
  if (family === 'ipv4-unicast') {
    writer.uint16(0);
    writer.uint16(0);
  } else {
    writer.uint16(0);
    writer.uint16(6);
    writer.uint8(0x80);
    writer.uint8(15);
    writer.uint8(3);
    writer.uint16(FAMILIES[family].afi);
    writer.uint8(FAMILIES[family].safi);
  }
  endMessage(writer, start);
}
