/**
 * Outbound Route Filtering, code 3, RFC 5291 §5: per family
 *
 *   0: 2 AFI · 2: 1 reserved · 3: 1 SAFI · 4: 1 number of types, and for each 1 type · 1 (1 = can receive, 2 = can send)
 */
import { readUint16 } from '../byte-writer.ts';
import type { Field } from '../dissect/field.ts';
import { type AfiSafi, familyText } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';

/** Octets before the types of a family. */
const HEAD = 5;

interface OrfFamily extends AfiSafi {
  readonly types: readonly { readonly type: number; readonly sendReceive: number }[];
}

export interface OutboundRouteFilteringCapability {
  readonly kind: 'outbound-route-filtering';
  readonly families: readonly OrfFamily[];
}

const WORDS = ['nothing', 'receive', 'send', 'send+receive'];

export const outboundRouteFiltering: CapabilityCodec<OutboundRouteFilteringCapability> = {
  code: 3,
  kind: 'outbound-route-filtering',
  name: 'Outbound Route Filtering',
  rfc: 'RFC 5291 §5',
  malformed: 'ignored',
  decode(value) {
    const entries = readEntries(value);
    return entries === undefined
      ? undefined
      : { kind: 'outbound-route-filtering', families: entries.map(({ family }) => family) };
  },
  encode(capability, writer) {
    for (const { afi, safi, types } of capability.families) {
      writer.uint16(afi);
      writer.uint8(0);
      writer.uint8(safi);
      writer.uint8(types.length);
      for (const { type, sendReceive } of types) {
        writer.uint8(type);
        writer.uint8(sendReceive);
      }
    }
  },
  text: ({ families }) => families.map(entryText).join(', '),
  fields: (value, offset) =>
    (readEntries(value) ?? []).map(
      ({ family, at, length }): Field => ({
        name: 'family',
        offset: offset + at,
        length,
        value: familyText(family.afi, family.safi),
        text: entryText(family),
      }),
    ),
};

function readEntries(
  value: Uint8Array,
): { readonly family: OrfFamily; readonly at: number; readonly length: number }[] | undefined {
  const entries: { family: OrfFamily; at: number; length: number }[] = [];
  for (let at = 0; at < value.length; ) {
    if (at + HEAD > value.length) return undefined;
    const length = HEAD + 2 * value[at + 4]!;
    if (at + length > value.length) return undefined;
    const types: { type: number; sendReceive: number }[] = [];
    for (let pair = at + HEAD; pair < at + length; pair += 2) {
      types.push({ type: value[pair]!, sendReceive: value[pair + 1]! });
    }
    entries.push({ family: { afi: readUint16(value, at), safi: value[at + 3]!, types }, at, length });
    at += length;
  }
  return entries;
}

function entryText({ afi, safi, types }: OrfFamily): string {
  const filters = types.map(({ type, sendReceive }) => `type ${type} ${WORDS[sendReceive] ?? sendReceive}`);
  return `${familyText(afi, safi)} ${filters.join(' ')}`.trim();
}
