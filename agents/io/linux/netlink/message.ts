import { concatBytes } from '../../../../protocol/bytes/concat.ts';
import { DecodeError } from '../../../../protocol/bytes/decode-error.ts';

// Netlink messages (RFC 3549 §2.3.2; linux/netlink.h), in host byte order: little-endian on all machines we run on.
//
//    0                   1                   2                   3
//   |                          Length (with header)                 |
//   |            Type              |           Flags              |
//   |                      Sequence Number                        |
//   |                      Process ID (port)                      |
//   | family header (ifinfomsg, ...), then attributes              |
//
// An attribute: length (with its 4-byte header), type, payload, padding to 4.

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** In answers: the request is left out of an error; attributes follow it. */
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
const NLMSGERR_ATTR_MSG = 1;

const HEADER_SIZE = 16;
const ATTRIBUTE_HEADER_SIZE = 4;
/** Upper bits of an attribute's type are flags (nested, network byte order). */
const NLA_TYPE_MASK = 0x3fff;
const NLA_F_NESTED = 0x8000;

/** A received message. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** What follows the header: a view on the buffer it was read from. */
  readonly body: Uint8Array;
}

const align = (length: number): number => (length + 3) & ~3;

/** A whole message; `parts` are the family header and the attributes. */
export function encodeMessage(
  type: number,
  flags: number,
  sequence: number,
  parts: readonly Uint8Array[],
): Uint8Array {
  const header = new Uint8Array(HEADER_SIZE);
  const message = concatBytes([header, ...parts]);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  return message;
}

/** An attribute with its padding. */
export function attribute(type: number, payload: Uint8Array): Uint8Array {
  const length = ATTRIBUTE_HEADER_SIZE + payload.length;
  const bytes = new Uint8Array(align(length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, length, true);
  view.setUint16(2, type, true);
  bytes.set(payload, ATTRIBUTE_HEADER_SIZE);
  return bytes;
}

/** An attribute that holds attributes. */
export function nested(type: number, parts: readonly Uint8Array[]): Uint8Array {
  return attribute(type | NLA_F_NESTED, concatBytes(parts));
}

export function u8Attribute(type: number, value: number): Uint8Array {
  return attribute(type, Uint8Array.of(value));
}

export function u32Attribute(type: number, value: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, value, true);
  return attribute(type, payload);
}

/** Text with its closing zero. */
export function stringAttribute(type: number, text: string): Uint8Array {
  return attribute(type, new TextEncoder().encode(`${text}\0`));
}

/** Splits what one read of the socket returned. @throws DecodeError where a length is impossible. */
export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: NetlinkMessage[] = [];
  for (let offset = 0; offset + HEADER_SIZE <= bytes.length; ) {
    const length = view.getUint32(offset, true);
    if (length < HEADER_SIZE || offset + length > bytes.length) {
      throw new DecodeError(
        'netlink message',
        offset,
        `length ${length}, but ${bytes.length - offset} bytes left`,
      );
    }
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      body: bytes.subarray(offset + HEADER_SIZE, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

/** Attributes by type, the last one where a type repeats. @throws DecodeError where a length is impossible. */
export function decodeAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const attributes = new Map<number, Uint8Array>();
  for (let offset = 0; offset + ATTRIBUTE_HEADER_SIZE <= bytes.length; ) {
    const length = view.getUint16(offset, true);
    if (length < ATTRIBUTE_HEADER_SIZE || offset + length > bytes.length) {
      throw new DecodeError(
        'netlink attribute',
        offset,
        `length ${length}, but ${bytes.length - offset} bytes left`,
      );
    }
    const type = view.getUint16(offset + 2, true) & NLA_TYPE_MASK;
    attributes.set(type, bytes.subarray(offset + ATTRIBUTE_HEADER_SIZE, offset + length));
    offset += align(length);
  }
  return attributes;
}

/** What an NLMSG_ERROR says: errno 0 is the acknowledgement; `text` is the kernel's own explanation, where it gave one. */
export function decodeError(message: NetlinkMessage): { readonly errno: number; readonly text?: string } {
  const { body, flags } = message;
  if (body.length < 4 + HEADER_SIZE) {
    throw new DecodeError('netlink error', 0, `at least ${4 + HEADER_SIZE} bytes, not ${body.length}`);
  }
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  // 0 - n rather than -n: an acknowledgement is 0, not -0.
  const errno = 0 - view.getInt32(0, true);
  if ((flags & NLM_F_ACK_TLVS) === 0) return { errno };
  const echoed = (flags & NLM_F_CAPPED) === 0 ? align(view.getUint32(4, true)) : HEADER_SIZE;
  const text = decodeAttributes(body.subarray(Math.min(4 + echoed, body.length))).get(NLMSGERR_ATTR_MSG);
  return text === undefined ? { errno } : { errno, text: decodeString(text) };
}

/** Text of a zero-terminated attribute. */
export function decodeString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** An unsigned 32-bit attribute. */
export function decodeU32(bytes: Uint8Array | undefined): number {
  if (bytes === undefined || bytes.length < 4) {
    throw new DecodeError('netlink attribute', 0, `4 bytes, not ${bytes?.length ?? 'none'}`);
  }
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
}
