/** Generated routes as UPDATE messages. */
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import { beginMessage, endMessage, MAX_MESSAGE_LENGTH, UPDATE } from '../../protocol/bgp/message/header.ts';
import type { RouteGroup } from './table-generator.ts';

/** Next hops of all routes. */
export interface NextHops {
  /** 4 octets. */
  readonly ipv4: Uint8Array;
  /** 16 octets. */
  readonly ipv6: Uint8Array;
}

/** Octets of length fields around the attributes. */
const LENGTHS = 4;
/** MP_REACH_NLRI up to its NLRI: header with two octets of length, AFI, SAFI, next hop and its length, reserved. */
const MP_REACH = 4 + 2 + 1 + 1 + 16 + 1;

/**
 * Appends the messages that announce a group, each as long as 4096 octets let it be (RFC 4271 §4.1); returns how many.
 * AS numbers have 4 octets.
 */
export function writeUpdates(writer: ByteWriter, group: RouteGroup, nextHops: NextHops): number {
  const { nlri, family, before, after } = group;
  const ipv4 = family === 'ipv4-unicast';
  const fixed = 19 + LENGTHS + before.length + after.length + (ipv4 ? 7 : MP_REACH);
  const room = MAX_MESSAGE_LENGTH - fixed;
  let messages = 0;
  for (let at = 0; at < nlri.length; ) {
    const end = cut(nlri, at, room);
    const start = beginMessage(writer, UPDATE);
    writer.uint16(0);
    const lengthAt = writer.position;
    writer.uint16(0);
    if (!ipv4) writeMpReach(writer, nlri.subarray(at, end), nextHops.ipv6);
    writer.append(before);
    if (ipv4) {
      writer.uint8(0x40);
      writer.uint8(3);
      writer.uint8(4);
      writer.append(nextHops.ipv4);
    }
    writer.append(after);
    writer.patchUint16(lengthAt, writer.position - lengthAt - 2);
    if (ipv4) writer.append(nlri.subarray(at, end));
    endMessage(writer, start);
    messages += 1;
    at = end;
  }
  return messages;
}

/** The messages of a whole table are written in pieces of about this many octets. */
const PIECE = 1 << 18;

/** All messages in pieces of whole messages, each with how many routes and messages it has. */
export function* updatePieces(
  groups: Iterable<RouteGroup>,
  nextHops: NextHops,
): Generator<{ readonly bytes: Uint8Array; readonly messages: number; readonly routes: number }> {
  const writer = new ByteWriter(PIECE * 2);
  let messages = 0;
  let routes = 0;
  for (const group of groups) {
    messages += writeUpdates(writer, group, nextHops);
    routes += group.count;
    if (writer.position < PIECE) continue;
    yield { bytes: writer.finish(), messages, routes };
    writer.position = 0;
    messages = 0;
    routes = 0;
  }
  if (messages > 0) yield { bytes: writer.finish(), messages, routes };
}

/** Where the last prefix ends that fits into `room` octets from `at` on. */
function cut(nlri: Uint8Array, at: number, room: number): number {
  if (nlri.length - at <= room) return nlri.length;
  let end = at;
  for (;;) {
    const next = end + 1 + ((nlri[end]! + 7) >> 3);
    if (next - at > room) return end;
    end = next;
  }
}

function writeMpReach(writer: ByteWriter, nlri: Uint8Array, nextHop: Uint8Array): void {
  writer.uint8(0x90);
  writer.uint8(14);
  writer.uint16(MP_REACH - 4 + nlri.length);
  writer.uint16(2);
  writer.uint8(1);
  writer.uint8(nextHop.length);
  writer.append(nextHop);
  writer.uint8(0);
  writer.append(nlri);
}
