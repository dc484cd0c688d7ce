/**
 * Graceful Restart, code 64, RFC 4724 §3:
 *
 *   0: 4 bits flags (8 = restarting, 4 = notification, RFC 8538 §2), 12 bits restart time in seconds
 *   then per family: 2 AFI · 1 SAFI · 1 flags (0x80 = forwarding state preserved)
 */
import { readUint16 } from '../byte-writer.ts';
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';

export interface GracefulRestartCapability {
  readonly kind: 'graceful-restart';
  readonly restarting: boolean;
  readonly notification: boolean;
  /** Seconds, 0 to 4095. */
  readonly restartTime: number;
  readonly families: readonly (AfiSafi & { readonly forwarding: boolean })[];
}

export const gracefulRestart: CapabilityCodec<GracefulRestartCapability> = {
  code: 64,
  kind: 'graceful-restart',
  decode(value) {
    if (value.length % 4 !== 2) return undefined;
    const families: (AfiSafi & { forwarding: boolean })[] = [];
    for (let at = 2; at < value.length; at += 4) {
      families.push({
        afi: readUint16(value, at),
        safi: value[at + 2]!,
        forwarding: (value[at + 3]! & 0x80) !== 0,
      });
    }
    const head = readUint16(value, 0);
    return {
      kind: 'graceful-restart',
      restarting: (head & 0x8000) !== 0,
      notification: (head & 0x4000) !== 0,
      restartTime: head & 0x0fff,
      families,
    };
  },
  encode(capability, writer) {
    const flags = (capability.restarting ? 0x8000 : 0) | (capability.notification ? 0x4000 : 0);
    writer.uint16(flags | (capability.restartTime & 0x0fff));
    for (const family of capability.families) {
      writer.uint16(family.afi);
      writer.uint8(family.safi);
      writer.uint8(family.forwarding ? 0x80 : 0);
    }
  },
};
