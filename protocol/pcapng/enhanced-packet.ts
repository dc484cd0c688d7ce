import { BlockWriter } from './block-writer.ts';
import type { BodyReader } from './body-reader.ts';
import { comments, decodeOptions, type Option } from './option.ts';

/**
 * Enhanced Packet Block (draft-ietf-opsawg-pcapng, "Enhanced Packet Block"):
 *
 *   u32 type 6 | u32 total length | u32 interface id | u32 timestamp high | u32 timestamp low | u32 captured length |
 *   u32 original length | packet data, padded to 32 bits | options | u32 total length
 */
export interface EnhancedPacket {
  readonly kind: 'enhanced-packet';
  readonly interfaceId: number;
  /** In ticks of the interface's if_tsresol since the epoch. */
  readonly timestamp: bigint;
  readonly data: Uint8Array;
  /** Length on the wire, at least `data.length`. */
  readonly originalLength: number;
  /** epb_flags, the whole word; see {@link directionFlags} and {@link packetDirection}. */
  readonly flags?: number;
  /** Packets lost between the interface's packet before and this one. */
  readonly dropCount?: bigint;
  /** Same for one packet wherever it was seen. */
  readonly packetId?: bigint;
  readonly queue?: number;
  readonly verdicts?: readonly PacketVerdict[];
  readonly comments?: readonly string[];
}

/** What was done with the packet after it was seen (epb_verdict). */
export type PacketVerdict =
  | { readonly kind: 'hardware'; readonly data: Uint8Array }
  /** A TC_ACT_ value of Linux, e.g. 2, TC_ACT_SHOT: dropped. */
  | { readonly kind: 'tc'; readonly action: bigint }
  /** An xdp_action of Linux, e.g. 1, XDP_DROP. */
  | { readonly kind: 'xdp'; readonly action: bigint };

export type PacketDirection = 'inbound' | 'outbound';

export const ENHANCED_PACKET_TYPE = 6;

const FLAGS = 2;
const DROP_COUNT = 4;
const PACKET_ID = 5;
const QUEUE = 6;
const VERDICT = 7;
const VERDICT_KINDS = ['hardware', 'tc', 'xdp'] as const;

/** The epb_flags word that says no more than the direction (bits 0 and 1). */
export function directionFlags(direction: PacketDirection): number {
  return direction === 'inbound' ? 1 : 2;
}

/** Direction in an epb_flags word; undefined where it was not recorded. */
export function packetDirection(flags: number | undefined): PacketDirection | undefined {
  const bits = (flags ?? 0) & 3;
  if (bits === 1) return 'inbound';
  return bits === 2 ? 'outbound' : undefined;
}

/** Bytes of a packet block, little-endian; `data` is copied. */
export function encodeEnhancedPacket(packet: Omit<EnhancedPacket, 'kind'>): Uint8Array {
  const writer = new BlockWriter(ENHANCED_PACKET_TYPE, sizeHint(packet));
  writer.u32(packet.interfaceId);
  writer.timestamp(packet.timestamp);
  writer.u32(packet.data.length);
  writer.u32(packet.originalLength);
  writer.padded(packet.data);
  writer.optionU32(FLAGS, packet.flags);
  writer.optionU64(DROP_COUNT, packet.dropCount);
  writer.optionU64(PACKET_ID, packet.packetId);
  writer.optionU32(QUEUE, packet.queue);
  for (const verdict of packet.verdicts ?? []) writer.option(VERDICT, ...verdictBytes(verdict));
  writer.comments(packet.comments);
  return writer.finish();
}

/** Exact for a packet with flags and packet id alone, which is nearly every one. */
function sizeHint(packet: Omit<EnhancedPacket, 'kind'>): number {
  const more = packet.dropCount ?? packet.verdicts ?? packet.comments;
  return 32 + ((packet.data.length + 3) & ~3) + 8 + 12 + 4 + (more === undefined ? 0 : 100);
}

function verdictBytes(verdict: PacketVerdict): Uint8Array[] {
  const type = Uint8Array.of(VERDICT_KINDS.indexOf(verdict.kind));
  if (verdict.kind === 'hardware') return [type, verdict.data];
  const action = new Uint8Array(8);
  new DataView(action.buffer).setBigUint64(0, verdict.action, true);
  return [type, action];
}

/** Decodes the body; verdicts of other kinds are left out. @throws DecodeError on lengths beyond the block. */
export function decodeEnhancedPacket(body: BodyReader): EnhancedPacket {
  const interfaceId = body.u32('interface id');
  const timestamp = body.timestamp('timestamp');
  const capturedLength = body.u32('captured length');
  const originalLength = body.u32('original length');
  const data = body.padded(capturedLength, 'packet data').rest();
  const options = decodeOptions(body);
  const value = (wanted: number): BodyReader | undefined =>
    options.find(({ code }) => code === wanted)?.value;
  const flags = value(FLAGS)?.u32('epb_flags');
  const dropCount = value(DROP_COUNT)?.u64('epb_dropcount');
  const packetId = value(PACKET_ID)?.u64('epb_packetid');
  const queue = value(QUEUE)?.u32('epb_queue');
  return {
    kind: 'enhanced-packet',
    interfaceId,
    timestamp,
    data,
    originalLength,
    ...(flags === undefined ? {} : { flags }),
    ...(dropCount === undefined ? {} : { dropCount }),
    ...(packetId === undefined ? {} : { packetId }),
    ...(queue === undefined ? {} : { queue }),
    ...decodeVerdicts(options),
    ...comments(options),
  };
}

function decodeVerdicts(options: readonly Option[]): { verdicts?: readonly PacketVerdict[] } {
  const verdicts: PacketVerdict[] = [];
  for (const { code, value } of options) {
    if (code !== VERDICT) continue;
    const kind = VERDICT_KINDS[value.u8('epb_verdict type')];
    if (kind === 'hardware') verdicts.push({ kind, data: value.rest() });
    else if (kind !== undefined) verdicts.push({ kind, action: value.u64('epb_verdict action') });
  }
  return verdicts.length === 0 ? {} : { verdicts };
}
