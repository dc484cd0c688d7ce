import { DecodeError } from '../bytes/decode-error.ts';
import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes/uint.ts';
import { checksumAdd, checksumFinish, pseudoHeaderSum } from '../ipv4/checksum.ts';
import { PROTOCOL_TCP } from '../ipv4/header.ts';
import type { Addresses } from '../udp/udp.ts';

/**
 * TCP header (RFC 9293 §3.1):
 *
 *     0  source port (2)              2  destination port (2)
 *     4  sequence number (4)          8  acknowledgment number (4)
 *    12  data offset in words (4 bits), reserved (4)    13  flags    14  window (2)
 *    16  checksum (2)                18  urgent pointer (2)
 *    20  options, to the data offset
 */
const TCP_HEADER_LENGTH = 20;

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_PSH = 0x08;
export const TCP_ACK = 0x10;

export interface TcpSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** TCP_* bits. */
  readonly flags: number;
  readonly window: number;
  readonly urgentPointer: number;
  /** Padded to words. */
  readonly options: Uint8Array;
  readonly data: Uint8Array;
}

/**
 * Segment of `length` bytes at `at`; `options` and `data` are views.
 * @throws DecodeError on contradictory lengths or a wrong checksum.
 */
export function decodeTcp(bytes: Uint8Array, at: number, length: number, addresses: Addresses): TcpSegment {
  if (length < TCP_HEADER_LENGTH || bytes.length - at < length) {
    throw new DecodeError(
      'TCP',
      at,
      `expected at least 20 bytes, ${Math.max(0, Math.min(length, bytes.length - at))} left`,
    );
  }
  const header = (bytes[at + 12]! >>> 4) * 4;
  if (header < TCP_HEADER_LENGTH || header > length) {
    throw new DecodeError('TCP', at + 12, `expected a data offset of 20 to ${length} bytes, not ${header}`);
  }
  const sum = pseudoHeaderSum(addresses.source, addresses.destination, PROTOCOL_TCP, length);
  if (checksumFinish(checksumAdd(bytes, at, length, sum)) !== 0) {
    throw new DecodeError('TCP', at + 16, 'expected a right checksum');
  }
  return {
    sourcePort: readUint16(bytes, at),
    destinationPort: readUint16(bytes, at + 2),
    sequence: readUint32(bytes, at + 4),
    acknowledgment: readUint32(bytes, at + 8),
    flags: bytes[at + 13]!,
    window: readUint16(bytes, at + 14),
    urgentPointer: readUint16(bytes, at + 18),
    options: bytes.subarray(at + TCP_HEADER_LENGTH, at + header),
    data: bytes.subarray(at + header, at + length),
  };
}

/**
 * A whole segment, checksum included.
 * @throws RangeError where options are not whole words up to 40 bytes.
 */
export function encodeTcp(segment: TcpSegment, addresses: Addresses): Uint8Array {
  const { options, data } = segment;
  if (options.length > 40 || options.length % 4 !== 0) {
    throw new RangeError(`TCP options must be 0 to 40 bytes in words of 4, not ${options.length}`);
  }
  const header = TCP_HEADER_LENGTH + options.length;
  const bytes = new Uint8Array(header + data.length);
  writeUint16(bytes, 0, segment.sourcePort);
  writeUint16(bytes, 2, segment.destinationPort);
  writeUint32(bytes, 4, segment.sequence);
  writeUint32(bytes, 8, segment.acknowledgment);
  bytes[12] = (header / 4) << 4;
  bytes[13] = segment.flags;
  writeUint16(bytes, 14, segment.window);
  writeUint16(bytes, 18, segment.urgentPointer);
  bytes.set(options, TCP_HEADER_LENGTH);
  bytes.set(data, header);
  const sum = pseudoHeaderSum(addresses.source, addresses.destination, PROTOCOL_TCP, bytes.length);
  writeUint16(bytes, 16, checksumFinish(checksumAdd(bytes, 0, bytes.length, sum)));
  return bytes;
}
