import { DecodeError } from '../bytes/decode-error.ts';
import { readUint16, writeUint16 } from '../bytes/uint.ts';
import { checksumAdd, checksumFinish, pseudoHeaderSum } from '../ipv4/checksum.ts';
import { PROTOCOL_UDP } from '../ipv4/header.ts';

/**
 * UDP (RFC 768): source port (2), destination port (2), length with header (2), checksum over pseudo-header and all (2),
 * 0 where the sender made none.
 */
const UDP_HEADER_LENGTH = 8;

export interface Udp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly data: Uint8Array;
}

/** The addresses that the checksum covers. */
export interface Addresses {
  readonly source: number;
  readonly destination: number;
}

/**
 * Datagram in the `length` bytes at `at`; `data` is a view. Bytes behind the datagram's own length are ignored.
 * @throws DecodeError on a wrong length, or a checksum that is neither right nor 0.
 */
export function decodeUdp(bytes: Uint8Array, at: number, length: number, addresses: Addresses): Udp {
  if (length < UDP_HEADER_LENGTH || bytes.length - at < length) {
    throw new DecodeError(
      'UDP',
      at,
      `expected at least 8 bytes, ${Math.max(0, Math.min(length, bytes.length - at))} left`,
    );
  }
  const own = readUint16(bytes, at + 4);
  if (own < UDP_HEADER_LENGTH || own > length) {
    throw new DecodeError('UDP', at + 4, `expected a length of 8 to ${length}, not ${own}`);
  }
  if (readUint16(bytes, at + 6) !== 0) {
    const sum = pseudoHeaderSum(addresses.source, addresses.destination, PROTOCOL_UDP, own);
    if (checksumFinish(checksumAdd(bytes, at, own, sum)) !== 0) {
      throw new DecodeError('UDP', at + 6, 'expected a right checksum, or 0');
    }
  }
  return {
    sourcePort: readUint16(bytes, at),
    destinationPort: readUint16(bytes, at + 2),
    data: bytes.subarray(at + UDP_HEADER_LENGTH, at + own),
  };
}

/** A whole datagram. Without `addresses` the checksum is 0, as VXLAN senders do (RFC 7348 §5). */
export function encodeUdp(datagram: Udp, addresses?: Addresses): Uint8Array {
  const bytes = new Uint8Array(UDP_HEADER_LENGTH + datagram.data.length);
  writeUint16(bytes, 0, datagram.sourcePort);
  writeUint16(bytes, 2, datagram.destinationPort);
  writeUint16(bytes, 4, bytes.length);
  bytes.set(datagram.data, UDP_HEADER_LENGTH);
  if (addresses !== undefined) {
    const sum = pseudoHeaderSum(addresses.source, addresses.destination, PROTOCOL_UDP, bytes.length);
    // 0 would say "no checksum"; its other representation is sent (RFC 768).
    writeUint16(bytes, 6, checksumFinish(checksumAdd(bytes, 0, bytes.length, sum)) || 0xffff);
  }
  return bytes;
}
