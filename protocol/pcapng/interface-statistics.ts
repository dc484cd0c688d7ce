import { BlockWriter } from './block-writer.ts';
import type { BodyReader } from './body-reader.ts';
import { comments, decodeOptions } from './option.ts';

/**
 * Interface Statistics Block (draft-ietf-opsawg-pcapng, "Interface Statistics Block"):
 *
 *   u32 type 5 | u32 total length | u32 interface id | u32 timestamp high | u32 timestamp low | options | u32 total length
 */
export interface InterfaceStatistics {
  readonly kind: 'interface-statistics';
  readonly interfaceId: number;
  /** When the numbers were taken; ticks of the interface, like all times here. */
  readonly timestamp: bigint;
  readonly startTime?: bigint;
  readonly endTime?: bigint;
  /** Packets seen on the interface. */
  readonly received?: bigint;
  /** Packets of those that are missing from the capture for lack of room. */
  readonly dropped?: bigint;
  readonly filterAccepted?: bigint;
  readonly osDropped?: bigint;
  /** Packets handed to the reader. */
  readonly delivered?: bigint;
  readonly comments?: readonly string[];
}

export const INTERFACE_STATISTICS_TYPE = 5;

const START_TIME = 2;
const END_TIME = 3;
const RECEIVED = 4;
const DROPPED = 5;
const FILTER_ACCEPTED = 6;
const OS_DROPPED = 7;
const DELIVERED = 8;

/** Bytes of a statistics block, little-endian. */
export function encodeInterfaceStatistics(statistics: Omit<InterfaceStatistics, 'kind'>): Uint8Array {
  const writer = new BlockWriter(INTERFACE_STATISTICS_TYPE);
  writer.u32(statistics.interfaceId);
  writer.timestamp(statistics.timestamp);
  writer.optionTimestamp(START_TIME, statistics.startTime);
  writer.optionTimestamp(END_TIME, statistics.endTime);
  writer.optionU64(RECEIVED, statistics.received);
  writer.optionU64(DROPPED, statistics.dropped);
  writer.optionU64(FILTER_ACCEPTED, statistics.filterAccepted);
  writer.optionU64(OS_DROPPED, statistics.osDropped);
  writer.optionU64(DELIVERED, statistics.delivered);
  writer.comments(statistics.comments);
  return writer.finish();
}

/** Decodes the body. @throws DecodeError on short fields. */
export function decodeInterfaceStatistics(body: BodyReader): InterfaceStatistics {
  const interfaceId = body.u32('interface id');
  const timestamp = body.timestamp('timestamp');
  const options = decodeOptions(body);
  const result: { -readonly [K in keyof InterfaceStatistics]: InterfaceStatistics[K] } = {
    kind: 'interface-statistics',
    interfaceId,
    timestamp,
    ...comments(options),
  };
  for (const { code, value } of options) {
    if (code === START_TIME) result.startTime = value.timestamp('isb_starttime');
    else if (code === END_TIME) result.endTime = value.timestamp('isb_endtime');
    else if (code === RECEIVED) result.received = value.u64('isb_ifrecv');
    else if (code === DROPPED) result.dropped = value.u64('isb_ifdrop');
    else if (code === FILTER_ACCEPTED) result.filterAccepted = value.u64('isb_filteraccept');
    else if (code === OS_DROPPED) result.osDropped = value.u64('isb_osdrop');
    else if (code === DELIVERED) result.delivered = value.u64('isb_usrdeliv');
  }
  return result;
}
