import type { RouteTime } from '../../protocol/bmp/monitoring-writer.ts';

/** What stands where the time is not known. */
export const NO_TIME: RouteTime = { seconds: 0, microseconds: 0 };

/** Wall-clock nanoseconds as per-peer headers have them. */
export function bmpTime(nanos: bigint): RouteTime {
  return {
    seconds: Number(nanos / 1_000_000_000n),
    microseconds: Number((nanos / 1000n) % 1_000_000n),
  };
}
