/**
 * Route target membership, RFC 4684 §4: a prefix of
 *
 *   0: 1 length in bits (0, or 32 to 96) · 1: 4 origin AS · 5: 8 route target
 *
 * Length 0 asks for every route.
 */
import { fromHex, toHex } from '../../bytes/hex.ts';
import { formatIpv4, tryParseIpv4 } from '../../ip/ipv4.ts';
import { ByteWriter, readUint16, readUint32 } from '../byte-writer.ts';
import type { Field } from '../dissect/field.ts';
import { type NlriCodec, NO_DATA } from './codec.ts';
import { clearHostBits, octetsOf } from './ip-prefix.ts';

const HEAD = 1;
const AS_BITS = 32;
const WHOLE_BITS = 96;
const DEFAULT = 'default';

export const rtConstraintCodec: NlriCodec = {
  measure(bytes, at, limit) {
    if (at >= limit) return { offset: at, expected: 'membership length is cut off' };
    const bits = bytes[at]!;
    if (bits !== 0 && (bits < AS_BITS || bits > WHOLE_BITS)) {
      return { offset: at, expected: `membership length ${bits} must be 0 or ${AS_BITS} to ${WHOLE_BITS}` };
    }
    const octets = HEAD + octetsOf(bits);
    return at + octets > limit ? { offset: at, expected: `membership of ${bits} bits is cut off` } : octets;
  },
  validate: () => undefined,
  key: masked,
  data: () => NO_DATA,
  join: (key) => key,
  text(nlri) {
    if (nlri[0] === 0) return DEFAULT;
    const target = nlri[0] === WHOLE_BITS ? targetText(nlri, 5) : `0x${toHex(masked(nlri).subarray(5))}`;
    return `${readUint32(nlri, 1)}:${target}${nlri[0] === WHOLE_BITS ? '' : `/${nlri[0]}`}`;
  },
  fields(nlri, offset) {
    const fields: Field[] = [{ name: 'length', offset, length: HEAD, value: nlri[0]! }];
    if (nlri.length > HEAD) {
      fields.push({ name: 'origin AS', offset: offset + 1, length: 4, value: readUint32(nlri, 1) });
    }
    if (nlri.length > 5) {
      const value = nlri[0] === WHOLE_BITS ? targetText(nlri, 5) : toHex(nlri.subarray(5));
      fields.push({ name: 'route target', offset: offset + 5, length: nlri.length - 5, value });
    }
    return fields;
  },
  parse(text) {
    if (text === DEFAULT) return Uint8Array.of(0);
    const match = /^(\d{1,10}):(.*?)(?:\/(\d{1,2}))?$/.exec(text);
    const bits = Number(match?.[3] ?? WHOLE_BITS);
    const target = match === null ? undefined : targetBytes(match[2]!);
    if (target === undefined || Number(match![1]) > 0xffffffff || bits < AS_BITS || bits > WHOLE_BITS) {
      throw new RangeError(`not a route target membership: ${JSON.stringify(text)} (expected "AS:TARGET")`);
    }
    const writer = new ByteWriter(HEAD + 12);
    writer.uint8(bits);
    writer.uint32(Number(match![1]));
    writer.append(target);
    if (writer.position < HEAD + octetsOf(bits)) throw new RangeError(`target is shorter than said: ${text}`);
    return masked(writer.finish().subarray(0, HEAD + octetsOf(bits)));
  },
};

function masked(nlri: Uint8Array): Uint8Array {
  const key = nlri.slice();
  clearHostBits(key.subarray(HEAD), key[0]!);
  return key;
}

/** A whole transitive route target (RFC 4360 §4, RFC 5668 §2), `"65001:100"`; others in hex. */
function targetText(bytes: Uint8Array, at: number): string {
  const [type, subtype] = [bytes[at]!, bytes[at + 1]!];
  if (subtype !== 2 || type > 2) return `0x${toHex(bytes.subarray(at, at + 8))}`;
  if (type === 0) return `${readUint16(bytes, at + 2)}:${readUint32(bytes, at + 4)}`;
  const administrator = readUint32(bytes, at + 2);
  const number = readUint16(bytes, at + 6);
  return `${type === 1 ? formatIpv4(administrator) : administrator}:${number}`;
}

function targetBytes(text: string): Uint8Array | undefined {
  const hex = /^0x((?:[0-9a-f]{2}){0,8})$/i.exec(text);
  if (hex !== null) return fromHex(hex[1]!);
  const match = /^([\d.]+):(\d{1,10})$/.exec(text);
  if (match === null) return undefined;
  const address = tryParseIpv4(match[1]!);
  const [administrator, number] = [address ?? Number(match[1]), Number(match[2])];
  const short = address === undefined && administrator <= 0xffff;
  if (!(administrator <= 0xffffffff) || number > (short ? 0xffffffff : 0xffff)) return undefined;
  const writer = new ByteWriter(8);
  writer.uint8(short ? 0 : address === undefined ? 2 : 1);
  writer.uint8(2);
  if (short) writer.uint16(administrator);
  else writer.uint32(administrator);
  if (short) writer.uint32(number);
  else writer.uint16(number);
  return writer.finish();
}
