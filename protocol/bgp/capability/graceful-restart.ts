/**
 * Graceful Restart, code 64, RFC 4724 §3:
 *
 *   0: 4 bits flags (8 = restarting, 4 = notification, RFC 8538 §2), 12 bits restart time in seconds
 *   then per family: 2 AFI · 1 SAFI · 1 flags (0x80 = forwarding state preserved)
 */
import { readUint16 } from '../byte-writer.ts';
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';
import {
  entriesText,
  entryFields,
  type FamilyEntry,
  readEntries,
  readFamily,
  writeFamily,
} from './family-list.ts';

/** F bit of a family, of long-lived graceful restart as well. */
export const FORWARDING = 0x80;

const HEAD = 2;
const RESTARTING = 0x8000;
const NOTIFICATION = 0x4000;
const TIME = 0x0fff;

type GracefulFamily = AfiSafi & { readonly forwarding: boolean };

export interface GracefulRestartCapability {
  readonly kind: 'graceful-restart';
  readonly restarting: boolean;
  readonly notification: boolean;
  /** Seconds, 0 to 4095. */
  readonly restartTime: number;
  readonly families: readonly GracefulFamily[];
}

const entry: FamilyEntry<GracefulFamily> = {
  size: 4,
  read: (bytes, at) => ({ ...readFamily(bytes, at), forwarding: (bytes[at + 3]! & FORWARDING) !== 0 }),
  write(family, writer) {
    writeFamily(family, writer);
    writer.uint8(family.forwarding ? FORWARDING : 0);
  },
  show: ({ forwarding }) => (forwarding ? 'forwarding' : ''),
};

export const gracefulRestart: CapabilityCodec<GracefulRestartCapability> = {
  code: 64,
  kind: 'graceful-restart',
  name: 'Graceful Restart',
  rfc: 'RFC 4724 §3',
  malformed: 'session-reset',
  decode(value) {
    const families = readEntries(entry, value, HEAD);
    if (families === undefined) return undefined;
    const head = readUint16(value, 0);
    return {
      kind: 'graceful-restart',
      restarting: (head & RESTARTING) !== 0,
      notification: (head & NOTIFICATION) !== 0,
      restartTime: head & TIME,
      families,
    };
  },
  encode(capability, writer) {
    const flags = (capability.restarting ? RESTARTING : 0) | (capability.notification ? NOTIFICATION : 0);
    writer.uint16(flags | (capability.restartTime & TIME));
    for (const family of capability.families) entry.write(family, writer);
  },
  text({ restarting, notification, restartTime, families }) {
    const flags = `${restarting ? ' restarting' : ''}${notification ? ' notification' : ''}`;
    return `time ${restartTime}${flags}${families.length === 0 ? '' : `, ${entriesText(entry, families)}`}`;
  },
  fields(value, offset) {
    const head = readUint16(value, 0);
    return [
      {
        name: 'flags and restart time',
        offset,
        length: HEAD,
        value: head,
        text: `R ${head & RESTARTING ? 1 : 0}, N ${head & NOTIFICATION ? 1 : 0}, ${head & TIME} s`,
      },
      ...entryFields(entry, value, HEAD, offset),
    ];
  },
};
