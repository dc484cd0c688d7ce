/**
 * COMMUNITIES, type 8, RFC 1997: 4 octets each
 * EXTENDED COMMUNITIES, type 16, RFC 4360 §2: 8 octets each
 * LARGE_COMMUNITY, type 32, RFC 8092 §3: 12 octets each (global administrator, local data 1, local data 2)
 */
import { type ByteWriter, readUint32 } from '../byte-writer.ts';
import { type AttributeCodec, expectItems, OPTIONAL, TRANSITIVE } from './codec.ts';

export const NO_EXPORT = 0xffffff01;
export const NO_ADVERTISE = 0xffffff02;
export const NO_EXPORT_SUBCONFED = 0xffffff03;

/** An extended community by its two halves; type and subtype are the top 16 bits of `high`. */
export interface ExtendedCommunity {
  readonly high: number;
  readonly low: number;
}

export interface LargeCommunity {
  readonly globalAdministrator: number;
  readonly localData1: number;
  readonly localData2: number;
}

export const communities: AttributeCodec<readonly number[]> = {
  ...list('COMMUNITIES', 8, 4, readUint32),
  encode: (values, writer) => {
    for (const value of values) writer.uint32(value);
  },
};

export const extendedCommunities: AttributeCodec<readonly ExtendedCommunity[]> = {
  ...list('EXTENDED_COMMUNITIES', 16, 8, (bytes, at) => ({
    high: readUint32(bytes, at),
    low: readUint32(bytes, at + 4),
  })),
  encode: (values, writer) => {
    for (const value of values) {
      writer.uint32(value.high);
      writer.uint32(value.low);
    }
  },
};

export const largeCommunities: AttributeCodec<readonly LargeCommunity[]> = {
  ...list('LARGE_COMMUNITY', 32, 12, (bytes, at) => ({
    globalAdministrator: readUint32(bytes, at),
    localData1: readUint32(bytes, at + 4),
    localData2: readUint32(bytes, at + 8),
  })),
  encode: (values, writer) => {
    for (const value of values) writeLarge(value, writer);
  },
};

function writeLarge(value: LargeCommunity, writer: ByteWriter): void {
  writer.uint32(value.globalAdministrator);
  writer.uint32(value.localData1);
  writer.uint32(value.localData2);
}

function list<T>(
  name: string,
  type: number,
  size: number,
  read: (bytes: Uint8Array, at: number) => T,
): Omit<AttributeCodec<readonly T[]>, 'encode'> {
  return {
    type,
    name,
    flags: OPTIONAL | TRANSITIVE,
    malformed: 'treat-as-withdraw',
    decode(value, _context, offset) {
      expectItems(name, value, size, offset);
      const items: T[] = [];
      for (let at = 0; at < value.length; at += size) items.push(read(value, at));
      return items;
    },
  };
}

const WELL_KNOWN: readonly (readonly [string, number])[] = [
  ['no-export', NO_EXPORT],
  ['no-advertise', NO_ADVERTISE],
  ['no-export-subconfed', NO_EXPORT_SUBCONFED],
];

/** `"64512:100"`, or the name of a well-known community. */
export function communityText(value: number): string {
  const known = WELL_KNOWN.find(([, number]) => number === value);
  return known?.[0] ?? `${value >>> 16}:${value & 0xffff}`;
}

/** `"64512:1:2"` */
export function largeCommunityText(value: LargeCommunity): string {
  return `${value.globalAdministrator}:${value.localData1}:${value.localData2}`;
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
    const known = WELL_KNOWN.find(([name]) => name === text);
    const parts = text.split(':').map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : Number.NaN));
    const [a, b, c] = parts as [number, number, number];
    if (known !== undefined) standard.push(known[1]);
    else if (parts.length === 2 && a <= 0xffff && b <= 0xffff) standard.push(a * 65536 + b);
    else if (parts.length === 3 && parts.every((part) => part <= 0xffffffff)) {
      large.push({ globalAdministrator: a, localData1: b, localData2: c });
    } else throw new RangeError(`not a community: ${JSON.stringify(text)} (expected "a:b" or "a:b:c")`);
  }
  return { communities: standard, largeCommunities: large };
}
