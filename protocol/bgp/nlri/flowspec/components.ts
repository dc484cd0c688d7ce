/**
 * Components of a flow specification, RFC 8955 §4.2.2 (IPv4) and RFC 8956 §3 (IPv6): a type, and then
 *
 *   1, 2   prefix: 1 length in bits · octets; for IPv6 1 length · 1 offset · octets of the bits from offset to length
 *   others pairs of 1 operator and 1, 2, 4 or 8 value, up to one with the end-of-list bit
 */
import type { NlriFault } from '../codec.ts';
import { octetsOf } from '../ip-prefix.ts';

/** Operator bits of all pairs. */
export const END_OF_LIST = 0x80;
export const AND = 0x40;
/** Two bits that give the octets of the value as a power of two. */
const LENGTH_SHIFT = 4;
/** Operator bits of numbers. */
export const LESS = 4;
export const GREATER = 2;
export const EQUAL = 1;
/** Operator bits of bitmasks. */
export const NOT = 2;
export const MATCH = 1;

export type ComponentKind = 'prefix' | 'number' | 'bitmask';

export interface ComponentType {
  /** As gobgp writes it. */
  readonly name: string;
  readonly kind: ComponentKind;
  /** Names of bits, lowest first; an empty name where a bit has none. */
  readonly bits?: readonly string[];
  /** Names of numbers. */
  readonly values?: Readonly<Record<number, string>>;
}

/** IP protocols that people know by name. */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  6: 'tcp',
  17: 'udp',
  46: 'rsvp',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'ipv6-icmp',
  89: 'ospf',
  103: 'pim',
  132: 'sctp',
};

/** By type; 13 exists for IPv6 only. */
export const COMPONENT_TYPES: readonly (ComponentType | undefined)[] = [
  undefined,
  { name: 'destination', kind: 'prefix' },
  { name: 'source', kind: 'prefix' },
  { name: 'protocol', kind: 'number', values: PROTOCOLS },
  { name: 'port', kind: 'number' },
  { name: 'destination-port', kind: 'number' },
  { name: 'source-port', kind: 'number' },
  { name: 'icmp-type', kind: 'number' },
  { name: 'icmp-code', kind: 'number' },
  { name: 'tcp-flags', kind: 'bitmask', bits: ['F', 'S', 'R', 'P', 'A', 'U', 'E', 'C'] },
  { name: 'packet-length', kind: 'number' },
  { name: 'dscp', kind: 'number' },
  {
    name: 'fragment',
    kind: 'bitmask',
    bits: ['dont-fragment', 'is-fragment', 'first-fragment', 'last-fragment'],
  },
  { name: 'label', kind: 'number' },
];

/** Where one component stands. */
export interface Component {
  readonly type: number;
  readonly description: ComponentType;
  readonly at: number;
  readonly end: number;
}

/**
 * Components in `bytes` from `start` to its end, or the first fault. They must be of known types in strictly
 * increasing order (RFC 8955 §4.2).
 * @param size octets of an address.
 */
export function readComponents(bytes: Uint8Array, start: number, size: 4 | 16): Component[] | NlriFault {
  const components: Component[] = [];
  let last = 0;
  for (let at = start; at < bytes.length; ) {
    const type = bytes[at]!;
    const description = size === 4 && type === 13 ? undefined : COMPONENT_TYPES[type];
    if (description === undefined) return { offset: at, expected: `component type ${type} is unknown` };
    if (type <= last) return { offset: at, expected: `component type ${type} must not follow ${last}` };
    last = type;
    const end = description.kind === 'prefix' ? prefixEnd(bytes, at + 1, size) : pairsEnd(bytes, at + 1);
    if (typeof end !== 'number') return end;
    components.push({ type, description, at, end });
    at = end;
  }
  return components;
}

function prefixEnd(bytes: Uint8Array, at: number, size: 4 | 16): number | NlriFault {
  const head = size === 4 ? 1 : 2;
  if (at + head > bytes.length) return { offset: at, expected: 'prefix component is cut off' };
  const bits = bytes[at]!;
  const skipped = size === 4 ? 0 : bytes[at + 1]!;
  if (bits > size * 8) return { offset: at, expected: `prefix length ${bits} must be at most ${size * 8}` };
  // Length 0 with offset 0 matches everything; otherwise some bit must be left to match (RFC 8956 §3.1).
  if (skipped > 0 && skipped >= bits) {
    return { offset: at + 1, expected: `prefix offset ${skipped} must be less than the length ${bits}` };
  }
  const end = at + head + octetsOf(bits - skipped);
  return end > bytes.length ? { offset: at, expected: `prefix of ${bits} bits is cut off` } : end;
}

function pairsEnd(bytes: Uint8Array, start: number): number | NlriFault {
  for (let at = start; at < bytes.length; ) {
    const operator = bytes[at]!;
    const end = at + 1 + valueLength(operator);
    if (end > bytes.length) break;
    if ((operator & END_OF_LIST) !== 0) return end;
    at = end;
  }
  return { offset: start, expected: 'list of operators does not end in the NLRI' };
}

/** Octets of the value behind an operator: 1, 2, 4 or 8. */
export function valueLength(operator: number): number {
  return 1 << ((operator >> LENGTH_SHIFT) & 3);
}
