/**
 * Extended communities as people write and read them. One table of kinds, each by its type and subtype octets, says
 * both; what stands in no table is `0x` and its 16 hex digits.
 */
import { formatIpv4, tryParseIpv4 } from '../../ip/ipv4.ts';
import type { ExtendedCommunity } from './extended-communities.ts';

/** How the six octets after type and subtype read. */
interface Kind {
  /** Type and subtype. */
  readonly code: number;
  readonly name: string;
  text(value: ExtendedCommunity): string;
  /** The halves for what follows the name; `undefined` where the text is something else. */
  parse(text: string): ExtendedCommunity | undefined;
}

/** Kinds with three forms of administrator: 2-octet AS, IPv4 address, 4-octet AS (RFC 4360 §3, RFC 5668 §2). */
const ADMINISTERED: readonly (readonly [subtype: number, name: string])[] = [
  [0x02, 'rt'],
  [0x03, 'soo'],
  [0x05, 'ospf-domain-id'],
  [0x0b, 'vrf-route-import'],
  [0x09, 'source-as'],
];

const KINDS: readonly Kind[] = [
  ...ADMINISTERED.flatMap(([subtype, name]) => [
    asKind(subtype, name),
    addressKind(0x0100 | subtype, name),
    wideAsKind(0x0200 | subtype, name),
  ]),
  // draft-ietf-idr-link-bandwidth: octets per second as an IEEE float; non-transitive, and transitive as some send it.
  floatKind(0x4004, 'link-bandwidth'),
  floatKind(0x0004, 'link-bandwidth-transitive'),
  // RFC 8097 §2
  enumerated(0x4300, 'origin-validation', ['valid', 'not-found', 'invalid']),
  // RFC 9012 §4.3, §4.1; RFC 7432 §7.8 for the default gateway
  numberKind(0x030b, 'color'),
  encapsulation(0x030c, 'encap'),
  flag(0x030d, 'default-gateway'),
  // RFC 7432 §7.5 to §7.7, RFC 9135 §8.1, RFC 8214 §3.1, RFC 8584 §2.2
  macMobility(0x0600, 'mac-mobility'),
  esiLabel(0x0601, 'esi-label'),
  macKind(0x0602, 'es-import'),
  macKind(0x0603, 'router-mac'),
  pair(0x0604, 'l2-attributes', 'flags', 'mtu'),
  hexKind(0x0606, 'df-election'),
  // RFC 8955 §7 (a rate of 0 discards) and RFC 7674 §2
  floatKind(0x8006, 'traffic-rate'),
  hexKind(0x8007, 'traffic-action'),
  asKind(0x8008, 'redirect'),
  addressKind(0x8108, 'redirect'),
  wideAsKind(0x8208, 'redirect'),
  hexKind(0x8009, 'traffic-marking'),
  // RFC 4761 §3.2.4
  hexKind(0x800a, 'layer2-info'),
];

const BY_CODE: ReadonlyMap<number, Kind> = new Map(KINDS.map((kind) => [kind.code, kind]));

/** Type and subtype of one, e.g. 0x0002 for a route target. */
export function extendedCommunityKind(value: ExtendedCommunity): number {
  return value.high >>> 16;
}

/** `"rt:65000:100"`, `"encap:vxlan"`, `"router-mac:aa:bb:cc:00:00:01"`; unknown ones as `"0x…"`. */
export function extendedCommunityText(value: ExtendedCommunity): string {
  const kind = BY_CODE.get(extendedCommunityKind(value));
  if (kind !== undefined) {
    const text = kind.text(value);
    const whole = text === '' ? kind.name : `${kind.name}:${text}`;
    // A text that does not say every bit would lose some, and mean another community when it is read again.
    const again = kind.parse(text);
    if (again?.high === value.high && again.low === value.low) return whole;
  }
  return `0x${hex(value.high, 8)}${hex(value.low, 8)}`;
}

/** The community that a text of {@link extendedCommunityText} says. @throws RangeError naming the text otherwise. */
export function parseExtendedCommunity(text: string): ExtendedCommunity {
  const raw = /^0x([0-9a-f]{8})([0-9a-f]{8})$/i.exec(text);
  if (raw !== null) return { high: Number.parseInt(raw[1]!, 16), low: Number.parseInt(raw[2]!, 16) };
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  for (const kind of KINDS) {
    const value = kind.name === name ? kind.parse(colon < 0 ? '' : text.slice(colon + 1)) : undefined;
    if (value !== undefined) return value;
  }
  throw new RangeError(
    `not an extended community: ${JSON.stringify(text)} (expected e.g. "rt:65000:100", "encap:vxlan" or "0x" and 16 hex digits)`,
  );
}

function asKind(code: number, name: string): Kind {
  return {
    code,
    name,
    text: ({ high, low }) => `${high & 0xffff}:${low}`,
    parse(text) {
      const [asn, number] = numbers(text, [0xffff, 0xffffffff]);
      return number === undefined ? undefined : halves(code, asn!, number);
    },
  };
}

function addressKind(code: number, name: string): Kind {
  return {
    code,
    name,
    text: ({ high, low }) => `${formatIpv4(joined(high, low))}:${low & 0xffff}`,
    parse(text) {
      const [address, number] = text.split(':', 2);
      const value = tryParseIpv4(address!);
      const [local] = numbers(number ?? '', [0xffff]);
      if (value === undefined || local === undefined || text.split(':').length !== 2) return undefined;
      return wide(code, value, local);
    },
  };
}

/** An AS number that would fit into two octets gets an `L`, as ExaBGP and Cisco write it, to tell the forms apart. */
function wideAsKind(code: number, name: string): Kind {
  return {
    code,
    name,
    text({ high, low }) {
      const asn = joined(high, low);
      return `${asn}${asn <= 0xffff ? 'L' : ''}:${low & 0xffff}`;
    },
    parse(text) {
      const [asn, number] = numbers(text.replace(/^(\d+)L:/, '$1:'), [0xffffffff, 0xffff]);
      return number === undefined ? undefined : wide(code, asn!, number);
    },
  };
}

function numberKind(code: number, name: string): Kind {
  return {
    code,
    name,
    text: ({ low }) => String(low),
    parse(text) {
      const [value] = numbers(text, [0xffffffff]);
      return value === undefined ? undefined : halves(code, 0, value);
    },
  };
}

function pair(code: number, name: string, first: string, second: string): Kind {
  const pattern = new RegExp(`^${first}=(\\d+),${second}=(\\d+)$`);
  return {
    code,
    name,
    text: ({ high, low }) => `${first}=${high & 0xffff},${second}=${low >>> 16}`,
    parse(text) {
      const match = pattern.exec(text);
      const [a, b] = match === null ? [] : numbers(`${match[1]}:${match[2]}`, [0xffff, 0xffff]);
      return b === undefined ? undefined : halves(code, a!, b * 65536);
    },
  };
}

function flag(code: number, name: string): Kind {
  return {
    code,
    name,
    text: () => '',
    parse: (text) => (text === '' ? halves(code, 0, 0) : undefined),
  };
}

function enumerated(code: number, name: string, names: readonly string[]): Kind {
  return {
    code,
    name,
    text: ({ low }) => names[low] ?? String(low),
    parse(text) {
      const known = names.indexOf(text);
      const [value] = known >= 0 ? [known] : numbers(text, [0xffffffff]);
      return value === undefined ? undefined : halves(code, 0, value);
    },
  };
}

/** IANA's BGP Tunnel Encapsulation Attribute Tunnel Types, as far as they have short names. */
export const TUNNEL_TYPES: Readonly<Record<number, string>> = {
  1: 'l2tpv3',
  2: 'gre',
  7: 'ipip',
  8: 'vxlan',
  9: 'nvgre',
  10: 'mpls',
  11: 'mpls-in-gre',
  12: 'vxlan-gpe',
  13: 'mpls-in-udp',
  15: 'sr-policy',
  19: 'geneve',
};

function encapsulation(code: number, name: string): Kind {
  return {
    code,
    name,
    text: ({ low }) => TUNNEL_TYPES[low & 0xffff] ?? String(low & 0xffff),
    parse(text) {
      const known = Object.entries(TUNNEL_TYPES).find(([, tunnel]) => tunnel === text);
      const [type] = known !== undefined ? [Number(known[0])] : numbers(text, [0xffff]);
      return type === undefined ? undefined : halves(code, 0, type);
    },
  };
}

/** RFC 7432 §7.7: 2: 1 flags (1 sticky) · 3: 1 reserved · 4: 4 sequence number */
function macMobility(code: number, name: string): Kind {
  return {
    code,
    name,
    text: ({ high, low }) => `${low}${high & 0x0100 ? ':sticky' : ''}`,
    parse(text) {
      const sticky = text.endsWith(':sticky');
      const [sequence] = numbers(sticky ? text.slice(0, -7) : text, [0xffffffff]);
      return sequence === undefined ? undefined : halves(code, sticky ? 0x0100 : 0, sequence);
    },
  };
}

/** RFC 7432 §7.5: 2: 1 flags (1 single-active) · 3: 2 reserved · 5: 3 label */
function esiLabel(code: number, name: string): Kind {
  return {
    code,
    name,
    text: ({ high, low }) => `${low & 0xffffff}${high & 0x0100 ? ':single-active' : ''}`,
    parse(text) {
      const single = text.endsWith(':single-active');
      const [label] = numbers(single ? text.slice(0, -14) : text, [0xffffff]);
      return label === undefined ? undefined : halves(code, single ? 0x0100 : 0, label);
    },
  };
}

function macKind(code: number, name: string): Kind {
  return {
    code,
    name,
    text: ({ high, low }) => `${hex(high & 0xffff, 4)}${hex(low, 8)}`.replace(/..(?!$)/g, '$&:'),
    parse(text) {
      if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
      return halvesOfHex(code, text.replaceAll(':', ''));
    },
  };
}

function hexKind(code: number, name: string): Kind {
  return {
    code,
    name,
    text: ({ high, low }) => `0x${hex(high & 0xffff, 4)}${hex(low, 8)}`,
    parse: (text) => (/^0x[0-9a-f]{12}$/i.test(text) ? halvesOfHex(code, text.slice(2)) : undefined),
  };
}

/** AS number, and octets per second as a 32-bit IEEE float. */
function floatKind(code: number, name: string): Kind {
  return {
    code,
    name,
    text: ({ high, low }) => `${high & 0xffff}:${floatOf(low)}`,
    parse(text) {
      const match = /^(\d+):(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(text);
      const [asn] = numbers(match?.[1] ?? '', [0xffff]);
      return asn === undefined ? undefined : halves(code, asn, bitsOf(Number(match![2])));
    },
  };
}

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}

function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!;
}

/** Type and subtype, the next two octets, and the last four. */
function halves(code: number, upper: number, low: number): ExtendedCommunity {
  return { high: code * 65536 + upper, low };
}

/** Type and subtype, four octets, two octets. */
function wide(code: number, value: number, local: number): ExtendedCommunity {
  return halves(code, value >>> 16, (value & 0xffff) * 65536 + local);
}

function halvesOfHex(code: number, digits: string): ExtendedCommunity {
  return halves(code, Number.parseInt(digits.slice(0, 4), 16), Number.parseInt(digits.slice(4), 16));
}

/** The four octets after type and subtype. */
function joined(high: number, low: number): number {
  return (high & 0xffff) * 65536 + (low >>> 16);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** Numbers between colons, one for each maximum; none where the text is anything else. */
function numbers(text: string, maxima: readonly number[]): number[] {
  const parts = text.split(':');
  if (parts.length !== maxima.length) return [];
  const values = parts.map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : Number.NaN));
  return values.every((value, i) => value <= maxima[i]!) ? values : [];
}
