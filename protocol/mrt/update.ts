/** The UPDATE in a BGP4MP record, read leniently: what an archive holds was already judged by who received it. */
import { readUint16 } from '../bgp/byte-writer.ts';
import { HEADER_LENGTH, UPDATE } from '../bgp/message/header.ts';
import { forEachAttribute, mpReachRoutes, mpUnreachRoutes, type UpdateRoutes } from './attributes.ts';
import type { BgpMessageRecord } from './bgp4mp.ts';
import { Cursor } from './cursor.ts';

const MP_REACH_NLRI = 14;
const MP_UNREACH_NLRI = 15;
const IPV4 = 'ipv4-unicast';

/** What an UPDATE says, its routes by family: those in its own fields first, then those in attributes. */
export interface MrtUpdate {
  readonly withdrawn: readonly UpdateRoutes[];
  readonly announced: readonly UpdateRoutes[];
  /** A view on the message. */
  readonly attributes: Uint8Array;
}

/**
 * The parts of the message; `undefined` where it is no UPDATE.
 * @param base octets in the file before the message, for errors.
 * @throws DecodeError where header or lengths cannot be.
 */
export function decodeMrtUpdate(
  { message }: Pick<BgpMessageRecord, 'message'>,
  base: number,
): MrtUpdate | undefined {
  const cursor = new Cursor('MRT message', message, base);
  const marker = cursor.take(16, 'marker');
  if (!marker.every((octet) => octet === 0xff)) throw cursor.fault(0, 'marker must be all ones');
  const length = cursor.uint16('length');
  const type = cursor.uint8('type');
  if (type !== UPDATE) return undefined;
  if (length < HEADER_LENGTH + 4 || length > message.length) {
    throw cursor.fault(16, `length ${length} must be ${HEADER_LENGTH + 4} to ${message.length}`);
  }
  return parts(new Cursor('MRT message', message.subarray(HEADER_LENGTH, length), base + HEADER_LENGTH));
}

function parts(cursor: Cursor): MrtUpdate {
  const withdrawn: UpdateRoutes[] = [];
  const announced: UpdateRoutes[] = [];
  const gone = cursor.take(cursor.uint16('length of withdrawn routes'), 'withdrawn routes');
  const attributes = cursor.take(cursor.uint16('length of the attributes'), 'attributes');
  const nlri = cursor.take(cursor.left, 'NLRI');
  if (gone.length > 0) withdrawn.push({ family: IPV4, nlri: gone });
  if (nlri.length > 0) announced.push({ family: IPV4, nlri });
  forEachAttribute(attributes, (type, _start, value, end) => {
    const list = type === MP_REACH_NLRI ? announced : type === MP_UNREACH_NLRI ? withdrawn : undefined;
    if (list === undefined) return;
    const octets = attributes.subarray(value, end);
    const routes = type === MP_REACH_NLRI ? mpReachRoutes(octets) : mpUnreachRoutes(octets);
    if (routes !== undefined) list.push(routes);
  });
  return { withdrawn, announced, attributes };
}

/** The family that decides whether a message has path identifiers; `undefined` where it has no routes. */
export function familyOfUpdate(message: Uint8Array): UpdateRoutes['family'] | undefined {
  if (message.length < HEADER_LENGTH + 4) return undefined;
  const gone = readUint16(message, HEADER_LENGTH);
  const attributesAt = HEADER_LENGTH + 4 + gone;
  if (attributesAt > message.length) return undefined;
  const end = attributesAt + readUint16(message, attributesAt - 2);
  if (gone > 0 || end < message.length) return IPV4;
  let family: UpdateRoutes['family'] | undefined;
  const attributes = message.subarray(attributesAt, end);
  forEachAttribute(attributes, (type, _start, value, stop) => {
    const octets = attributes.subarray(value, stop);
    if (type === MP_REACH_NLRI) family ??= mpReachRoutes(octets)?.family;
    if (type === MP_UNREACH_NLRI) family ??= mpUnreachRoutes(octets)?.family;
  });
  return family;
}
