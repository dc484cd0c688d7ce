/** Generated routes as an MRT file. */
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { beginMessage, endMessage, UPDATE } from '../../protocol/bgp/message/header.ts';
import { forEachPrefix } from '../../protocol/bgp/nlri/prefixes.ts';
import { writeRibNextHop } from '../../protocol/mrt/attributes.ts';
import { type MrtSession, messageSubtype, writeMessage } from '../../protocol/mrt/bgp4mp.ts';
import { writeRecord } from '../../protocol/mrt/message.ts';
import { beginRecord, endRecord } from '../../protocol/mrt/record.ts';
import { type MrtPeer, ribSubtype, writeRibEntry, writeRibHead } from '../../protocol/mrt/table-dump-v2.ts';
import { BGP4MP, TABLE_DUMP_V2 } from '../../protocol/mrt/types.ts';
import type { RouteGroup } from './table-generator.ts';
import { type NextHops, writeUpdates } from './table-updates.ts';

/** Octets in one piece, about. */
const PIECE = 1 << 18;
/** How long ago routes came, at most, seconds: between a minute and a month. */
const MONTH = 2_592_000;

/**
 * The table as TABLE_DUMP_V2, in pieces: the table of peers, with this one, and a record for each prefix.
 * @param seconds when it was, since 1970.
 */
export function* ribPieces(
  groups: Iterable<RouteGroup>,
  peer: MrtPeer,
  nextHops: NextHops,
  seconds: number,
): Generator<Uint8Array> {
  const writer = new ByteWriter(PIECE * 2);
  const attributes = new ByteWriter(1024);
  writeRecord(writer, { kind: 'peer-index-table', collector: peer.id, view: '', peers: [peer] }, { seconds });
  let sequence = 0;
  for (const { family, nlri, before, after } of groups) {
    attributes.position = 0;
    attributes.append(before);
    writeRibNextHop(attributes, family, family === 'ipv4-unicast' ? nextHops.ipv4 : nextHops.ipv6);
    attributes.append(after);
    const shared = attributes.view();
    const subtype = ribSubtype(family, false);
    forEachPrefix(nlri, (offset, bits) => {
      const start = beginRecord(writer, TABLE_DUMP_V2, subtype, { seconds });
      const prefix = nlri.subarray(offset - 1, offset + ((bits + 7) >> 3));
      writeRibHead(writer, { sequence, family, nlri: prefix }, 1);
      const originated = seconds - 60 - ((Math.imul(sequence + 1, 0x9e3779b1) >>> 0) % MONTH);
      writeRibEntry(writer, { peer: 0, originated, pathId: 0, attributes: shared }, false);
      endRecord(writer, start);
      sequence += 1;
    });
    if (writer.position < PIECE) continue;
    yield writer.finish();
    writer.position = 0;
  }
  yield writer.finish();
}

/** The table as the UPDATE messages that announce it, BGP4MP_MESSAGE_AS4, with End-of-RIB (RFC 4724 §2). */
export function* updateRecordPieces(
  groups: Iterable<RouteGroup>,
  session: MrtSession,
  nextHops: NextHops,
  seconds: number,
): Generator<Uint8Array> {
  const writer = new ByteWriter(PIECE * 2);
  const messages = new ByteWriter(8192);
  for (const group of groups) {
    messages.position = 0;
    writeUpdates(messages, group, nextHops);
    writeMessages(writer, messages.view(), session, seconds);
    if (writer.position < PIECE) continue;
    yield writer.finish();
    writer.position = 0;
  }
  messages.position = 0;
  writeEndOfRib(messages);
  writeMessages(writer, messages.view(), session, seconds);
  yield writer.finish();
}

/** End-of-RIB for IPv4 unicast: an UPDATE without anything. */
export function writeEndOfRib(writer: ByteWriter): void {
  const start = beginMessage(writer, UPDATE);
  writer.uint32(0);
  endMessage(writer, start);
}

function writeMessages(writer: ByteWriter, messages: Uint8Array, session: MrtSession, seconds: number): void {
  const form = { as4: true, local: false, addPath: false };
  const subtype = messageSubtype(form);
  for (let at = 0; at < messages.length; ) {
    const end = at + ((messages[at + 16]! << 8) | messages[at + 17]!);
    const start = beginRecord(writer, BGP4MP, subtype, { seconds });
    writeMessage(writer, { kind: 'bgp-message', ...session, ...form, message: messages.subarray(at, end) });
    endRecord(writer, start);
    at = end;
  }
}
