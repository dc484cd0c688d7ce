import { readUint16, readUint32 } from '../bytes/uint.ts';

/** LINKTYPE_ values (tcpdump.org/linktypes.html) of links that carry IP. */
const LINKTYPE_NULL = 0;
const LINKTYPE_ETHERNET = 1;
const LINKTYPE_RAW = 101;
const LINKTYPE_LOOP = 108;
const LINKTYPE_LINUX_SLL = 113;
const LINKTYPE_IPV4 = 228;
const LINKTYPE_IPV6 = 229;
const LINKTYPE_LINUX_SLL2 = 276;
/** What DLT_RAW is on some systems; tools there write it as it is. */
const DLT_RAW = 12;
const DLT_RAW_OPENBSD = 14;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q, 802.1ad, and what Q-in-Q was before that. */
const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100, 0x9200]);

/** AF_INET of all BSDs, and their different AF_INET6. */
const BSD_IPV4 = 2;
const BSD_IPV6: ReadonlySet<number> = new Set([10, 24, 28, 30]);

/** Whether packets of a link type can be looked into. */
export function isKnownLinkType(linkType: number): boolean {
  return linkType in IP_OFFSETS;
}

/** Where the IP packet of a frame begins; undefined where it carries none, or the link type is not known. */
export function ipOffset(linkType: number, frame: Uint8Array): number | undefined {
  const offset = IP_OFFSETS[linkType]?.(frame);
  return offset === undefined || offset >= frame.length ? undefined : offset;
}

const IP_OFFSETS: Readonly<Record<number, (frame: Uint8Array) => number | undefined>> = {
  // The family is in the byte order of the machine that captured.
  [LINKTYPE_NULL]: (frame) => bsdLoopback(readUint32(frame, 0)) ?? bsdLoopback(swap(readUint32(frame, 0))),
  [LINKTYPE_LOOP]: (frame) => bsdLoopback(readUint32(frame, 0)),
  [LINKTYPE_ETHERNET]: (frame) => afterEthertype(frame, 12, 14),
  [LINKTYPE_LINUX_SLL]: (frame) => afterEthertype(frame, 14, 16),
  [LINKTYPE_LINUX_SLL2]: (frame) => afterEthertype(frame, 0, 20),
  [LINKTYPE_RAW]: () => 0,
  [DLT_RAW]: () => 0,
  [DLT_RAW_OPENBSD]: () => 0,
  [LINKTYPE_IPV4]: () => 0,
  [LINKTYPE_IPV6]: () => 0,
};

function bsdLoopback(family: number): number | undefined {
  return family === BSD_IPV4 || BSD_IPV6.has(family) ? 4 : undefined;
}

function swap(value: number): number {
  return ((value >>> 24) | ((value >>> 8) & 0xff00) | ((value & 0xff00) << 8) | (value << 24)) >>> 0;
}

/** Follows VLAN tags: each is a type, then two octets of tag and the next type before the payload. */
function afterEthertype(frame: Uint8Array, typeAt: number, payloadAt: number): number | undefined {
  let type = readUint16(frame, typeAt);
  let at = payloadAt;
  while (VLAN_TAGS.has(type) && at + 4 <= frame.length) {
    type = readUint16(frame, at + 2);
    at += 4;
  }
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? at : undefined;
}
