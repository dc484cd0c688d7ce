/**
 * ADD-PATH, code 69, RFC 7911 §4: per family
 *
 *   0: 2 AFI · 2: 1 SAFI · 3: 1 (1 = can receive, 2 = can send, 3 = both)
 *
 * Other values of the last octet are kept here, and the entry is ignored by whoever uses it: see {@link addPathBits}.
 */
import type { AfiSafi } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';
import { type FamilyListCapability, familyListCodec, readFamily, writeFamily } from './family-list.ts';

export const ADD_PATH_RECEIVE = 1;
export const ADD_PATH_SEND = 2;

export type AddPathCapability = FamilyListCapability<'add-path', AfiSafi & { readonly sendReceive: number }>;

/** What an entry says its sender can do; neither where the value is none of 1 to 3 (RFC 7911 §4). */
export function addPathBits(sendReceive: number): { readonly send: boolean; readonly receive: boolean } {
  const known = sendReceive <= (ADD_PATH_SEND | ADD_PATH_RECEIVE);
  return {
    send: known && (sendReceive & ADD_PATH_SEND) !== 0,
    receive: known && (sendReceive & ADD_PATH_RECEIVE) !== 0,
  };
}

const WORDS = ['nothing', 'receive', 'send', 'send+receive'];

export const addPath: CapabilityCodec<AddPathCapability> = familyListCodec(
  { code: 69, kind: 'add-path', name: 'ADD-PATH', rfc: 'RFC 7911 §4', malformed: 'session-reset' },
  {
    size: 4,
    read: (bytes, at) => ({ ...readFamily(bytes, at), sendReceive: bytes[at + 3]! }),
    write(family, writer) {
      writeFamily(family, writer);
      writer.uint8(family.sendReceive);
    },
    show: ({ sendReceive }) => WORDS[sendReceive] ?? `${sendReceive} (ignored)`,
  },
);
