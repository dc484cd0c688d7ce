/**
 * COMMUNITIES, type 8, RFC 1997: 4 octets each
 * LARGE_COMMUNITY, type 32, RFC 8092 §3: 12 octets each (global administrator, local data 1, local data 2)
 */
import { readUint32 } from '../byte-writer.ts';
import type { AttributeCodec } from './codec.ts';
import { communityList } from './community-list.ts';

export const GRACEFUL_SHUTDOWN = 0xffff0000;
export const ACCEPT_OWN = 0xffff0001;
export const LLGR_STALE = 0xffff0006;
export const NO_LLGR = 0xffff0007;
export const BLACKHOLE = 0xffff029a;
export const NO_EXPORT = 0xffffff01;
export const NO_ADVERTISE = 0xffffff02;
export const NO_EXPORT_SUBCONFED = 0xffffff03;
export const NO_PEER = 0xffffff04;

/** IANA's registry of well-known communities. */
const WELL_KNOWN: readonly (readonly [string, number])[] = [
  ['graceful-shutdown', GRACEFUL_SHUTDOWN],
  ['accept-own', ACCEPT_OWN],
  ['route-filter-translated-v4', 0xffff0002],
  ['route-filter-v4', 0xffff0003],
  ['route-filter-translated-v6', 0xffff0004],
  ['route-filter-v6', 0xffff0005],
  ['llgr-stale', LLGR_STALE],
  ['no-llgr', NO_LLGR],
  ['accept-own-nexthop', 0xffff0008],
  ['standby-pe', 0xffff0009],
  ['blackhole', BLACKHOLE],
  ['no-export', NO_EXPORT],
  ['no-advertise', NO_ADVERTISE],
  ['no-export-subconfed', NO_EXPORT_SUBCONFED],
  ['no-peer', NO_PEER],
];

const BY_NUMBER: ReadonlyMap<number, string> = new Map(WELL_KNOWN.map(([name, number]) => [number, name]));
const BY_NAME: ReadonlyMap<string, number> = new Map([
  ...WELL_KNOWN,
  // What BIRD, FRR and GoBGP call them besides.
  ['gshut', GRACEFUL_SHUTDOWN],
  ['local-as', NO_EXPORT_SUBCONFED],
  ['nopeer', NO_PEER],
]);

export interface LargeCommunity {
  readonly globalAdministrator: number;
  readonly localData1: number;
  readonly localData2: number;
}

export const communities: AttributeCodec<readonly number[]> = communityList({
  type: 8,
  name: 'COMMUNITIES',
  rfc: 'RFC 1997',
  malformedRfc: 'RFC 7606 §7.8',
  size: 4,
  read: readUint32,
  encode: (values, writer) => {
    for (const value of values) writer.uint32(value);
  },
  text: communityText,
});

export const largeCommunities: AttributeCodec<readonly LargeCommunity[]> = communityList({
  type: 32,
  name: 'LARGE_COMMUNITY',
  rfc: 'RFC 8092 §3',
  malformedRfc: 'RFC 8092 §6',
  size: 12,
  read: (bytes, at) => ({
    globalAdministrator: readUint32(bytes, at),
    localData1: readUint32(bytes, at + 4),
    localData2: readUint32(bytes, at + 8),
  }),
  encode: (values, writer) => {
    for (const value of values) {
      writer.uint32(value.globalAdministrator);
      writer.uint32(value.localData1);
      writer.uint32(value.localData2);
    }
  },
  text: largeCommunityText,
});

/** `"64512:100"`, or the name of a well-known community. */
export function communityText(value: number): string {
  return BY_NUMBER.get(value) ?? `${value >>> 16}:${value & 0xffff}`;
}

/** `"64512:1:2"` */
export function largeCommunityText(value: LargeCommunity): string {
  return `${value.globalAdministrator}:${value.localData1}:${value.localData2}`;
}

/** A community from `"a:b"` or a well-known name. @throws RangeError naming the text where it is neither. */
export function parseCommunity(text: string): number {
  const value = tryCommunity(text);
  if (value === undefined) {
    throw new RangeError(`not a community: ${JSON.stringify(text)} (expected "a:b" or a well-known name)`);
  }
  return value;
}

/** A large community from `"a:b:c"`. @throws RangeError naming the text where it is none. */
export function parseLargeCommunity(text: string): LargeCommunity {
  const value = tryLargeCommunity(text);
  if (value === undefined) {
    throw new RangeError(`not a large community: ${JSON.stringify(text)} (expected "a:b:c")`);
  }
  return value;
}

/**
 * Sorts texts into standard (`"a:b"`, or a well-known name such as `"no-export"`) and large (`"a:b:c"`) communities.
 * @throws RangeError naming the text where it is neither.
 */
export function parseCommunities(texts: readonly string[]): {
  readonly communities: readonly number[];
  readonly largeCommunities: readonly LargeCommunity[];
} {
  const standard: number[] = [];
  const large: LargeCommunity[] = [];
  for (const text of texts) {
    const value = tryCommunity(text);
    const wide = value === undefined ? tryLargeCommunity(text) : undefined;
    if (value !== undefined) standard.push(value);
    else if (wide !== undefined) large.push(wide);
    else throw new RangeError(`not a community: ${JSON.stringify(text)} (expected "a:b" or "a:b:c")`);
  }
  return { communities: standard, largeCommunities: large };
}

function tryCommunity(text: string): number | undefined {
  const [a, b] = numbers(text, 2, 0xffff);
  return b === undefined ? BY_NAME.get(text) : a! * 65536 + b;
}

function tryLargeCommunity(text: string): LargeCommunity | undefined {
  const [globalAdministrator, localData1, localData2] = numbers(text, 3, 0xffffffff);
  if (localData2 === undefined) return undefined;
  return { globalAdministrator: globalAdministrator!, localData1: localData1!, localData2 };
}

/** The `count` numbers up to `maximum` that stand between colons; none where it is anything else. */
function numbers(text: string, count: number, maximum: number): number[] {
  const parts = text.split(':');
  if (parts.length !== count || !parts.every((part) => /^\d{1,10}$/.test(part))) return [];
  const values = parts.map(Number);
  return values.every((value) => value <= maximum) ? values : [];
}
