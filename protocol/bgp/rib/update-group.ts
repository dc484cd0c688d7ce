/**
 * Adj-RIB-Out of peers that get the same messages (RFC 4271 §3.2, §9.2). The group keeps what it sent once for all its
 * members, encodes each message once, and members share the bytes. A member differs from the group only in the
 * routes that it must not get: those that came from itself, and those whose next hop it is (§5.1.3).
 *
 * Changes are only marked; what is sent is decided when the group is flushed, so the last state wins, and prefixes with
 * equal attributes travel together.
 */
import { ByteWriter } from '../byte-writer.ts';
import type { AttributeTable } from './attribute-table.ts';
import { type ExportProfile, exportRoute } from './export.ts';
import type { LocRib } from './loc-rib.ts';
import { copyInto } from './path-table.ts';
import { LOCAL, type RibConfig, type RibPeer, type RouteAttributes } from './route.ts';
import {
  attributeBytes,
  fits,
  type WriterProfile,
  writeAnnouncements,
  writeEndOfRib,
  writeWithdrawals,
} from './update-writer.ts';

/** Messages for one peer, in order; the bytes are shared with other peers and never change. */
export interface Delivery {
  readonly peer: number;
  readonly chunks: readonly Uint8Array[];
  readonly messages: number;
  /** The last message is the End-of-RIB of the group's family. */
  readonly endOfRib: boolean;
}

export interface GroupProfile extends ExportProfile, WriterProfile {}

/** Prefixes that share attributes and readers. */
interface Bucket {
  /** Attribute set to announce; 0 withdraws. */
  readonly attributes: number;
  /** Members that do not get it. */
  readonly except: readonly number[];
  /** The one member that gets it, instead of all. */
  readonly only: number | undefined;
  readonly prefixes: number[];
}

interface Segment extends Bucket {
  readonly start: number;
  readonly end: number;
  readonly messages: number;
}

/** A member that is being told what the group has already sent. */
interface Feed {
  readonly peer: number;
  cursor: number;
  readonly endOfRib: boolean;
}

/** Peer numbers stay below this, so that a number can hold an attribute set and a peer. */
const PEERS = 2 ** 21;

/** A number for what is common, text for the rest. */
function bucketKey(attributes: number, except: readonly number[], only: number | undefined): number | string {
  if (only !== undefined || except.length > 1) return `${attributes}/${except.join()}/${only ?? ''}`;
  return attributes * PEERS + (except[0] ?? 0);
}

export class UpdateGroup {
  readonly profile: GroupProfile;
  readonly members: Map<number, RibPeer> = new Map();
  readonly #config: RibConfig;
  readonly #rib: LocRib;
  readonly #attributes: AttributeTable;
  readonly #peers: ReadonlyMap<number, RibPeer>;
  /** By prefix number: attribute set that was sent (0: none) and the peer that the route came from. */
  #sent = new Uint32Array(16);
  #source = new Uint32Array(16);
  #isDirty = new Uint8Array(16);
  #dirty: number[] = [];
  #feeds: Feed[] = [];
  /** Sets no longer sent; kept to the end of the flush, so that their numbers do not get another meaning in it. */
  #replaced: number[] = [];
  readonly #byAddress = new Map<string, number>();
  /** Per flush: exported set by received set and source. */
  readonly #exported = new Map<number, number>();
  /** Member that is the next hop, by set; holds for sets that are in use. */
  readonly #hops = new Map<number, number>();

  constructor(
    profile: GroupProfile,
    config: RibConfig,
    rib: LocRib,
    attributes: AttributeTable,
    peers: ReadonlyMap<number, RibPeer>,
  ) {
    this.profile = profile;
    this.#config = config;
    this.#rib = rib;
    this.#attributes = attributes;
    this.#peers = peers;
    for (let prefix = 0; prefix < rib.prefixes.top; prefix++) if (rib.best(prefix) >= 0) this.mark(prefix);
  }

  /** Whether there is something to flush. */
  get pending(): boolean {
    return this.#dirty.length > 0 || this.#feeds.length > 0;
  }

  /** A prefix's best path changed. */
  mark(prefix: number): void {
    this.#reserve(prefix);
    if (this.#isDirty[prefix] === 1) return;
    this.#isDirty[prefix] = 1;
    this.#dirty.push(prefix);
  }

  /** Takes a member in; it will be told everything, then End-of-RIB. */
  join(peer: RibPeer): void {
    this.members.set(peer.id, peer);
    this.#byAddress.set(peer.address.join('.'), peer.id);
    this.#hops.clear();
    this.feed(peer.id, true);
  }

  /** Tells a member everything again (route refresh), or for the first time. */
  feed(peer: number, endOfRib: boolean): void {
    this.#feeds.push({ peer, cursor: 0, endOfRib });
  }

  leave(peer: number): void {
    const address = this.members.get(peer)?.address.join('.') ?? '';
    if (this.#byAddress.get(address) === peer) this.#byAddress.delete(address);
    this.members.delete(peer);
    this.#hops.clear();
    this.#feeds = this.#feeds.filter((feed) => feed.peer !== peer);
  }

  /** Gives back what the group holds; it must not be used afterwards. */
  dissolve(): void {
    for (const set of this.#sent) if (set !== 0) this.#attributes.release(set);
    this.#sent = new Uint32Array(0);
  }

  /** Whether nothing here refers to a prefix number. */
  forgets(prefix: number): boolean {
    return prefix >= this.#sent.length || (this.#sent[prefix] === 0 && this.#isDirty[prefix] === 0);
  }

  /** Attribute set that a member was last sent for a prefix; 0: none. */
  sentTo(peer: number, prefix: number): number {
    const set = prefix < this.#sent.length ? this.#sent[prefix]! : 0;
    return set !== 0 && this.#except(set, this.#source[prefix]!).includes(peer) ? 0 : set;
  }

  /** Decides and encodes what to send for up to `limit` marked prefixes, and a part of the feeds. */
  flush(limit: number): Delivery[] {
    this.#hops.clear();
    const writer = new ByteWriter(512);
    const segments: Segment[] = [];
    // Feeds come first: they tell what was sent so far, then come the changes to that.
    for (const feed of this.#feeds) this.#encode(this.#feedBuckets(feed, limit), writer, segments);
    const fed = this.#feeds.every((feed) => feed.cursor >= this.#sent.length);
    if (fed) this.#encode(this.#changes(limit), writer, segments);
    const done = this.#dirty.length > 0 ? [] : this.#feeds.filter((feed) => feed.cursor >= this.#sent.length);
    const marks = this.#endOfRib(done, writer);
    this.#feeds = this.#feeds.filter((feed) => feed.cursor < this.#sent.length || this.#dirty.length > 0);
    for (const set of this.#exported.values()) if (set !== 0) this.#attributes.release(set);
    this.#exported.clear();
    for (const set of this.#replaced) this.#attributes.release(set);
    this.#replaced = [];
    this.#hops.clear();
    return this.#deliver(segments, marks, writer.view());
  }

  /** Next part of a feed, from what was sent. */
  #feedBuckets(feed: Feed, limit: number): Bucket[] {
    const buckets = new Map<number, Bucket>();
    const end = Math.min(this.#sent.length, feed.cursor + limit);
    for (; feed.cursor < end; feed.cursor++) {
      const set = this.#sent[feed.cursor]!;
      if (set === 0 || this.#except(set, this.#source[feed.cursor]!).includes(feed.peer)) continue;
      const bucket = buckets.get(set);
      if (bucket !== undefined) bucket.prefixes.push(feed.cursor);
      else buckets.set(set, { attributes: set, except: [], only: feed.peer, prefixes: [feed.cursor] });
    }
    return [...buckets.values()];
  }

  /** Compares what is best with what was sent, for marked prefixes, and takes over the difference. */
  #changes(limit: number): Bucket[] {
    const buckets = new Map<number | string, Bucket>();
    const put = (prefix: number, attributes: number, except: readonly number[], only?: number): void => {
      const key = bucketKey(attributes, except, only);
      const bucket = buckets.get(key);
      if (bucket !== undefined) bucket.prefixes.push(prefix);
      else buckets.set(key, { attributes, except, only, prefixes: [prefix] });
    };
    for (const prefix of this.#dirty.splice(0, limit)) {
      this.#isDirty[prefix] = 0;
      const path = this.#rib.best(prefix);
      const source = path < 0 ? LOCAL : this.#rib.paths.peer[path]!;
      const set = path < 0 ? 0 : this.#export(this.#rib.paths.attributes[path]!, source);
      this.#change(prefix, set, source, put);
    }
    // Withdrawals first: they make room at the receiver.
    return [...buckets.values()].sort((a, b) => Number(a.attributes !== 0) - Number(b.attributes !== 0));
  }

  #change(
    prefix: number,
    set: number,
    source: number,
    put: (prefix: number, attributes: number, except: readonly number[], only?: number) => void,
  ): void {
    const oldSet = this.#sent[prefix]!;
    const before = oldSet === 0 ? [] : this.#except(oldSet, this.#source[prefix]!);
    const after = set === 0 ? [] : this.#except(set, source);
    if (set === 0) {
      if (oldSet !== 0) put(prefix, 0, before);
    } else if (set !== oldSet) put(prefix, set, after);
    else for (const member of before) if (!after.includes(member)) put(prefix, set, [], member);
    // Who must not get the new route still has the old one.
    if (oldSet !== 0) for (const member of after) if (!before.includes(member)) put(prefix, 0, [], member);
    if (set !== 0) this.#attributes.retain(set);
    this.#sent[prefix] = set;
    this.#source[prefix] = source;
    if (oldSet !== 0) this.#replaced.push(oldSet);
  }

  /** Attribute set with which a route leaves; 0 where it does not. */
  #export(set: number, source: number): number {
    const key = set * PEERS + source;
    const known = this.#exported.get(key);
    if (known !== undefined) return known;
    const route = exportRoute(this.#attributes.get(set), this.#peers.get(source), this.profile, this.#config);
    const sendable = route !== undefined && this.#fits(route);
    const exported = sendable ? this.#attributes.intern(route) : 0;
    this.#exported.set(key, exported);
    return exported;
  }

  /** RFC 4271 §9.2: a route whose attributes fill a message by themselves is not advertised. */
  #fits(route: RouteAttributes): boolean {
    const { family } = this.profile;
    return fits(family, attributeBytes(family, route, this.profile), this.profile);
  }

  /** Members that must not get a route: its source, and the one whose address is its next hop. */
  #except(set: number, source: number): readonly number[] {
    let hop = this.#hops.get(set);
    if (hop === undefined) {
      hop = this.#byAddress.get(this.#attributes.nextHop(set).join('.')) ?? LOCAL;
      this.#hops.set(set, hop);
    }
    const except: number[] = this.members.has(source) ? [source] : [];
    if (hop !== LOCAL && hop !== source) except.push(hop);
    return except;
  }

  #encode(buckets: readonly Bucket[], writer: ByteWriter, segments: Segment[]): void {
    const { prefixes } = this.#rib;
    const { profile } = this;
    for (const bucket of buckets) {
      const start = writer.position;
      let messages: number;
      if (bucket.attributes === 0) messages = writeWithdrawals(writer, prefixes, bucket.prefixes, profile);
      else {
        const route = this.#attributes.get(bucket.attributes);
        const attributes = attributeBytes(profile.family, route, profile);
        messages = writeAnnouncements(writer, prefixes, bucket.prefixes, attributes, route.nextHop, profile);
      }
      segments.push({ ...bucket, start, end: writer.position, messages });
    }
  }

  #endOfRib(done: readonly Feed[], writer: ByteWriter): { start: number; end: number; peers: Set<number> } {
    const peers = new Set(done.filter((feed) => feed.endOfRib).map((feed) => feed.peer));
    const start = writer.position;
    if (peers.size > 0) writeEndOfRib(writer, this.profile.family);
    return { start, end: writer.position, peers };
  }

  /** Cuts each member's runs out of the common bytes. */
  #deliver(
    segments: readonly Segment[],
    marks: { start: number; end: number; peers: Set<number> },
    bytes: Uint8Array,
  ): Delivery[] {
    const deliveries: Delivery[] = [];
    for (const peer of this.members.keys()) {
      const chunks: Uint8Array[] = [];
      let messages = 0;
      let start = 0;
      let end = 0;
      const take = (from: number, to: number): void => {
        if (from !== end) {
          if (end > start) chunks.push(bytes.subarray(start, end));
          start = from;
        }
        end = to;
      };
      for (const segment of segments) {
        if (segment.only === undefined ? segment.except.includes(peer) : segment.only !== peer) continue;
        take(segment.start, segment.end);
        messages += segment.messages;
      }
      const endOfRib = marks.peers.has(peer);
      if (endOfRib) {
        take(marks.start, marks.end);
        messages += 1;
      }
      if (end > start) chunks.push(bytes.subarray(start, end));
      if (messages > 0) deliveries.push({ peer, chunks, messages, endOfRib });
    }
    return deliveries;
  }

  #reserve(prefix: number): void {
    if (prefix < this.#sent.length) return;
    let size = this.#sent.length * 2;
    while (size <= prefix) size *= 2;
    this.#sent = copyInto(new Uint32Array(size), this.#sent);
    this.#source = copyInto(new Uint32Array(size), this.#source);
    this.#isDirty = copyInto(new Uint8Array(size), this.#isDirty);
  }
}
