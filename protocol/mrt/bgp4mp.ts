/**
 * BGP4MP and BGP4MP_ET, RFC 6396 §4.4 and RFC 8050 §3: messages of a session, and changes of its state.
 *
 *   0: 2|4 peer AS · 2|4 local AS · 2 interface · 2 AFI · 4|16 peer address · 4|16 local address, then
 *   either a whole BGP message, or 2 old state · 2 new state
 */
import type { ByteWriter } from '../bgp/byte-writer.ts';
import { Cursor } from './cursor.ts';
import type { MrtRecord } from './record.ts';
import {
  AFI_IPV4,
  AFI_IPV6,
  MESSAGE,
  MESSAGE_ADDPATH,
  MESSAGE_AS4,
  MESSAGE_AS4_ADDPATH,
  MESSAGE_AS4_LOCAL,
  MESSAGE_AS4_LOCAL_ADDPATH,
  MESSAGE_LOCAL,
  MESSAGE_LOCAL_ADDPATH,
  STATE_CHANGE,
  STATE_CHANGE_AS4,
} from './types.ts';

/** Whose session. */
export interface MrtSession {
  readonly peerAs: number;
  readonly localAs: number;
  /** Index of the interface; 0 where it is not known. */
  readonly interfaceIndex: number;
  /** 4 or 16 octets, as our own. */
  readonly peerAddress: Uint8Array;
  readonly localAddress: Uint8Array;
}

/** What the subtype says of a message. */
export interface MessageForm {
  /** AS numbers of the record and in AS_PATH have 4 octets. */
  readonly as4: boolean;
  /** We sent it; otherwise the peer did. */
  readonly local: boolean;
  /** Its NLRI has path identifiers (RFC 7911). */
  readonly addPath: boolean;
}

export interface BgpMessageRecord extends MrtSession, MessageForm {
  readonly kind: 'bgp-message';
  /** From the marker on, as far as it is there; a view on the record. */
  readonly message: Uint8Array;
}

export interface StateChange extends MrtSession {
  readonly kind: 'state-change';
  readonly as4: boolean;
  /** 1 Idle, 2 Connect, 3 Active, 4 OpenSent, 5 OpenConfirm, 6 Established (RFC 6396 §4.4.1). */
  readonly before: number;
  readonly after: number;
}

const FORMS: ReadonlyMap<number, MessageForm> = new Map([
  [MESSAGE, { as4: false, local: false, addPath: false }],
  [MESSAGE_AS4, { as4: true, local: false, addPath: false }],
  [MESSAGE_LOCAL, { as4: false, local: true, addPath: false }],
  [MESSAGE_AS4_LOCAL, { as4: true, local: true, addPath: false }],
  [MESSAGE_ADDPATH, { as4: false, local: false, addPath: true }],
  [MESSAGE_AS4_ADDPATH, { as4: true, local: false, addPath: true }],
  [MESSAGE_LOCAL_ADDPATH, { as4: false, local: true, addPath: true }],
  [MESSAGE_AS4_LOCAL_ADDPATH, { as4: true, local: true, addPath: true }],
]);

/** What a subtype says of its message; `undefined` where it is none of a message. */
export function messageForm(subtype: number): MessageForm | undefined {
  return FORMS.get(subtype);
}

/** The subtype for a message. */
export function messageSubtype({ as4, local, addPath }: MessageForm): number {
  for (const [subtype, form] of FORMS) {
    if (form.as4 === as4 && form.local === local && form.addPath === addPath) return subtype;
  }
  return MESSAGE;
}

/** The subtype for a change of state. */
export function stateSubtype(as4: boolean): number {
  return as4 ? STATE_CHANGE_AS4 : STATE_CHANGE;
}

/** A message. @throws DecodeError with the offset in the file. */
export function decodeMessage({ body, offset }: MrtRecord, form: MessageForm): BgpMessageRecord {
  const cursor = new Cursor('MRT message', body, offset);
  const session = readSession(cursor, form.as4 ? 4 : 2);
  return { kind: 'bgp-message', ...session, ...form, message: cursor.take(cursor.left, 'message') };
}

/** A change of state. @throws DecodeError with the offset in the file. */
export function decodeStateChange({ subtype, body, offset }: MrtRecord): StateChange {
  const as4 = subtype === STATE_CHANGE_AS4;
  const cursor = new Cursor('MRT state change', body, offset);
  const session = readSession(cursor, as4 ? 4 : 2);
  return {
    kind: 'state-change',
    ...session,
    as4,
    before: cursor.uint16('old state'),
    after: cursor.uint16('new state'),
  };
}

function readSession(cursor: Cursor, size: 2 | 4): MrtSession {
  const peerAs = cursor.asn(size, 'peer AS');
  const localAs = cursor.asn(size, 'local AS');
  const interfaceIndex = cursor.uint16('interface');
  const afiAt = cursor.at;
  const afi = cursor.uint16('AFI');
  if (afi !== AFI_IPV4 && afi !== AFI_IPV6) throw cursor.fault(afiAt, `AFI ${afi} must be 1 or 2`);
  const octets = afi === AFI_IPV6 ? 16 : 4;
  const peerAddress = cursor.take(octets, 'peer address');
  return { peerAs, localAs, interfaceIndex, peerAddress, localAddress: cursor.take(octets, 'local address') };
}

/** Appends what stands before the message or the states. */
function writeSession(writer: ByteWriter, session: MrtSession, as4: boolean): void {
  for (const asn of [session.peerAs, session.localAs]) {
    if (as4) writer.uint32(asn);
    // RFC 6793 §9: AS_TRANS stands for what does not fit.
    else writer.uint16(asn > 0xffff ? 23456 : asn);
  }
  writer.uint16(session.interfaceIndex);
  writer.uint16(session.peerAddress.length === 16 ? AFI_IPV6 : AFI_IPV4);
  writer.append(session.peerAddress);
  writer.append(session.localAddress);
}

/** Appends the body. */
export function writeMessage(writer: ByteWriter, record: BgpMessageRecord): void {
  writeSession(writer, record, record.as4);
  writer.append(record.message);
}

/** Appends the body. */
export function writeStateChange(writer: ByteWriter, record: StateChange): void {
  writeSession(writer, record, record.as4);
  writer.uint16(record.before);
  writer.uint16(record.after);
}
