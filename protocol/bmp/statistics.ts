/**
 * Statistics Report, RFC 7854 §4.8: the per-peer header, then
 *
 *   0: 4 Count of statistics · 4: statistics, each 2 Type · 2 Length · value
 *
 * A counter has 4 octets, a gauge 8, and a gauge of one family 11: AFI (2), SAFI (1), and 8.
 */
import { type ByteWriter, readUint16, readUint32 } from '../bgp/byte-writer.ts';
import type { AfiSafi } from '../bgp/family.ts';
import type { Cursor } from '../mrt/cursor.ts';
import { expectEnd } from './bgp-pdu.ts';
import { beginMessage, endMessage } from './header.ts';
import { type PeerHeader, readPeerHeader, writePeerHeader } from './peer-header.ts';
import { STATISTICS_REPORT } from './types.ts';

/** Types of RFC 7854 §4.8. */
export const REJECTED_PREFIXES = 0;
const DUPLICATE_PREFIXES = 1;
const DUPLICATE_WITHDRAWS = 2;
export const CLUSTER_LIST_LOOPS = 3;
export const AS_PATH_LOOPS = 4;
export const ORIGINATOR_ID_LOOPS = 5;
const CONFEDERATION_LOOPS = 6;
export const ADJ_RIB_IN_ROUTES = 7;
export const LOC_RIB_ROUTES = 8;
export const ADJ_RIB_IN_FAMILY_ROUTES = 9;
export const LOC_RIB_FAMILY_ROUTES = 10;
export const TREAT_AS_WITHDRAW_UPDATES = 11;
const TREAT_AS_WITHDRAW_PREFIXES = 12;
const DUPLICATE_UPDATES = 13;
/** Types of RFC 8671 §6.2. */
const ADJ_RIB_OUT_PRE_ROUTES = 14;
export const ADJ_RIB_OUT_POST_ROUTES = 15;
const ADJ_RIB_OUT_PRE_FAMILY_ROUTES = 16;
export const ADJ_RIB_OUT_POST_FAMILY_ROUTES = 17;

/** Types in words; those from 18 on are IANA's of later documents. */
const NAMES: Readonly<Record<number, string>> = {
  [REJECTED_PREFIXES]: 'prefixes rejected by inbound policy',
  [DUPLICATE_PREFIXES]: 'duplicate prefix advertisements',
  [DUPLICATE_WITHDRAWS]: 'duplicate withdraws',
  [CLUSTER_LIST_LOOPS]: 'invalidated by a CLUSTER_LIST loop',
  [AS_PATH_LOOPS]: 'invalidated by an AS_PATH loop',
  [ORIGINATOR_ID_LOOPS]: 'invalidated by ORIGINATOR_ID',
  [CONFEDERATION_LOOPS]: 'invalidated by an AS_CONFED loop',
  [ADJ_RIB_IN_ROUTES]: 'routes in Adj-RIB-In',
  [LOC_RIB_ROUTES]: 'routes in Loc-RIB',
  [ADJ_RIB_IN_FAMILY_ROUTES]: 'routes in Adj-RIB-In',
  [LOC_RIB_FAMILY_ROUTES]: 'routes in Loc-RIB',
  [TREAT_AS_WITHDRAW_UPDATES]: 'UPDATEs treated as withdraw',
  [TREAT_AS_WITHDRAW_PREFIXES]: 'prefixes treated as withdraw',
  [DUPLICATE_UPDATES]: 'duplicate UPDATEs received',
  [ADJ_RIB_OUT_PRE_ROUTES]: 'routes in pre-policy Adj-RIB-Out',
  [ADJ_RIB_OUT_POST_ROUTES]: 'routes in post-policy Adj-RIB-Out',
  [ADJ_RIB_OUT_PRE_FAMILY_ROUTES]: 'routes in pre-policy Adj-RIB-Out',
  [ADJ_RIB_OUT_POST_FAMILY_ROUTES]: 'routes in post-policy Adj-RIB-Out',
  18: 'routes in pre-policy Adj-RIB-In',
  19: 'routes in pre-policy Adj-RIB-In',
  20: 'routes in post-policy Adj-RIB-In',
  21: 'routes in post-policy Adj-RIB-In',
  22: 'routes of pre-policy Adj-RIB-In rejected by policy',
  23: 'routes in post-policy Adj-RIB-In accepted by policy',
};

/** A type in words. */
export function statisticName(type: number): string {
  return NAMES[type] ?? `statistic ${type}`;
}

/** One number; what has another length than those of numbers is kept as octets. */
export type Statistic =
  | { readonly kind: 'counter'; readonly type: number; readonly value: number }
  | { readonly kind: 'gauge'; readonly type: number; readonly value: bigint }
  | { readonly kind: 'family-gauge'; readonly type: number; readonly family: AfiSafi; readonly value: bigint }
  | { readonly kind: 'opaque'; readonly type: number; readonly value: Uint8Array };

export interface StatisticsReport {
  readonly kind: 'statistics-report';
  readonly peer: PeerHeader;
  readonly statistics: readonly Statistic[];
}

/** Reads what follows the common header. @throws DecodeError. */
export function readStatistics(cursor: Cursor): StatisticsReport {
  const peer = readPeerHeader(cursor);
  const countAt = cursor.at;
  const count = cursor.uint32('count of statistics');
  // Each takes 4 octets at least: a count that cannot be makes nobody wait.
  if (count > cursor.left / 4) {
    throw cursor.fault(countAt, `${count} statistics do not fit into ${cursor.left} octets`);
  }
  const statistics: Statistic[] = [];
  for (let i = 0; i < count; i++) {
    const type = cursor.uint16('type of a statistic');
    const length = cursor.uint16('length of a statistic');
    statistics.push(statisticOf(type, cursor.take(length, 'statistic')));
  }
  expectEnd(cursor, 'statistics');
  return { kind: 'statistics-report', peer, statistics };
}

function statisticOf(type: number, bytes: Uint8Array): Statistic {
  switch (bytes.length) {
    case 4:
      return { kind: 'counter', type, value: readUint32(bytes, 0) };
    case 8:
      return { kind: 'gauge', type, value: readUint64(bytes, 0) };
    case 11: {
      const family = { afi: readUint16(bytes, 0), safi: bytes[2]! };
      return { kind: 'family-gauge', type, family, value: readUint64(bytes, 3) };
    }
    default:
      return { kind: 'opaque', type, value: bytes };
  }
}

/** Appends a whole message. */
export function writeStatistics(
  writer: ByteWriter,
  { peer, statistics }: Omit<StatisticsReport, 'kind'>,
): void {
  const start = beginMessage(writer, STATISTICS_REPORT);
  writePeerHeader(writer, peer);
  writer.uint32(statistics.length);
  for (const statistic of statistics) {
    writer.uint16(statistic.type);
    switch (statistic.kind) {
      case 'counter':
        writer.uint16(4);
        writer.uint32(statistic.value);
        break;
      case 'gauge':
        writer.uint16(8);
        writeUint64(writer, statistic.value);
        break;
      case 'family-gauge':
        writer.uint16(11);
        writer.uint16(statistic.family.afi);
        writer.uint8(statistic.family.safi);
        writeUint64(writer, statistic.value);
        break;
      case 'opaque':
        writer.uint16(statistic.value.length);
        writer.append(statistic.value);
    }
  }
  endMessage(writer, start);
}

function readUint64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(readUint32(bytes, at)) << 32n) | BigInt(readUint32(bytes, at + 4));
}

function writeUint64(writer: ByteWriter, value: bigint): void {
  writer.uint32(Number(value >> 32n));
  writer.uint32(Number(value & 0xffffffffn));
}
