import type { InterfaceDescription } from './interface-description.ts';

const NANOS_PER_SECOND = 1_000_000_000n;

/**
 * Nanoseconds since the epoch of a timestamp on an interface, from its if_tsresol (absent: microseconds) and
 * if_tsoffset. Finer resolutions are cut off. (draft-ietf-opsawg-pcapng, "Interface Description Block".)
 */
export function timestampNanos(
  ticks: bigint,
  description: Pick<InterfaceDescription, 'timestampResolution' | 'timestampOffset'>,
): bigint {
  const resolution = description.timestampResolution ?? 6;
  const exponent = BigInt(resolution & 0x7f);
  const perSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
  return (ticks * NANOS_PER_SECOND) / perSecond + (description.timestampOffset ?? 0n) * NANOS_PER_SECOND;
}
