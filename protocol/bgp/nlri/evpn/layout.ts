/**
 * Layout of EVPN routes: RFC 7432 §7 (types 1 to 4), RFC 9136 §3.1 (type 5). An NLRI is 1 type · 1 length · value:
 *
 *   1 Ethernet auto-discovery: 8 RD · 10 ESI · 4 tag · 3 label
 *   2 MAC/IP advertisement:    8 RD · 10 ESI · 4 tag · 1 MAC bits (48) · 6 MAC · 1 IP bits · 0, 4 or 16 IP ·
 *                              3 label 1 · (3 label 2)
 *   3 inclusive multicast:     8 RD · 4 tag · 1 IP bits · 4 or 16 IP
 *   4 Ethernet segment:        8 RD · 10 ESI · 1 IP bits · 4 or 16 IP
 *   5 IP prefix:               8 RD · 10 ESI · 4 tag · 1 prefix bits · 4 or 16 prefix · as many gateway · 3 label
 *
 * Each part is either of the key or of the data, as §7.1 to §7.4 and §3.1 there say.
 */
import { RD_LENGTH } from '../route-distinguisher.ts';

export const AUTO_DISCOVERY = 1;
export const MAC_IP = 2;
export const INCLUSIVE_MULTICAST = 3;
export const ETHERNET_SEGMENT = 4;
export const IP_PREFIX = 5;

/** Octets of type and length before the value. */
export const HEAD = 2;
export const ESI_LENGTH = 10;
export const TAG_LENGTH = 4;
export const MAC_LENGTH = 6;

export type PartKind = 'rd' | 'esi' | 'tag' | 'bits' | 'mac' | 'ip' | 'prefix' | 'gateway' | 'label';

/** One part of a route. */
export interface Part {
  readonly kind: PartKind;
  /** As the RFC names it. */
  readonly name: string;
  /** Octets from the start of the NLRI. */
  readonly at: number;
  readonly length: number;
  /** Tells routes apart. */
  readonly key: boolean;
}

export const ROUTE_NAMES: Readonly<Record<number, string>> = {
  [AUTO_DISCOVERY]: 'Ethernet Auto-Discovery',
  [MAC_IP]: 'MAC/IP Advertisement',
  [INCLUSIVE_MULTICAST]: 'Inclusive Multicast Ethernet Tag',
  [ETHERNET_SEGMENT]: 'Ethernet Segment',
  [IP_PREFIX]: 'IP Prefix',
};

type Spec = readonly [kind: PartKind, name: string, length: number, key: boolean];

const RD: Spec = ['rd', 'Route Distinguisher', RD_LENGTH, true];
const ESI: Spec = ['esi', 'Ethernet Segment Identifier', ESI_LENGTH, false];
const KEY_ESI: Spec = ['esi', 'Ethernet Segment Identifier', ESI_LENGTH, true];
const TAG: Spec = ['tag', 'Ethernet Tag ID', TAG_LENGTH, true];
const bits = (name: string): Spec => ['bits', name, 1, true];
const label = (name: string): Spec => ['label', name, 3, false];
const ip = (name: string, length: number): Spec => ['ip', name, length, true];

function multicast(size: number): readonly Spec[] {
  return [RD, TAG, bits('IP Address Length'), ip("Originating Router's IP Address", size)];
}

function segment(size: number): readonly Spec[] {
  return [RD, KEY_ESI, bits('IP Address Length'), ip("Originating Router's IP Address", size)];
}

function macIp(size: number, labels: 1 | 2): readonly Spec[] {
  return [
    RD,
    ESI,
    TAG,
    bits('MAC Address Length'),
    ['mac', 'MAC Address', MAC_LENGTH, true],
    bits('IP Address Length'),
    ...(size === 0 ? [] : [ip('IP Address', size)]),
    label('MPLS Label1'),
    ...(labels === 1 ? [] : [label('MPLS Label2')]),
  ];
}

function ipPrefix(size: number): readonly Spec[] {
  return [
    RD,
    ESI,
    TAG,
    bits('IP Prefix Length'),
    ['prefix', 'IP Prefix', size, true],
    ['gateway', 'GW IP Address', size, false],
    label('MPLS Label'),
  ];
}

/** Every layout, by type and length of the value. No two of a type have equal lengths. */
const LAYOUTS: ReadonlyMap<number, readonly Part[]> = new Map(
  [
    [AUTO_DISCOVERY, [RD, KEY_ESI, TAG, label('MPLS Label')]] as const,
    ...[0, 4, 16].flatMap((size) =>
      ([1, 2] as const).map((labels) => [MAC_IP, macIp(size, labels)] as const),
    ),
    ...[4, 16].map((size) => [INCLUSIVE_MULTICAST, multicast(size)] as const),
    ...[4, 16].map((size) => [ETHERNET_SEGMENT, segment(size)] as const),
    ...[4, 16].map((size) => [IP_PREFIX, ipPrefix(size)] as const),
  ].map(([type, specs]) => {
    const parts: Part[] = [];
    let at = HEAD;
    for (const [kind, name, length, key] of specs) {
      parts.push({ kind, name, at, length, key });
      at += length;
    }
    return [layoutKey(type, at - HEAD), parts] as const;
  }),
);

function layoutKey(type: number, length: number): number {
  return type * 256 + length;
}

/** Parts of a measured NLRI in order; `undefined` where no route of its type has its length. */
export function partsOf(nlri: Uint8Array): readonly Part[] | undefined {
  return LAYOUTS.get(layoutKey(nlri[0]!, nlri.length - HEAD));
}

/** Lengths that values of a type may have; empty for an unknown type. */
export function lengthsOf(type: number): number[] {
  return [...LAYOUTS.keys()].filter((key) => key >> 8 === type).map((key) => key & 0xff);
}

/** The layout of a type whose parts of the key have these octets in all, such as after data were taken off. */
export function partsOfKey(type: number, keyLength: number, dataLength: number): readonly Part[] | undefined {
  for (const [key, parts] of LAYOUTS) {
    if (key >> 8 === type && sum(parts, true) === keyLength) {
      if (dataLength === 0 || sum(parts, false) === dataLength) return parts;
    }
  }
  return undefined;
}

function sum(parts: readonly Part[], key: boolean): number {
  return parts.reduce((total, part) => total + (part.key === key ? part.length : 0), 0);
}
