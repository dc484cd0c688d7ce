import type { Change } from './change.ts';
import type { Interval } from './keys.ts';
import { contains, interval, isEmpty } from './keys.ts';
import type { Mvcc } from './mvcc.ts';
import type { ResponseHeader, WatchEvent, WatchRequest, WatchResponse } from './types.ts';
import { IntervalIndex } from './watch-index.ts';

/** A response that one watcher is to get. */
export interface WatchOutput {
  readonly watchId: number;
  readonly response: WatchResponse;
}

/** What a watcher gets next of the history. */
export interface WatchStep {
  readonly outputs: readonly WatchResponse[];
  /** False: there is more history, and no event comes before {@link Watchers.catchUp} has been through it. */
  readonly synced: boolean;
}

/** etcd's reason for ending a watch whose `rangeEnd` is not above its `key`. */
export const EMPTY_RANGE_REASON = 'mvcc: watcher range is empty';

/** Revisions of the history that are looked through at once. */
const SLICE = 1000;

/** How a watcher wants its events, as bits, so that watchers with equal wishes share one response. */
const PREV_KV = 1;
const NO_PUT = 2;
const NO_DELETE = 4;

interface Watcher {
  readonly id: number;
  readonly range: Interval;
  readonly wishes: number;
  /** Revisions below are not reported, or have been. */
  next: bigint;
  /** The watchers that get events as they happen; undefined: it is still given the history. */
  group: Group | undefined;
}

/** The watchers of one interval. */
interface Group {
  readonly range: Interval;
  readonly watchers: Set<Watcher>;
}

function wishesOf(request: WatchRequest): number {
  let wishes = request.prevKv === true ? PREV_KV : 0;
  if (request.filters?.includes('NOPUT') === true) wishes |= NO_PUT;
  if (request.filters?.includes('NODELETE') === true) wishes |= NO_DELETE;
  return wishes;
}

/**
 * The watches of a store. An event reaches the watchers of an interval through an index, and watchers that want the
 * same get the same response object: it must not be changed.
 */
export class Watchers {
  readonly #mvcc: Mvcc;
  readonly #identity: ResponseHeader;
  readonly #watchers: Map<number, Watcher> = new Map();
  readonly #groups: IntervalIndex<Group> = new IntervalIndex();
  #nextId = 0;

  constructor(mvcc: Mvcc, identity: ResponseHeader) {
    this.#mvcc = mvcc;
    this.#identity = identity;
  }

  get size(): number {
    return this.#watchers.size;
  }

  #header(revision: bigint): ResponseHeader {
    return { ...this.#identity, revision };
  }

  /**
   * Starts a watch. `outputs` are its first responses in order: one without events that says it exists (header: the
   * current revision), then the beginning of the history from `startRevision` on, one response per revision. A watch that
   * cannot be served is ended by the last of them (`canceled`).
   */
  open(request: WatchRequest): WatchStep & { readonly watchId: number } {
    const watchId = this.#nextId++;
    // etcd takes a watch without a key for one from the first key on.
    const key = request.key.length === 0 ? FIRST_KEY : request.key;
    const range = interval(key, request.rangeEnd);
    const current = this.#mvcc.revision;
    const created: WatchResponse = { header: this.#header(current), events: [] };
    if (isEmpty(range)) {
      const refused = { ...created, canceled: true, cancelReason: EMPTY_RANGE_REASON };
      return { watchId, outputs: [refused], synced: true };
    }
    const start = request.startRevision ?? 0n;
    // As etcd 3.4 does with it, a negative revision is one that lies before the history.
    const next = start === 0n ? current + 1n : start;
    const watcher: Watcher = { id: watchId, range, wishes: wishesOf(request), next, group: undefined };
    this.#watchers.set(watchId, watcher);
    const { outputs, synced } = this.#catchUp(watcher);
    return { watchId, outputs: [created, ...outputs], synced };
  }

  /**
   * Goes on with the history for a watcher that is not in sync; the last output ends it where what comes next has been compacted.
   * Unknown watchers get nothing.
   */
  catchUp(watchId: number): WatchStep {
    const watcher = this.#watchers.get(watchId);
    if (watcher === undefined || watcher.group !== undefined) return { outputs: [], synced: true };
    return this.#catchUp(watcher);
  }

  #catchUp(watcher: Watcher): WatchStep {
    const { compactRevision, revision: current } = this.#mvcc;
    if (watcher.next < compactRevision) {
      this.#watchers.delete(watcher.id);
      const end = {
        header: this.#header(0n),
        events: [],
        canceled: true,
        compactRevision,
      };
      return { outputs: [end], synced: true };
    }
    if (watcher.next < 1n) watcher.next = 1n;
    const outputs: WatchResponse[] = [];
    for (let i = 0; i < SLICE && watcher.next <= current; i++, watcher.next++) {
      const changes = this.#mvcc.changesAt(watcher.next) ?? [];
      const wanted = changes.filter(({ text }) => contains(watcher.range, text));
      const response = this.#response(watcher.next, wanted, watcher.wishes);
      if (response !== undefined) outputs.push(response);
    }
    const synced = watcher.next > current;
    if (synced) this.#join(watcher);
    return { outputs, synced };
  }

  #join(watcher: Watcher): void {
    let group = this.#groups.get(watcher.range);
    if (group === undefined) {
      group = { range: watcher.range, watchers: new Set() };
      this.#groups.set(watcher.range, group);
    }
    group.watchers.add(watcher);
    watcher.group = group;
  }

  /** The response for one revision; undefined where nothing of it is wanted. */
  #response(revision: bigint, changes: readonly Change[], wishes: number): WatchResponse | undefined {
    const events: WatchEvent[] = [];
    for (const kv of changes) {
      if ((wishes & (kv.isTombstone ? NO_DELETE : NO_PUT)) !== 0) continue;
      const type = kv.isTombstone ? 'DELETE' : 'PUT';
      const prevKv = (wishes & PREV_KV) !== 0 ? this.#heldBefore(kv, revision) : undefined;
      events.push(prevKv === undefined ? { type, kv } : { type, kv, prevKv });
    }
    return events.length === 0 ? undefined : { header: this.#header(revision), events };
  }

  /**
   * What a changed key held at the end of the revision before: a key that a transaction creates and deletes again has no previous value,
   * nor has one that it deletes and creates again (etcd `etcdserver/api/v3rpc/watch.go`, sendLoop).
   */
  #heldBefore({ text, createdAt, modifiedAt }: Change, revision: bigint): Change | undefined {
    // What a compacted revision held cannot be told any more.
    if (createdAt === modifiedAt || revision - 1n < this.#mvcc.compactRevision) return undefined;
    return this.#mvcc.at(text, revision - 1n);
  }

  /** Ends a watch; unknown ids are ignored. */
  close(watchId: number): void {
    const watcher = this.#watchers.get(watchId);
    if (watcher === undefined) return;
    this.#watchers.delete(watchId);
    const { group } = watcher;
    group?.watchers.delete(watcher);
    if (group?.watchers.size === 0) this.#groups.delete(group.range);
  }

  /** What the watchers get of a revision that was just added. */
  dispatch(revision: bigint, changes: readonly Change[]): WatchOutput[] {
    if (this.#watchers.size === 0) return [];
    const touched = new Map<Group, Change[]>();
    for (const change of changes) {
      this.#groups.match(change.text, (group) => {
        const known = touched.get(group);
        if (known === undefined) touched.set(group, [change]);
        else known.push(change);
      });
    }
    const outputs: WatchOutput[] = [];
    for (const [group, events] of touched) this.#dispatchTo(group, revision, events, outputs);
    return outputs;
  }

  #dispatchTo(group: Group, revision: bigint, changes: readonly Change[], outputs: WatchOutput[]): void {
    const shared = new Map<number, WatchResponse | undefined>();
    for (const watcher of group.watchers) {
      if (revision < watcher.next) continue;
      if (!shared.has(watcher.wishes)) {
        shared.set(watcher.wishes, this.#response(revision, changes, watcher.wishes));
      }
      const response = shared.get(watcher.wishes);
      if (response !== undefined) outputs.push({ watchId: watcher.id, response });
    }
  }

  /**
   * A response without events that promises its watcher every event up to its header's revision; undefined where
   * that cannot be said yet (unknown watch, one that starts in the future or is still given the history).
   */
  progress(watchId: number): WatchResponse | undefined {
    const watcher = this.#watchers.get(watchId);
    const current = this.#mvcc.revision;
    if (watcher?.group === undefined || watcher.next > current + 1n) return undefined;
    return { header: this.#header(current), events: [] };
  }
}

const FIRST_KEY = new Uint8Array([0]);
