/** What MRT records say, of all types that have to do with BGP. */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import {
  type BgpMessageRecord,
  decodeMessage,
  decodeStateChange,
  messageForm,
  messageSubtype,
  type StateChange,
  stateSubtype,
  writeMessage,
  writeStateChange,
} from './bgp4mp.ts';
import { beginRecord, endRecord, type MrtRecord, type MrtTime } from './record.ts';
import { decodeTableDump, type TableDump, writeTableDump } from './table-dump.ts';
import {
  decodePeerIndexTable,
  decodeRib,
  isRib,
  type PeerIndexTable,
  type RibRecord,
  ribSubtype,
  writePeerIndexTable,
  writeRib,
} from './table-dump-v2.ts';
import {
  BGP4MP,
  BGP4MP_ET,
  PEER_INDEX_TABLE,
  STATE_CHANGE,
  STATE_CHANGE_AS4,
  TABLE_DUMP,
  TABLE_DUMP_IPV4,
  TABLE_DUMP_IPV6,
  TABLE_DUMP_V2,
} from './types.ts';

export type MrtMessage = PeerIndexTable | RibRecord | TableDump | BgpMessageRecord | StateChange;

/**
 * What a record says; `undefined` where it is of a type, subtype or family that is not read here.
 * @throws DecodeError with the offset in the file.
 */
export function decodeRecord(record: MrtRecord): MrtMessage | undefined {
  const { type, subtype } = record;
  if (type === TABLE_DUMP_V2) {
    if (subtype === PEER_INDEX_TABLE) return decodePeerIndexTable(record);
    return isRib(subtype) ? decodeRib(record) : undefined;
  }
  if (type === BGP4MP || type === BGP4MP_ET) {
    if (subtype === STATE_CHANGE || subtype === STATE_CHANGE_AS4) return decodeStateChange(record);
    const form = messageForm(subtype);
    return form === undefined ? undefined : decodeMessage(record, form);
  }
  if (type === TABLE_DUMP && (subtype === TABLE_DUMP_IPV4 || subtype === TABLE_DUMP_IPV6)) {
    return decodeTableDump(record);
  }
  return undefined;
}

/**
 * Appends a whole record. Messages and changes of state are BGP4MP_ET where the time has microseconds.
 * @throws RangeError where there is more of something than a record can have.
 */
export function writeRecord(writer: ByteWriter, message: MrtMessage, time: MrtTime): void {
  const start = beginRecord(writer, ...numbersOf(message, time), time);
  switch (message.kind) {
    case 'peer-index-table':
      writePeerIndexTable(writer, message);
      break;
    case 'rib':
      writeRib(writer, message);
      break;
    case 'table-dump':
      writeTableDump(writer, message);
      break;
    case 'bgp-message':
      writeMessage(writer, message);
      break;
    case 'state-change':
      writeStateChange(writer, message);
  }
  endRecord(writer, start);
}

function numbersOf(message: MrtMessage, { microseconds }: MrtTime): readonly [type: number, subtype: number] {
  const bgp4mp = microseconds === undefined ? BGP4MP : BGP4MP_ET;
  switch (message.kind) {
    case 'peer-index-table':
      return [TABLE_DUMP_V2, PEER_INDEX_TABLE];
    case 'rib':
      return [TABLE_DUMP_V2, ribSubtype(message.family, message.addPath)];
    case 'table-dump':
      return [TABLE_DUMP, message.prefix.length === 16 ? TABLE_DUMP_IPV6 : TABLE_DUMP_IPV4];
    case 'bgp-message':
      return [bgp4mp, messageSubtype(message)];
    case 'state-change':
      return [bgp4mp, stateSubtype(message.as4)];
  }
}
