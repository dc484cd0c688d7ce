import { readUint16, readUint32 } from '../bytes/uint.ts';
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_IPV4, etherType } from '../ethernet/ethernet.ts';
import { isIpv4Fragment, PROTOCOL_TCP, PROTOCOL_UDP } from '../ipv4/header.ts';
import { hasVni, VXLAN_HEADER_LENGTH, VXLAN_PORT } from '../vxlan/header.ts';

/** How much of the payload takes part in the id. */
const PAYLOAD = 64;

/**
 * A 64-bit id of the IPv4 packet at `offset`, of which `length` bytes are there: a hash over what does not change hop
 * by hop (addresses, protocol, identification, fragment field, total length, the first 64 bytes of the payload), so
 * that every node and process gives one packet the same id. TTL, TOS and header checksum take no part, nor do UDP and
 * TCP checksums (a TAP with checksum offload leaves them to be filled in later). Never throws; anything shorter than
 * an IPv4 header is hashed as it is.
 */
export function packetId(ipPacket: Uint8Array, offset: number, length: number): bigint {
  const end = offset + Math.min(length, ipPacket.length - offset);
  if (end - offset < 20) return bytesId(ipPacket, offset, end, -1);
  reset();
  const fragment = readUint16(ipPacket, offset + 6);
  const totalLength = readUint16(ipPacket, offset + 2);
  add(readUint32(ipPacket, offset + 12));
  add(readUint32(ipPacket, offset + 16));
  add((ipPacket[offset + 9]! << 16) | readUint16(ipPacket, offset + 4));
  add((fragment << 16) | totalLength);
  const payload = offset + ((ipPacket[offset]! & 15) << 2);
  const payloadEnd = Math.min(end, offset + totalLength, payload + PAYLOAD);
  addBytes(ipPacket, payload, payloadEnd, checksumAt(ipPacket[offset + 9]!, fragment, payload));
  return finish();
}

/** The id as 16 hex digits, for captures and JSON. */
export function formatPacketId(id: bigint): string {
  return id.toString(16).padStart(16, '0');
}

/** A range of bytes. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** The IPv4 packet in the Ethernet frame at `offset` (one 802.1Q tag is skipped), or `undefined`. */
export function ipv4InFrame(
  frame: Uint8Array,
  offset = 0,
  length: number = frame.length - offset,
): Span | undefined {
  if (length < ETHERNET_HEADER_LENGTH) return undefined;
  const tag = etherType(frame, offset) === 0x8100 ? 4 : 0;
  const header = ETHERNET_HEADER_LENGTH + tag;
  if (length < header + 20 || etherType(frame, offset + tag) !== ETHERTYPE_IPV4) return undefined;
  return frame[offset + header]! >>> 4 === 4
    ? { offset: offset + header, length: length - header }
    : undefined;
}

/**
 * The inner IPv4 packet where the IPv4 packet at `offset` is UDP to a VXLAN port and carries one; `undefined`
 * otherwise.
 */
export function innerIpv4OfVxlan(
  packet: Uint8Array,
  offset = 0,
  length: number = packet.length - offset,
  port: number = VXLAN_PORT,
): Span | undefined {
  if (length < 20 || packet[offset]! >>> 4 !== 4 || packet[offset + 9] !== PROTOCOL_UDP) return undefined;
  if (isIpv4Fragment(packet, offset)) return undefined;
  const udp = (packet[offset]! & 15) << 2;
  if (udp < 20 || length < udp + 8 || readUint16(packet, offset + udp + 2) !== port) return undefined;
  return innerIpv4OfVxlanPayload(packet, offset + udp + 8, length - udp - 8);
}

/** The inner IPv4 packet of the VXLAN payload (header on) at `offset`, or `undefined`. */
export function innerIpv4OfVxlanPayload(
  payload: Uint8Array,
  offset: number,
  length: number,
): Span | undefined {
  if (length < VXLAN_HEADER_LENGTH || !hasVni(payload, offset)) return undefined;
  return ipv4InFrame(payload, offset + VXLAN_HEADER_LENGTH, length - VXLAN_HEADER_LENGTH);
}

/** Id of any bytes, e.g. an ARP packet, by the same hash. */
export function bytesId(bytes: Uint8Array, start: number, end: number, skip = -1): bigint {
  reset();
  addBytes(bytes, start, end, skip);
  return finish();
}

/** Where the transport checksum is, or -1. */
function checksumAt(protocol: number, fragment: number, payload: number): number {
  if ((fragment & 0x1fff) !== 0) return -1;
  return protocol === PROTOCOL_UDP ? payload + 6 : protocol === PROTOCOL_TCP ? payload + 16 : -1;
}

// Two lanes of 32-bit multiply-rotate mixing with different constants; module state, so that nothing is allocated.
let laneA = 0;
let laneB = 0;
let words = 0;

function reset(): void {
  laneA = 0x243f6a88;
  laneB = 0x13198a2e;
  words = 0;
}

function add(word: number): void {
  const a = Math.imul(laneA ^ word, 0x9e3779b1);
  laneA = Math.imul((a << 15) | (a >>> 17), 0x85ebca77);
  const b = Math.imul(laneB + word, 0xc2b2ae3d);
  laneB = Math.imul(((b << 13) | (b >>> 19)) ^ word, 0x27d4eb2f);
  words++;
}

function addBytes(bytes: Uint8Array, start: number, end: number, skip: number): void {
  for (let at = start; at < end; at += 4) {
    let word = 0;
    for (let i = at; i < at + 4; i++) {
      const byte = i < end && i !== skip && (skip < 0 || i !== skip + 1) ? bytes[i]! : 0;
      word = (word << 8) | byte;
    }
    add(word);
  }
}

function finish(): bigint {
  const a = avalanche(laneA ^ words);
  const b = avalanche(laneB ^ a);
  return (BigInt(avalanche(a + b) >>> 0) << 32n) | BigInt(b >>> 0);
}

function avalanche(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
