/** What route selection, import and export ask about a set, read from its octets in one pass. */
import {
  GRACEFUL_SHUTDOWN,
  LLGR_STALE,
  NO_ADVERTISE,
  NO_EXPORT,
  NO_EXPORT_SUBCONFED,
  NO_LLGR,
} from '../attribute/communities.ts';
import { readUint32 } from '../byte-writer.ts';
import {
  AIGP,
  AS_PATH,
  attributeEnd,
  attributesStart,
  CLUSTER_LIST,
  COMMUNITIES,
  LOCAL_PREF,
  MED,
  ONLY_TO_CUSTOMER,
  ORIGIN,
  ORIGINATOR_ID,
  valueStart,
} from './attribute-set.ts';
import { DEFAULT_LOCAL_PREF } from './route.ts';

/** Bits of {@link Summary.flags}: communities that the RIB itself heeds, then attributes that are there. */
export const HAS_NO_EXPORT = 0x001;
export const HAS_NO_ADVERTISE = 0x002;
export const HAS_NO_EXPORT_SUBCONFED = 0x004;
export const HAS_GRACEFUL_SHUTDOWN = 0x008;
export const HAS_LLGR_STALE = 0x010;
export const HAS_NO_LLGR = 0x020;
export const HAS_MED = 0x040;
export const HAS_AIGP = 0x080;
export const HAS_CONFEDERATION_SEGMENT = 0x100;

const COMMUNITY_FLAGS: ReadonlyMap<number, number> = new Map([
  [NO_EXPORT, HAS_NO_EXPORT],
  [NO_ADVERTISE, HAS_NO_ADVERTISE],
  [NO_EXPORT_SUBCONFED, HAS_NO_EXPORT_SUBCONFED],
  [GRACEFUL_SHUTDOWN, HAS_GRACEFUL_SHUTDOWN],
  [LLGR_STALE, HAS_LLGR_STALE],
  [NO_LLGR, HAS_NO_LLGR],
]);

/** Filled anew by every {@link summarize}. */
export interface Summary {
  flags: number;
  /** 100 where absent. */
  localPref: number;
  /** AS_SET counts 1, confederation segments nothing (RFC 4271 §9.1.2.2 a, RFC 5065 §5.3). */
  pathLength: number;
  origin: number;
  /** 0 where absent: the lowest, so the best (§9.1.2.2 c). */
  med: number;
  /** Leftmost AS where the path begins with a sequence, confederation segments aside; 0 for none. */
  neighbourAs: number;
  /** 0 where absent. */
  originatorId: number;
  clusterLength: number;
  /** 0 where absent. */
  otc: number;
}

/** A summary to be filled. */
export function emptySummary(): Summary {
  return {
    flags: 0,
    localPref: DEFAULT_LOCAL_PREF,
    pathLength: 0,
    origin: 0,
    med: 0,
    neighbourAs: 0,
    originatorId: 0,
    clusterLength: 0,
    otc: 0,
  };
}

/** Reads the set that stands in `bytes` from `start` to `end`. */
export function summarize(bytes: Uint8Array, start: number, end: number, into: Summary): void {
  into.flags = 0;
  into.localPref = DEFAULT_LOCAL_PREF;
  into.pathLength = 0;
  into.origin = 0;
  into.med = 0;
  into.neighbourAs = 0;
  into.originatorId = 0;
  into.clusterLength = 0;
  into.otc = 0;
  for (let at = attributesStart(bytes, start); at < end; ) {
    const after = attributeEnd(bytes, at);
    read(bytes, bytes[at + 1]!, valueStart(bytes, at), after, into);
    at = after;
  }
}

function read(bytes: Uint8Array, type: number, value: number, end: number, into: Summary): void {
  switch (type) {
    case ORIGIN:
      into.origin = bytes[value]!;
      return;
    case AS_PATH:
      readPath(bytes, value, end, into);
      return;
    case MED:
      into.med = readUint32(bytes, value);
      into.flags |= HAS_MED;
      return;
    case LOCAL_PREF:
      into.localPref = readUint32(bytes, value);
      return;
    case COMMUNITIES:
      for (let at = value; at < end; at += 4) {
        // All of them begin with 0xffff.
        if (bytes[at] === 0xff && bytes[at + 1] === 0xff) {
          into.flags |= COMMUNITY_FLAGS.get(readUint32(bytes, at)) ?? 0;
        }
      }
      return;
    case ORIGINATOR_ID:
      into.originatorId = readUint32(bytes, value);
      return;
    case CLUSTER_LIST:
      into.clusterLength = (end - value) >> 2;
      return;
    case AIGP:
      into.flags |= HAS_AIGP;
      return;
    case ONLY_TO_CUSTOMER:
      into.otc = readUint32(bytes, value);
  }
}

function readPath(bytes: Uint8Array, value: number, end: number, into: Summary): void {
  let first = true;
  for (let at = value; at < end; ) {
    const segment = bytes[at]!;
    const count = bytes[at + 1]!;
    if (segment > 2) into.flags |= HAS_CONFEDERATION_SEGMENT;
    else {
      if (first && segment === 2) into.neighbourAs = readUint32(bytes, at + 2);
      first = false;
      into.pathLength += segment === 2 ? count : 1;
    }
    at += 2 + 4 * count;
  }
}
