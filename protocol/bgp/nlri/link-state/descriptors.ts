/**
 * Descriptors in link-state NLRI, RFC 9552 §5.2: each 2 type · 2 length · value. Local and remote node descriptors hold
 * further ones.
 */
import { toHex } from '../../../bytes/hex.ts';
import { formatIpv4 } from '../../../ip/ipv4.ts';
import { formatAddress } from '../../../ip/prefix.ts';
import { readUint16, readUint32 } from '../../byte-writer.ts';
import type { NlriFault } from '../codec.ts';
import { octetsOf, prefixText } from '../ip-prefix.ts';

/** Octets of type and length. */
const HEAD = 4;
const LOCAL_NODE = 256;
const REMOTE_NODE = 257;
const IP_REACHABILITY = 265;

export interface Descriptor {
  readonly type: number;
  readonly name: string;
  /** Octets from the start of what was read, type and length included. */
  readonly at: number;
  readonly length: number;
  /** The value in words; absent where `children` say it. */
  readonly text?: string;
  readonly children?: readonly Descriptor[];
}

type Show = (value: Uint8Array) => string | undefined;

const number: Show = (value) => (value.length === 4 ? String(readUint32(value, 0)) : undefined);
const ipv4: Show = (value) => (value.length === 4 ? formatAddress(value) : undefined);
const ipv6: Show = (value) => (value.length === 16 ? formatAddress(value) : undefined);

const TYPES: Readonly<Record<number, readonly [name: string, show: Show]>> = {
  258: [
    'link',
    (value) => (value.length === 8 ? `${readUint32(value, 0)}-${readUint32(value, 4)}` : undefined),
  ],
  259: ['interface', ipv4],
  260: ['neighbor', ipv4],
  261: ['interface', ipv6],
  262: ['neighbor', ipv6],
  263: [
    'topology',
    (value) =>
      value.length >= 2 && value.length % 2 === 0
        ? Array.from({ length: value.length / 2 }, (_, i) => readUint16(value, 2 * i) & 0xfff).join(',')
        : undefined,
  ],
  264: [
    'ospf-route',
    (value) =>
      value.length === 1
        ? ['intra-area', 'inter-area', 'external-1', 'external-2', 'nssa-1', 'nssa-2'][value[0]! - 1]
        : undefined,
  ],
  512: ['as', number],
  513: ['bgp-ls', number],
  514: ['area', ipv4],
  515: ['router', routerId],
  516: ['bgp-router', ipv4],
  517: ['member-as', number],
};

/**
 * Descriptors in `bytes` from `start` to `end`, or the first whose frame does not fit.
 * @param size octets of an address in an IP reachability descriptor.
 */
export function readDescriptors(
  bytes: Uint8Array,
  start: number,
  end: number,
  size: 4 | 16,
): Descriptor[] | NlriFault {
  const descriptors: Descriptor[] = [];
  for (let at = start; at < end; ) {
    if (at + HEAD > end) return { offset: at, expected: 'descriptor is cut off' };
    const type = readUint16(bytes, at);
    const length = readUint16(bytes, at + 2);
    const value = at + HEAD;
    if (value + length > end) {
      return { offset: at, expected: `descriptor ${type} of ${length} octets runs past its end` };
    }
    const frame = { type, at, length: HEAD + length };
    if (type === LOCAL_NODE || type === REMOTE_NODE) {
      const children = readDescriptors(bytes, value, value + length, size);
      if (!Array.isArray(children)) return children;
      descriptors.push({ ...frame, name: type === LOCAL_NODE ? 'local' : 'remote', children });
    } else {
      descriptors.push({ ...frame, ...named(type, bytes.subarray(value, value + length), size) });
    }
    at = value + length;
  }
  return descriptors;
}

function named(
  type: number,
  value: Uint8Array,
  size: 4 | 16,
): { readonly name: string; readonly text: string } {
  const hex = `0x${toHex(value)}`;
  if (type === IP_REACHABILITY) {
    const bits = value[0] ?? 255;
    const fits = bits <= size * 8 && value.length === 1 + octetsOf(bits);
    return { name: 'prefix', text: fits ? prefixText(value, 1, bits, size) : hex };
  }
  const known = TYPES[type];
  return { name: known?.[0] ?? `tlv-${type}`, text: known?.[1](value) ?? hex };
}

/**
 * IGP router identifier (RFC 9552 §5.2.1.4): a dotted quad of OSPF (8 octets add the interface or address of a
 * designated router), a system ID of IS-IS (7 octets add the pseudonode number).
 */
function routerId(value: Uint8Array): string | undefined {
  if (value.length === 4) return formatAddress(value);
  if (value.length === 8) return `${formatIpv4(readUint32(value, 0))}:${formatIpv4(readUint32(value, 4))}`;
  if (value.length !== 6 && value.length !== 7) return undefined;
  const hex = toHex(value);
  const system = `${hex.slice(0, 4)}.${hex.slice(4, 8)}.${hex.slice(8, 12)}`;
  return value.length === 7 ? `${system}.${hex.slice(12)}` : system;
}
