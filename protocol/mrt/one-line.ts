/**
 * Routes of MRT files, one per line, exactly as Debian's bgpdump 1.6 prints them with -m:
 *
 *   TABLE_DUMP2|1700000000|B|192.0.2.1|65001|198.51.100.0/24|65001 65002|IGP|192.0.2.1|0|0|65001:1|NAG||
 *   BGP4MP_ET|1700000000.000001|W|192.0.2.1|65001|198.51.100.0/24
 *   BGP4MP|1700000000|STATE|192.0.2.1|65001|5|6
 *
 * It has lines for unicast and, in messages, multicast. Everything else is counted only.
 */
import { readUint32 } from '../bgp/byte-writer.ts';
import { FAMILIES, type Family } from '../bgp/family.ts';
import { DecodeError } from '../bytes/decode-error.ts';
import { ribNextHop } from './attributes.ts';
import type { BgpMessageRecord } from './bgp4mp.ts';
import { decodeRecord } from './message.ts';
import { addressText } from './one-line-address.ts';
import { nextHopText, type OneLineAttributes, oneLineAttributes } from './one-line-attributes.ts';
import type { MrtRecord } from './record.ts';
import type { TableDump } from './table-dump.ts';
import type { RibRecord } from './table-dump-v2.ts';
import { BGP4MP_ET } from './types.ts';
import { decodeMrtUpdate } from './update.ts';

/** Prints one file. */
export class OneLinePrinter {
  /** Lines so far. */
  lines = 0;
  /** Records that have no line in this format. */
  skipped = 0;
  /** Address and AS of each peer of the last peer index table. */
  #peers: readonly string[] = [];

  /**
   * The lines of a record, each with its line break; empty where it has none.
   * @throws DecodeError with the offset in the file.
   */
  print(record: MrtRecord): string {
    const message = decodeRecord(record);
    switch (message?.kind) {
      case 'peer-index-table':
        this.#peers = message.peers.map(({ address, asn }) => `${addressText(address)}|${asn}|`);
        return '';
      case 'rib':
        return this.#rib(record, message);
      case 'table-dump':
        this.lines += 1;
        return tableDumpLine(record, message);
      case 'bgp-message':
        return this.#message(record, message);
      case 'state-change':
        this.lines += 1;
        return (
          `${formatName(record)}|${timeText(record)}|STATE|${addressText(message.peerAddress)}|${message.peerAs}|` +
          `${message.before}|${message.after}\n`
        );
      case undefined:
        this.skipped += 1;
        return '';
    }
  }

  #rib(record: MrtRecord, { family, nlri, addPath, entries }: RibRecord): string {
    if (family !== 'ipv4-unicast' && family !== 'ipv6-unicast') {
      this.skipped += 1;
      return '';
    }
    const start = `TABLE_DUMP2${addPath ? '_AP' : ''}|${record.seconds}|B|`;
    const prefix = `${prefixText(nlri, 0, FAMILIES[family].bytes)}|`;
    let text = '';
    for (const { peer, pathId, attributes } of entries) {
      const from = this.#peers[peer];
      if (from === undefined) {
        const expected = `peer ${peer} is not in the peer index table of ${this.#peers.length} peers`;
        throw new DecodeError('MRT RIB', record.offset, expected);
      }
      const shown = oneLineAttributes(attributes, 4);
      text += `${start}${from}${prefix}${addPath ? `${pathId}|` : ''}${shown.head}${ribHop(shown)}${shown.tail}`;
    }
    this.lines += entries.length;
    return text;
  }

  #message(record: MrtRecord, message: BgpMessageRecord): string {
    const update = decodeMrtUpdate(message, record.offset + record.body.length - message.message.length);
    if (update === undefined) return '';
    const { as4, local, addPath } = message;
    const start = `${formatName(record)}${local ? '_LOCAL' : ''}${addPath ? '_AP' : ''}|${timeText(record)}`;
    const from = `${addressText(message.peerAddress)}|${message.peerAs}|`;
    let text = '';
    for (const { family, nlri } of update.withdrawn) {
      text += this.#prefixes(family, nlri, addPath, `${start}|W|${from}`, '', '\n');
    }
    if (update.announced.length === 0) return text;
    const shown = oneLineAttributes(update.attributes, as4 ? 4 : 2);
    for (const { family, nlri, nextHop } of update.announced) {
      const hop = nextHop === undefined ? shown.nextHop : nextHopText(nextHop);
      text += this.#prefixes(
        family,
        nlri,
        addPath,
        `${start}|A|${from}`,
        '|',
        `${shown.head}${hop}${shown.tail}`,
      );
    }
    return text;
  }

  /** A line per prefix; up to the first one that is cut off. */
  #prefixes(
    family: Family,
    nlri: Uint8Array,
    addPath: boolean,
    start: string,
    separator: string,
    rest: string,
  ): string {
    const { prefixes, bytes } = FAMILIES[family];
    if (!prefixes) return '';
    let text = '';
    for (let at = 0; at < nlri.length; ) {
      const lengthAt = at + (addPath ? 4 : 0);
      const bits = nlri[lengthAt];
      if (bits === undefined || bits > bytes * 8) break;
      const end = lengthAt + 1 + ((bits + 7) >> 3);
      if (end > nlri.length) break;
      const id = addPath ? `|${readUint32(nlri, at)}` : '';
      text += `${start}${prefixText(nlri, lengthAt, bytes)}${id}${separator}${rest}`;
      this.lines += 1;
      at = end;
    }
    return text;
  }
}

function tableDumpLine(record: MrtRecord, dump: TableDump): string {
  const shown = oneLineAttributes(dump.attributes, 2);
  return (
    `TABLE_DUMP|${record.seconds}|B|${addressText(dump.peer)}|${dump.asn}|${addressText(dump.prefix)}/${dump.length}|` +
    `${shown.head}${ribHop(shown)}${shown.tail}`
  );
}

function ribHop({ mpReach, nextHop }: OneLineAttributes): string {
  return mpReach === undefined ? nextHop : nextHopText(ribNextHop(mpReach));
}

/** A prefix whose length octet stands at `at`. Bits past its length are shown, as they are in the file. */
function prefixText(bytes: Uint8Array, at: number, size: number): string {
  const bits = bytes[at]!;
  if (size === 4) {
    const second = bits > 8 ? bytes[at + 2]! : 0;
    const third = bits > 16 ? bytes[at + 3]! : 0;
    return `${bits > 0 ? bytes[at + 1]! : 0}.${second}.${third}.${bits > 24 ? bytes[at + 4]! : 0}/${bits}`;
  }
  const address = new Uint8Array(16);
  address.set(bytes.subarray(at + 1, at + 1 + ((bits + 7) >> 3)));
  return `${addressText(address)}/${bits}`;
}

function formatName({ type }: MrtRecord): string {
  return type === BGP4MP_ET ? 'BGP4MP_ET' : 'BGP4MP';
}

function timeText({ seconds, microseconds }: MrtRecord): string {
  return microseconds === undefined ? String(seconds) : `${seconds}.${String(microseconds).padStart(6, '0')}`;
}
