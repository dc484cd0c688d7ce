/**
 * Attribute sets, each kept once: equal sets have the same small number. A route is then a number, comparing sets is
 * comparing numbers, and what route selection looks at stands in a typed array.
 */
import { ByteWriter, readUint32 } from '../byte-writer.ts';
import type { PeerType } from '../context.ts';
import type { RouteRun } from '../message/route-run.ts';
import { type AttributeEdits, writeEditedSet } from './attribute-edit.ts';
import {
  AIGP,
  attributeEnd,
  attributesStart,
  readSet,
  setData,
  valueStart,
  writeSet,
  writeSetFromWire,
} from './attribute-set.ts';
import { emptySummary, summarize } from './attribute-summary.ts';
import { ByteTable } from './byte-table.ts';
import { grown, trimmed } from './columns.ts';
import { macRank } from './mac-mobility.ts';
import type { NextHopResolver, RouteAttributes } from './route.ts';

/** Words of a set in the table. */
const REFERENCES = 0;
/** Bits of attribute-summary.ts, and above them {@link SUMMARIZED} and ORIGIN. */
const FLAGS = 1;
const LOCAL_PREF = 2;
/** Path length, and above {@link HALF} the length of CLUSTER_LIST; an attribute holds at most 2^14 numbers. */
const LENGTHS = 3;
const MED = 4;
const NEIGHBOUR_AS = 5;
const ORIGINATOR_ID = 6;
const OTC = 7;
const STRIDE = 8;

const HALF = 16;
const LOW_HALF = 0xffff;
/** The words after the flags are known. */
const SUMMARIZED = 1 << HALF;
const ORIGIN_SHIFT = HALF + 1;

/** Words of a set in the table of costs: IGP cost of the next hop, and when it was found out. */
const COST = 0;
const COST_AT = 1;
const COST_STRIDE = 2;

/** What {@link AttributeTable.cost} says of a next hop that cannot be reached. */
export const UNREACHABLE = 0xffffffff;

export class AttributeTable {
  readonly #sets = new ByteTable();
  #words = new Uint32Array(16 * STRIDE);
  /** Used only where next hops are resolved. */
  #costs = new Uint32Array(16 * COST_STRIDE);
  readonly #scratch = new ByteWriter(256);
  readonly #summary = emptySummary();
  #resolve: NextHopResolver | undefined;
  #resolvedAt = 1;

  /** Sets in use. */
  get count(): number {
    return this.#sets.count;
  }

  /** Number of the set, with one reference for the caller, who gives it back with {@link release}. Never 0. */
  intern(attributes: RouteAttributes): number {
    this.#scratch.position = 0;
    writeSet(this.#scratch, attributes);
    return this.#enter(true);
  }

  /**
   * As {@link intern}, straight from the octets of an UPDATE where they allow it; 0 where not.
   * @param wire its path attributes stand there from `start` to `end`, found sound, with 4-octet AS numbers.
   * @param run tells the next hop.
   * @param from the kind of peer that sent it; `undefined` where flags and lengths are known to be as we write them.
   */
  internWire(
    wire: Uint8Array,
    start: number,
    end: number,
    run: RouteRun,
    from: PeerType | undefined,
  ): number {
    this.#scratch.position = 0;
    return writeSetFromWire(this.#scratch, wire, start, end, run, from) ? this.#enter(true) : 0;
  }

  /** The set that `edits` make of a set, with one reference for the caller. */
  edit(id: number, edits: AttributeEdits): number {
    this.#writeEdited(id, edits);
    return this.#enter(true);
  }

  /** As {@link edit}, for a set that is only sent: what selection looks at is not found out of it. */
  editToSend(id: number, edits: AttributeEdits): number {
    this.#writeEdited(id, edits);
    return this.#enter(false);
  }

  #writeEdited(id: number, edits: AttributeEdits): void {
    this.#scratch.position = 0;
    const start = this.#sets.offset(id);
    writeEditedSet(this.#scratch, this.#sets.arena, start, start + this.#sets.length(id), edits);
  }

  /** Gives memory back after most sets went. */
  trim(): void {
    const top = this.#sets.trim();
    this.#words = trimmed(this.#words, top * STRIDE);
    this.#costs = trimmed(this.#costs, top * COST_STRIDE);
  }

  retain(id: number): void {
    this.#words[id * STRIDE + REFERENCES]! += 1;
  }

  /** Gives a reference back; the last one frees the set and its number. */
  release(id: number): void {
    const left = this.#words[id * STRIDE + REFERENCES]! - 1;
    this.#words[id * STRIDE + REFERENCES] = left;
    if (left === 0) this.#sets.remove(id);
  }

  /** The set as an object, made anew. */
  get(id: number): RouteAttributes {
    return readSet(this.#sets.bytes(id));
  }

  /** The octets of a set as attribute-set.ts describes them; a view that is valid until a set is entered. */
  bytes(id: number): Uint8Array {
    return this.#sets.bytes(id);
  }

  /** Where the octets of all sets stand, and where those of one start; valid until a set is entered. */
  get arena(): Uint8Array {
    return this.#sets.arena;
  }

  offset(id: number): number {
    return this.#sets.offset(id);
  }

  /** Octets that a set takes. */
  size(id: number): number {
    return this.#sets.length(id);
  }

  /** Next hop octets of a set, a view that is valid until a set is entered. */
  nextHop(id: number): Uint8Array {
    const start = this.#sets.offset(id) + 1;
    return this.#sets.arena.subarray(start, start + this.#sets.arena[start - 1]!);
  }

  /** How many octets the next hop of a set has. */
  nextHopLength(id: number): number {
    return this.#sets.arena[this.#sets.offset(id)]!;
  }

  /** Whether an address is the one in the next hop of a set ({@link hostAddress}). */
  leadsTo(id: number, address: Uint8Array): boolean {
    const { arena } = this.#sets;
    const hop = this.#sets.offset(id) + 1;
    const length = arena[hop - 1]!;
    const start = hop + hostStart(length);
    if (address.length !== hostLength(length)) return false;
    for (let i = 0; i < address.length; i++) if (arena[start + i] !== address[i]) return false;
    return true;
  }

  /** An IPv4 next hop of a set as a number, signed; `undefined` for any other. */
  ipv4NextHop(id: number): number | undefined {
    const { arena } = this.#sets;
    const at = this.#sets.offset(id);
    return arena[at] === 4 ? readUint32(arena, at + 1) | 0 : undefined;
  }

  /** What the NLRI of the set's routes says beside the key, a copy. */
  data(id: number): Uint8Array | undefined {
    return setData(this.#sets.bytes(id));
  }

  /** Bits of attribute-summary.ts. */
  flags(id: number): number {
    return this.#words[id * STRIDE + FLAGS]! & LOW_HALF;
  }

  localPref(id: number): number {
    return this.#words[id * STRIDE + LOCAL_PREF]!;
  }

  pathLength(id: number): number {
    return this.#words[id * STRIDE + LENGTHS]! & LOW_HALF;
  }

  origin(id: number): number {
    return this.#words[id * STRIDE + FLAGS]! >>> ORIGIN_SHIFT;
  }

  med(id: number): number {
    return this.#words[id * STRIDE + MED]!;
  }

  neighbourAs(id: number): number {
    return this.#words[id * STRIDE + NEIGHBOUR_AS]!;
  }

  originatorId(id: number): number {
    return this.#words[id * STRIDE + ORIGINATOR_ID]!;
  }

  clusterLength(id: number): number {
    return this.#words[id * STRIDE + LENGTHS]! >>> HALF;
  }

  otc(id: number): number {
    return this.#words[id * STRIDE + OTC]!;
  }

  /** Accumulated IGP metric (RFC 7311 §3), `undefined` where absent. Rare, so it is read each time. */
  aigp(id: number): number | undefined {
    const bytes = this.#sets.bytes(id);
    for (let at = attributesStart(bytes, 0); at < bytes.length; at = attributeEnd(bytes, at)) {
      const value = valueStart(bytes, at);
      if (bytes[at + 1] !== AIGP || bytes[value] !== 1) continue;
      return readUint32(bytes, value + 3) * 2 ** 32 + readUint32(bytes, value + 7);
    }
    return undefined;
  }

  /** MAC mobility of a set, see {@link macRank}. Read each time, since only EVPN asks for it. */
  macRank(id: number): number {
    return macRank(this.#sets.bytes(id));
  }

  /** Asks for next hops with this from now on; all costs are found out again. */
  resolveWith(resolve: NextHopResolver | undefined): void {
    this.#resolve = resolve;
    this.#resolvedAt += 1;
  }

  /** IGP cost of a set's next hop, {@link UNREACHABLE}, or `undefined` where costs are not known at all. */
  cost(id: number): number | undefined {
    if (this.#resolve === undefined) return undefined;
    const at = id * COST_STRIDE;
    if (at + COST_AT >= this.#costs.length) this.#costs = grown(this.#costs, at + COST_AT);
    if (this.#costs[at + COST_AT] !== this.#resolvedAt) {
      const hop = this.nextHop(id);
      // An own route leads to ourselves.
      const cost = hop.length === 0 ? 0 : this.#resolve(hostAddress(hop));
      this.#costs[at + COST] = cost ?? UNREACHABLE;
      this.#costs[at + COST_AT] = this.#resolvedAt;
    }
    return this.#costs[at + COST]!;
  }

  /** Number of the set in the scratch, with one more reference. @param summary whether it may be selected. */
  #enter(summary: boolean): number {
    const { bytes, position } = this.#scratch;
    const known = this.#sets.count;
    const id = this.#sets.add(bytes, 0, position);
    const at = id * STRIDE;
    if (this.#sets.count !== known) {
      if (at + STRIDE > this.#words.length) this.#words = grown(this.#words, at + STRIDE - 1);
      this.#words[at + REFERENCES] = 1;
      this.#words[at + FLAGS] = 0;
    } else this.retain(id);
    if (summary && (this.#words[at + FLAGS]! & SUMMARIZED) === 0) this.#summarize(id, bytes, position);
    return id;
  }

  #summarize(id: number, bytes: Uint8Array, length: number): void {
    const at = id * STRIDE;
    const summary = this.#summary;
    summarize(bytes, 0, length, summary);
    const words = this.#words;
    words[at + FLAGS] = summary.flags | SUMMARIZED | (summary.origin << ORIGIN_SHIFT);
    words[at + LOCAL_PREF] = summary.localPref;
    words[at + LENGTHS] = summary.pathLength | (summary.clusterLength << HALF);
    words[at + MED] = summary.med;
    words[at + NEIGHBOUR_AS] = summary.neighbourAs;
    words[at + ORIGINATOR_ID] = summary.originatorId;
    words[at + OTC] = summary.otc;
    const costAt = id * COST_STRIDE + COST_AT;
    if (costAt < this.#costs.length) this.#costs[costAt] = 0;
  }
}

/** The address in a next hop: without route distinguisher and link-local address. */
export function hostAddress(nextHop: Uint8Array): Uint8Array {
  const start = hostStart(nextHop.length);
  return nextHop.subarray(start, start + hostLength(nextHop.length));
}

/** A route distinguisher of 8 octets stands before the addresses of VPNs (RFC 4364 §4.3.2, RFC 4659 §3.2.1). */
function hostStart(length: number): number {
  return length === 12 || length === 24 || length === 48 ? 8 : 0;
}

function hostLength(length: number): number {
  if (length === 12) return 4;
  return length === 24 || length === 32 || length === 48 ? 16 : length;
}
