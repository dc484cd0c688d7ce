// Messages and captures of sessions for tests of `podwire bgp decode`, made octet by octet.
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';

/** A message of `type` with this body in hex. */
export function message(type: number, body = ''): Uint8Array {
  const octets = fromHex(body);
  const length = (19 + octets.length).toString(16).padStart(4, '0');
  return fromHex(`${'ff'.repeat(16)} ${length} ${type.toString(16).padStart(2, '0')} ${toHex(octets)}`);
}

export const KEEPALIVE: Uint8Array = message(4);

/** An OPEN of an AS with these capabilities (code, then value in hex). */
export function open(asn: number, ...capabilities: readonly (readonly [number, string])[]): Uint8Array {
  const hex = (value: number, octets: number): string => value.toString(16).padStart(2 * octets, '0');
  const list = capabilities
    .map(([code, value]) => `${hex(code, 1)}${hex(value.length / 2, 1)}${value}`)
    .join('');
  const parameters = list === '' ? '' : `02 ${hex(list.length / 2, 1)} ${list}`;
  const length = fromHex(parameters).length;
  return message(1, `04 ${hex(Math.min(asn, 0xffff), 2)} 005a c0000201 ${hex(length, 1)} ${parameters}`);
}

/** An UPDATE with attributes and NLRI in hex. */
export function update(attributes: string, nlri: string): Uint8Array {
  const length = fromHex(attributes).length.toString(16).padStart(4, '0');
  return message(2, `0000 ${length} ${attributes} ${nlri}`);
}

/** ORIGIN and NEXT_HOP with an AS_PATH of 65001, with AS numbers of 2 or 4 octets. */
export function attributes(octets: 2 | 4): string {
  const path = octets === 2 ? '400204 0201 fde9' : '400206 0201 0000fde9';
  return `40010100 ${path} 400304 c0000201`;
}

/** A segment of a session between 192.0.2.1:40000 (0) and 192.0.2.2:179 (1). */
export interface Segment {
  readonly from: 0 | 1;
  readonly sequence: number;
  readonly syn?: boolean;
  readonly data?: Uint8Array;
}

const SYN = 0x02;
const ACK = 0x10;

/** An IPv4 packet with a segment, without checksums, as captures show what the network card completes. */
export function packet({ from, sequence, syn, data = new Uint8Array(0) }: Segment): Uint8Array {
  const bytes = new Uint8Array(40 + data.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  view.setUint16(2, bytes.length);
  bytes.set([64, 6, 0, 0, 192, 0, 2, from + 1, 192, 0, 2, 2 - from], 8);
  view.setUint16(20, from === 0 ? 40000 : 179);
  view.setUint16(22, from === 0 ? 179 : 40000);
  view.setUint32(24, sequence);
  bytes[32] = 0x50;
  bytes[33] = syn === true ? (from === 0 ? SYN : SYN | ACK) : ACK;
  bytes.set(data, 40);
  return bytes;
}

/** A pcap file of frames, one each millisecond from 2026-01-31 12:00 UTC. */
export function pcap(frames: readonly Uint8Array[], linkType = 101): Uint8Array {
  const bytes = new Uint8Array(24 + frames.reduce((sum, frame) => sum + 16 + frame.length, 0));
  const view = new DataView(bytes.buffer);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  u32(0, 0xa1b2c3d4);
  u32(4, 0x00040002);
  u32(16, 65535);
  u32(20, linkType);
  let at = 24;
  for (const [i, frame] of frames.entries()) {
    u32(at, Date.UTC(2026, 0, 31, 12) / 1000);
    u32(at + 4, 1000 * i);
    u32(at + 8, frame.length);
    u32(at + 12, frame.length);
    bytes.set(frame, at + 16);
    at += 16 + frame.length;
  }
  return bytes;
}

/** The two SYNs, then what each side sends in turn, each piece in a segment. */
export function session(pieces: readonly (readonly [0 | 1, Uint8Array])[], syn = true): Segment[] {
  const next = [1001, 5001];
  const segments: Segment[] = syn
    ? [
        { from: 0, sequence: 1000, syn: true },
        { from: 1, sequence: 5000, syn: true },
      ]
    : [];
  for (const [from, data] of pieces) {
    segments.push({ from, sequence: next[from]!, data });
    next[from]! += data.length;
  }
  return segments;
}
