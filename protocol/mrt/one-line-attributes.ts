/** Path attributes as bgpdump -m prints them, straight from their octets. */
import { readUint16, readUint32 } from '../bgp/byte-writer.ts';
import { formatIpv4 } from '../ip/ipv4.ts';
import { forEachAttribute } from './attributes.ts';
import { addressText } from './one-line-address.ts';

/** What of a route stands behind its prefix in a line. */
export interface OneLineAttributes {
  /** AS path, origin. */
  readonly head: string;
  /** From NEXT_HOP. */
  readonly nextHop: string;
  /** Value of MP_REACH_NLRI. */
  readonly mpReach: Uint8Array | undefined;
  /** LOCAL_PREF, MED, communities, AG or NAG, aggregator. */
  readonly tail: string;
}

/** What stands for a next hop that is not there. */
const NO_NEXT_HOP = '255.255.255.255';
const BAD_PATH = '! Error !';
const ORIGINS = ['IGP', 'EGP', 'INCOMPLETE'];
const AS_TRANS = 23456;

const WELL_KNOWN: ReadonlyMap<number, string> = new Map([
  [0xffffff01, 'no-export'],
  [0xffffff02, 'no-advertise'],
  [0xffffff03, 'local-AS'],
]);

/** Segment types: AS_SET, AS_SEQUENCE, AS_CONFED_SEQUENCE, AS_CONFED_SET (RFC 4271 §4.3, RFC 5065 §3). */
const OPEN = ['', '{', '', '(', '['];
const CLOSE = ['', '}', '', ')', ']'];
const SEPARATOR = ['', ',', ' ', ' ', ','];

/** The attributes as text. @param size octets of an AS number in AS_PATH and AGGREGATOR. */
export function oneLineAttributes(bytes: Uint8Array, size: 2 | 4): OneLineAttributes {
  let path = '';
  let as4Path: Uint8Array | undefined;
  let asPath: Uint8Array | undefined;
  let origin = 2;
  let nextHop = NO_NEXT_HOP;
  let localPref = 0;
  let med = 0;
  let communities = '';
  let atomic = 'NAG';
  let aggregatorAs = 0;
  let aggregatorId: number | undefined;
  let as4Aggregator: number | undefined;
  let as4AggregatorId = 0;
  let mpReach: Uint8Array | undefined;
  forEachAttribute(bytes, (type, _start, value, end) => {
    const length = end - value;
    switch (type) {
      case 1:
        if (length > 0) origin = bytes[value]!;
        return;
      case 2:
        path = pathText(bytes, value, end, size);
        if (size === 2) asPath = bytes.subarray(value, end);
        return;
      case 3:
        if (length >= 4) nextHop = formatIpv4(readUint32(bytes, value));
        return;
      case 4:
        if (length >= 4) med = readUint32(bytes, value);
        return;
      case 5:
        if (length >= 4) localPref = readUint32(bytes, value);
        return;
      case 6:
        atomic = 'AG';
        return;
      case 7:
        if (length < size + 4) return;
        aggregatorAs = size === 4 ? readUint32(bytes, value) : readUint16(bytes, value);
        aggregatorId = readUint32(bytes, value + size);
        return;
      case 8:
        communities = communitiesText(bytes, value, end);
        return;
      case 14:
        mpReach = bytes.subarray(value, end);
        return;
      case 17:
        as4Path = bytes.subarray(value, end);
        return;
      case 18:
        if (length < 8) return;
        as4Aggregator = readUint32(bytes, value);
        as4AggregatorId = readUint32(bytes, value + 4);
    }
  });
  // RFC 6793 §4.2.3: what a speaker with short AS numbers wrote into AGGREGATOR makes AS4_PATH void.
  let merge = size === 2;
  if (merge && aggregatorId !== undefined && as4Aggregator !== undefined) {
    if (aggregatorAs === AS_TRANS) {
      aggregatorAs = as4Aggregator;
      aggregatorId = as4AggregatorId;
    } else merge = false;
  }
  if (merge && asPath !== undefined && as4Path !== undefined) path = mergedPath(asPath, as4Path) ?? path;
  const aggregator =
    aggregatorId === undefined || aggregatorId === 0xffffffff
      ? ''
      : `${aggregatorAs} ${formatIpv4(aggregatorId)}`;
  return {
    head: `${path}|${ORIGINS[origin] ?? 'INCOMPLETE'}|`,
    nextHop,
    mpReach,
    tail: `|${localPref}|${med}|${communities}|${atomic}|${aggregator}|\n`,
  };
}

/** The first address of a next hop that has any. */
export function nextHopText(nextHop: Uint8Array): string {
  if (nextHop.length === 4) return addressText(nextHop);
  return nextHop.length >= 16 ? addressText(nextHop.subarray(0, 16)) : NO_NEXT_HOP;
}

/** `"65001 {65002,65003} (65004)"`. */
function pathText(bytes: Uint8Array, start: number, end: number, size: 2 | 4): string {
  let text = '';
  for (let at = start; at < end; ) {
    const type = bytes[at]!;
    const next = at + 2 + (bytes[at + 1] ?? 0) * size;
    if (type < 1 || type > 4 || next > end || at + 2 > end) return BAD_PATH;
    if (text !== '') text += ' ';
    text += OPEN[type];
    const separator = SEPARATOR[type]!;
    for (let i = at + 2; i < next; i += size) {
      const asn = size === 4 ? readUint32(bytes, i) : readUint16(bytes, i);
      text += i === at + 2 ? asn : separator + asn;
    }
    text += CLOSE[type];
    at = next;
  }
  return text;
}

/** As many ASes of AS_PATH as AS4_PATH lacks, then AS4_PATH (RFC 6793 §4.2.3); `undefined` where it has more. */
function mergedPath(asPath: Uint8Array, as4Path: Uint8Array): string | undefined {
  let keep = pathLength(asPath, 2) - pathLength(as4Path, 4);
  if (keep < 0) return undefined;
  const texts: string[] = [];
  for (let at = 0; at + 2 <= asPath.length && keep > 0; ) {
    const type = asPath[at]!;
    const next = at + 2 + asPath[at + 1]! * 2;
    const end = isSet(type) ? next : Math.min(next, at + 2 + keep * 2);
    const segment = asPath.slice(at, end);
    segment[1] = (end - at - 2) / 2;
    texts.push(pathText(segment, 0, segment.length, 2));
    keep -= isSet(type) ? 1 : segment[1];
    at = next;
  }
  const rest = pathText(as4Path, 0, as4Path.length, 4);
  if (rest !== '') texts.push(rest);
  return texts.join(' ');
}

function isSet(type: number): boolean {
  return type === 1 || type === 4;
}

function pathLength(bytes: Uint8Array, size: 2 | 4): number {
  let length = 0;
  for (let at = 0; at + 2 <= bytes.length; at += 2 + bytes[at + 1]! * size) {
    length += isSet(bytes[at]!) ? 1 : bytes[at + 1]!;
  }
  return length;
}

function communitiesText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at + 4 <= end; at += 4) {
    const high = readUint16(bytes, at);
    const named = high === 0xffff ? WELL_KNOWN.get(readUint32(bytes, at)) : undefined;
    if (text !== '') text += ' ';
    text += named ?? `${high}:${readUint16(bytes, at + 2)}`;
  }
  return text;
}
