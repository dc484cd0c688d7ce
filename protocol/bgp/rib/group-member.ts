/** What an update group keeps for one of its members beside what it keeps for all. */
import { discard, grown } from './columns.ts';
import { MarkQueue } from './mark-queue.ts';
import type { RibPeer } from './route.ts';

/** Telling a member what was sent to the others: at first, or when it asks for it again. */
export interface Feed {
  /** Entries before this one have been told. */
  cursor: number;
  /** How many marks of the group must have had their turn before the first feed is complete. */
  readonly until: number;
  /** BoRR and EoRR stand around it (RFC 7313 §4). */
  readonly marked: boolean;
}

export class GroupMember {
  readonly peer: RibPeer;
  /** It takes bytes. */
  writable = true;
  /** When it took none any more, ms. */
  blockedAt = 0;
  /** Just this member, as a list. */
  readonly alone: readonly number[];
  /** The first feed, while it lasts: entries at and after its cursor are unknown to the member. */
  initial: Feed | undefined;
  /** It had an End-of-RIB already, so that the first feed ends without one. */
  quiet = false;
  /** Further feeds, in order. */
  readonly refreshes: Feed[] = [];
  /** By how many it knows fewer entries than the group has sent. */
  missing = 0;
  /** What it missed, while it is behind the group. */
  lag: Lag | undefined;

  constructor(peer: RibPeer, initial: Feed) {
    this.peer = peer;
    this.alone = [peer.id];
    this.initial = initial;
  }

  /** The feed whose turn it is. */
  get feed(): Feed | undefined {
    return this.initial ?? this.refreshes[0];
  }

  /** Whether the member knows what all others know. */
  get isLevel(): boolean {
    return this.lag === undefined && this.initial === undefined;
  }

  /** Whether the member is told of changes of an entry as they happen. */
  follows(entry: number): boolean {
    return this.lag === undefined && (this.initial === undefined || entry < this.initial.cursor);
  }
}

/**
 * Entries that changed while a member took nothing, each with the attribute set that the member has: however often an
 * entry changes, it takes one place, and only its newest state is sent in the end (RFC 4271 §9.2).
 */
export class Lag {
  /** How many marks of the group must have had their turn before the newest state of all this is known. */
  readonly until: number;
  readonly #entries = new MarkQueue();
  #had = new Uint32Array(16);
  #top = 0;

  constructor(until = 0) {
    this.until = until;
  }

  /** One more than the highest entry that was ever noted. */
  get top(): number {
    return this.#top;
  }

  /** Entries that wait. */
  get length(): number {
    return this.#entries.length;
  }

  has(entry: number): boolean {
    return this.#entries.has(entry);
  }

  /** Set that the member has of an entry that {@link has} its place here; 0: none. */
  had(entry: number): number {
    return this.#had[entry]!;
  }

  /** Notes an entry that is not here yet; the caller gives `had` a reference. */
  note(entry: number, had: number): void {
    this.#had = grown(this.#had, entry);
    this.#had[entry] = had;
    this.#top = Math.max(this.#top, entry + 1);
    this.#entries.mark(entry);
  }

  /** Gives all memory back, when nothing waits any more; it must not be used afterwards. */
  dispose(): void {
    this.#entries.dispose();
    discard(this.#had);
  }

  /** The entry that waits longest; the reference on what the member had goes to the caller. */
  take(): number {
    return this.#entries.take();
  }
}
