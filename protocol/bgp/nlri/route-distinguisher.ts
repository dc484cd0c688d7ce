/**
 * Route distinguisher, RFC 4364 §4.2: 2 type · 6 value, which is
 *
 *   type 0: 2 AS number · 4 number; type 1: 4 IPv4 address · 2 number; type 2: 4 AS number · 2 number
 */
import { fromHex, toHex } from '../../bytes/hex.ts';
import { formatIpv4, tryParseIpv4 } from '../../ip/ipv4.ts';
import { ByteWriter, readUint16, readUint32 } from '../byte-writer.ts';

export const RD_LENGTH = 8;

/**
 * Text of the distinguisher at `at`: `"65001:100"`, `"192.0.2.1:100"`, `"70000:100"`. As birdc does, a type 2 whose AS
 * would fit type 0 is marked by its type (`"2:65001:100"`); unknown types stand in hex.
 */
export function rdText(bytes: Uint8Array, at: number): string {
  const type = readUint16(bytes, at);
  switch (type) {
    case 0:
      return `${readUint16(bytes, at + 2)}:${readUint32(bytes, at + 4)}`;
    case 1:
      return `${formatIpv4(readUint32(bytes, at + 2))}:${readUint16(bytes, at + 6)}`;
    case 2: {
      const asn = readUint32(bytes, at + 2);
      return `${asn > 0xffff ? '' : '2:'}${asn}:${readUint16(bytes, at + 6)}`;
    }
    default:
      return `0x${toHex(bytes.subarray(at, at + RD_LENGTH))}`;
  }
}

/** The 8 octets of what {@link rdText} gives. @throws RangeError naming the text where it is no distinguisher. */
export function parseRd(text: string): Uint8Array {
  const writer = new ByteWriter(RD_LENGTH);
  const hex = /^0x([0-9a-f]{16})$/i.exec(text);
  if (hex !== null) return fromHex(hex[1]!);
  const match = /^(2:)?([\d.]+):(\d{1,10})$/.exec(text);
  const [administrator, number] = [match?.[2] ?? '', Number(match?.[3])];
  const address = tryParseIpv4(administrator);
  const asn = /^\d{1,10}$/.test(administrator) ? Number(administrator) : Number.NaN;
  if (address !== undefined && match?.[1] === undefined && number <= 0xffff) {
    writer.uint16(1);
    writer.uint32(address);
    writer.uint16(number);
  } else if (asn <= 0xffff && match?.[1] === undefined && number <= 0xffffffff) {
    writer.uint16(0);
    writer.uint16(asn);
    writer.uint32(number);
  } else if (asn <= 0xffffffff && number <= 0xffff) {
    writer.uint16(2);
    writer.uint32(asn);
    writer.uint16(number);
  } else {
    throw new RangeError(
      `not a route distinguisher: ${JSON.stringify(text)} (expected "AS:NUMBER" or "ADDRESS:NUMBER")`,
    );
  }
  return writer.finish();
}
