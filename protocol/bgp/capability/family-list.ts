/** Capabilities whose value is a list of entries of one size, each with a family at its start. */
import { type ByteWriter, readUint16 } from '../byte-writer.ts';
import type { Field } from '../dissect/field.ts';
import { type AfiSafi, familyText } from '../family.ts';
import type { CapabilityCodec } from './codec.ts';

/** A capability that says something about each of several families. */
export interface FamilyListCapability<K extends string, F extends AfiSafi> {
  readonly kind: K;
  readonly families: readonly F[];
}

/** How one entry stands on the wire: 2 AFI · 1 SAFI · the rest. */
export interface FamilyEntry<F extends AfiSafi> {
  /** Octets of an entry. */
  readonly size: number;
  /** Reads the entry at `at`; all its octets are there. */
  read(bytes: Uint8Array, at: number): F;
  write(entry: F, writer: ByteWriter): void;
  /** What the entry says of its family, for people; empty for nothing. */
  show(entry: F): string;
}

/** AFI and SAFI at `at`, as most entries start. */
export function readFamily(bytes: Uint8Array, at: number): AfiSafi {
  return { afi: readUint16(bytes, at), safi: bytes[at + 2]! };
}

export function writeFamily({ afi, safi }: AfiSafi, writer: ByteWriter): void {
  writer.uint16(afi);
  writer.uint8(safi);
}

/** Entries from `start` to the end of the value; `undefined` where their size does not go into that. */
export function readEntries<F extends AfiSafi>(
  entry: FamilyEntry<F>,
  value: Uint8Array,
  start: number,
): F[] | undefined {
  if (value.length < start || (value.length - start) % entry.size !== 0) return undefined;
  const entries: F[] = [];
  for (let at = start; at < value.length; at += entry.size) entries.push(entry.read(value, at));
  return entries;
}

/** `"ipv4-unicast send+receive, ipv6-unicast send"` */
export function entriesText<F extends AfiSafi>(entry: FamilyEntry<F>, entries: readonly F[]): string {
  return entries.map((item) => `${familyText(item.afi, item.safi)} ${entry.show(item)}`.trim()).join(', ');
}

/** One field per entry. @param offset where the value starts in the message. */
export function entryFields<F extends AfiSafi>(
  entry: FamilyEntry<F>,
  value: Uint8Array,
  start: number,
  offset: number,
): Field[] {
  return (readEntries(entry, value, start) ?? []).map((item, i) => ({
    name: 'family',
    offset: offset + start + i * entry.size,
    length: entry.size,
    value: familyText(item.afi, item.safi),
    text: entriesText(entry, [item]),
  }));
}

/** The codec of a capability that is such a list and nothing else. */
export function familyListCodec<K extends string, F extends AfiSafi>(
  head: Pick<CapabilityCodec<FamilyListCapability<K, F>>, 'code' | 'name' | 'rfc' | 'malformed'> & {
    readonly kind: K;
  },
  entry: FamilyEntry<F>,
): CapabilityCodec<FamilyListCapability<K, F>> {
  return {
    ...head,
    decode(value) {
      const families = readEntries(entry, value, 0);
      return families === undefined ? undefined : { kind: head.kind, families };
    },
    encode(capability, writer) {
      for (const family of capability.families) entry.write(family, writer);
    },
    text: (capability) => entriesText(entry, capability.families),
    fields: (value, offset) => entryFields(entry, value, 0, offset),
  };
}
