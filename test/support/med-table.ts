// Tables of IPv4 prefixes that are told apart by their MED: UPDATEs with them, and what a reader of UPDATEs has.
import { HEADER_LENGTH, message, UPDATE } from '../bench/bgp/wire.ts';

/** What a peer has that reads UPDATEs: the MED of each prefix, which stands for its route. */
export class MedTable {
  /** MED by address of the prefix, as a number. */
  readonly routes: Map<number, number> = new Map();
  /** Routes announced and withdrawn in what was read. */
  announced = 0;
  withdrawn = 0;

  /** RFC 4271 §4.3, as far as the table is concerned. */
  read(bytes: Buffer): void {
    const attributesAt = 21 + bytes.readUInt16BE(19);
    const routesAt = attributesAt + 2 + bytes.readUInt16BE(attributesAt);
    for (const prefix of prefixes(bytes, 21, attributesAt)) {
      this.routes.delete(prefix);
      this.withdrawn += 1;
    }
    const med = medOf(bytes, attributesAt + 2, routesAt);
    for (const prefix of prefixes(bytes, routesAt, bytes.length)) {
      this.routes.set(prefix, med);
      this.announced += 1;
    }
  }
}

function* prefixes(bytes: Buffer, start: number, end: number): Generator<number> {
  for (let at = start; at < end; ) {
    const octets = (bytes[at]! + 7) >> 3;
    yield bytes.readUIntBE(at + 1, octets) * 2 ** (8 * (4 - octets));
    at += 1 + octets;
  }
}

/** MULTI_EXIT_DISC (RFC 4271 §5.1.4); -1 where there is none. */
function medOf(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const extended = (bytes[at]! & 0x10) !== 0;
    const length = extended ? bytes.readUInt16BE(at + 2) : bytes[at + 2]!;
    const value = at + (extended ? 4 : 3);
    if (bytes[at + 1] === 4) return bytes.readUInt32BE(value);
    at = value + length;
  }
  return -1;
}

/** A route for {@link updates}; without a MED it is withdrawn. Prefixes are /24s. */
export interface Change {
  readonly prefix: number;
  readonly med: number | undefined;
  /** Default 100. */
  readonly localPref?: number;
}

/** UPDATEs of an internal peer, one for each change. */
export function updates(changes: readonly Change[]): Uint8Array {
  const bytes = new Uint8Array(changes.length * ANNOUNCEMENT.length);
  let at = 0;
  for (const { prefix, med, localPref = 100 } of changes) {
    const template = med === undefined ? WITHDRAWAL : ANNOUNCEMENT;
    bytes.set(template, at);
    if (med !== undefined) {
      put(bytes, at + MED_AT, med, 4);
      put(bytes, at + LOCAL_PREF_AT, localPref, 4);
    }
    at += template.length;
    // The withdrawn routes stand before the length of the attributes.
    put(bytes, med === undefined ? at - 5 : at - 3, prefix >>> 8, 3);
  }
  return bytes.subarray(0, at);
}

/** Writes the low octets of a number. */
function put(bytes: Uint8Array, at: number, value: number, octets: number): void {
  for (let i = 0; i < octets; i++) bytes[at + i] = value >>> (8 * (octets - 1 - i));
}

// ORIGIN, AS_PATH of eight AS numbers, NEXT_HOP 192.0.2.1, MULTI_EXIT_DISC, LOCAL_PREF.
const AS_PATH = Array.from({ length: 8 }, (_, i) => [0, 1, 0, i]).flat();
const BEFORE_MED = [
  0x40,
  1,
  1,
  0,
  0x40,
  2,
  2 + AS_PATH.length,
  2,
  8,
  ...AS_PATH,
  0x40,
  3,
  4,
  192,
  0,
  2,
  1,
  0x80,
  4,
  4,
];
const ATTRIBUTES = [...BEFORE_MED, 0, 0, 0, 0, 0x40, 5, 4, 0, 0, 0, 100];
const NLRI = [24, 0, 0, 0];
const ANNOUNCEMENT = message(UPDATE, Uint8Array.from([0, 0, 0, ATTRIBUTES.length, ...ATTRIBUTES, ...NLRI]));
const WITHDRAWAL = message(UPDATE, Uint8Array.from([0, NLRI.length, ...NLRI, 0, 0]));
/** Where the MED stands in {@link ANNOUNCEMENT}. */
const MED_AT = HEADER_LENGTH + 4 + BEFORE_MED.length;
const LOCAL_PREF_AT = MED_AT + 7;
