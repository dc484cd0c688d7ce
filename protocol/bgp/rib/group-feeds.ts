/** Telling members of an update group what it has sent already: first feeds and refreshes, in slices. */
import type { AdjRibOut } from './adj-rib-out.ts';
import type { Buckets } from './buckets.ts';
import { NOBODY, type Segments } from './delivery.ts';
import type { Feed, GroupMember } from './group-member.ts';
import type { UpdateWriter } from './update-writer.ts';

export class GroupFeeds {
  readonly #sent: AdjRibOut;
  readonly #except: (set: number, source: number) => readonly number[];

  readonly #buckets: Buckets;

  /**
   * @param buckets empty ones to be used.
   * @param except members that must not get a route of a set from a source.
   */
  constructor(sent: AdjRibOut, buckets: Buckets, except: (set: number, source: number) => readonly number[]) {
    this.#sent = sent;
    this.#buckets = buckets;
    this.#except = except;
  }

  /** Whether everything there is has been told. */
  isTold(feed: Feed): boolean {
    return feed.cursor >= this.#sent.top;
  }

  /**
   * Goes on with the feeds of members that take bytes, for up to `limit` entries; returns how many it was. Members at
   * the same place of the same kind of feed share the bytes.
   */
  go(ready: readonly GroupMember[], limit: number, writer: UpdateWriter, segments: Segments): number {
    let work = 0;
    const fed = new Set<GroupMember>();
    for (const member of ready) {
      const { feed } = member;
      if (feed === undefined || member.lag !== undefined || fed.has(member)) continue;
      const together = ready.filter(
        (other) => other.lag === undefined && !fed.has(other) && sameFeed(other, member),
      );
      for (const each of together) fed.add(each);
      if (work >= limit || this.isTold(feed)) continue;
      work += this.#feedTogether(together, limit - work, writer, segments);
    }
    return work;
  }

  #feedTogether(
    together: readonly GroupMember[],
    limit: number,
    writer: UpdateWriter,
    segments: Segments,
  ): number {
    const { cursor, marked } = together[0]!.feed!;
    const everybody = together.map(({ peer }) => peer.id);
    if (marked && cursor === 0) {
      const start = writer.out.position;
      writer.refreshMarker(1);
      segments.add({ except: NOBODY, only: everybody }, start, writer.out.position, 1);
    }
    const buckets = this.#buckets;
    let told = 0;
    const end = Math.min(this.#sent.top, cursor + limit);
    for (let entry = cursor; entry < end; entry++) {
      const set = this.#sent.set(entry);
      if (set === 0) continue;
      told += 1;
      const except = this.#except(set, this.#sent.source(entry));
      if (except.length > 0) missed(together, except);
      const only = except.length === 0 ? everybody : everybody.filter((peer) => !except.includes(peer));
      if (only.length > 0) buckets.put(set, entry, NOBODY, only);
    }
    for (const member of together) {
      member.feed!.cursor = end;
      if (member.initial !== undefined) member.missing -= told;
    }
    buckets.encode(writer, segments);
    return end - cursor;
  }

  /**
   * Ends what is complete: first feeds with End-of-RIB, marked refreshes with EoRR.
   * @param taken marks of the group that had their turn.
   */
  end(ready: readonly GroupMember[], taken: number, writer: UpdateWriter, segments: Segments): void {
    const done = ready.filter(
      ({ feed, lag }) => feed !== undefined && lag === undefined && this.isTold(feed) && taken >= feed.until,
    );
    const first = done.filter(({ initial, quiet }) => initial !== undefined && !quiet);
    const marked = done.filter(({ initial, feed }) => initial === undefined && feed!.marked);
    // An empty table was not begun yet.
    const unmarked = marked.filter(({ feed }) => feed!.cursor === 0).map(({ peer }) => peer.id);
    this.#say(writer, segments, unmarked, () => writer.refreshMarker(1));
    this.#say(writer, segments, idsOf(marked), () => writer.refreshMarker(2));
    this.#say(writer, segments, idsOf(first), () => writer.endOfRib());
    segments.endsWithEndOfRib(idsOf(first));
    for (const member of done) {
      if (member.initial === undefined) member.refreshes.shift();
      else member.initial = undefined;
    }
  }

  #say(writer: UpdateWriter, segments: Segments, only: readonly number[], write: () => void): void {
    if (only.length === 0) return;
    const start = writer.out.position;
    write();
    segments.add({ except: NOBODY, only }, start, writer.out.position, 1);
  }
}

/** Those that are in their first feed are not told of an entry after all. */
function missed(together: readonly GroupMember[], except: readonly number[]): void {
  for (const member of together) {
    if (member.initial !== undefined && except.includes(member.peer.id)) member.missing += 1;
  }
}

function sameFeed(a: GroupMember, b: GroupMember): boolean {
  const [one, other] = [a.feed, b.feed];
  return one !== undefined && one.cursor === other!.cursor && one.marked === other!.marked;
}

function idsOf(members: readonly GroupMember[]): number[] {
  return members.map(({ peer }) => peer.id);
}
