import { compareBytes, prefixEnd, toKeyText } from '../../protocol/etcd/keys.ts';
import type { KeyValue, WatchEvent } from '../../protocol/etcd/types.ts';
import type { Clock, Log, Timer } from '../ports.ts';
import type { KvClient, Watch } from './client.ts';

/** What happens below a prefix. Called once per change of a key, in revision order, never twice for one. */
export interface ListWatchHandler {
  /** A key is there, new or changed; `previous` as this handler knew it. */
  onPut(kv: KeyValue, previous: KeyValue | undefined): void;
  /** A key is gone; `previous` is what the handler knew of it. */
  onDelete(previous: KeyValue): void;
  /** Everything that existed at `revision` has been told; also after each later list. */
  onSynced?(revision: bigint): void;
}

export interface ListWatchPorts {
  readonly clock: Clock;
  readonly log?: Log;
}

/** Least time between two lists, and the pause after one that failed (Calico watchercache.go). */
const RESYNC_SPACING = 500;
const LIST_RETRY = 1000;

/**
 * Follows all keys below `prefix`: lists them, then watches from the list's revision + 1. Where a watch cannot go on
 * (compaction, store lost its history) it lists again and tells only the differences. Goes on until closed.
 */
export function listWatch(
  client: KvClient,
  prefix: Uint8Array,
  handler: ListWatchHandler,
  ports: ListWatchPorts,
): { close(): void } {
  const follower = new Follower(client, prefix, handler, ports);
  follower.list();
  return { close: () => follower.close() };
}

class Follower {
  readonly #client: KvClient;
  readonly #prefix: Uint8Array;
  readonly #handler: ListWatchHandler;
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  readonly #known: Map<string, KeyValue> = new Map();
  #watch: Watch | undefined;
  #timer: Timer | undefined;
  #lastList = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(client: KvClient, prefix: Uint8Array, handler: ListWatchHandler, ports: ListWatchPorts) {
    this.#client = client;
    this.#prefix = prefix;
    this.#handler = handler;
    this.#clock = ports.clock;
    this.#log = ports.log;
  }

  list(): void {
    this.#lastList = this.#clock.now();
    const request = { key: this.#watchKey(), rangeEnd: prefixEnd(this.#prefix) };
    this.#client.range(request).then(
      ({ kvs, header }) => {
        if (!this.#closed) this.#listed(kvs, header.revision);
      },
      (error: Error) => {
        if (this.#closed) return;
        this.#log?.warn({ err: error }, 'listing the store failed, trying again');
        this.#listIn(LIST_RETRY);
      },
    );
  }

  /** An empty prefix means every key, which etcd calls "from NUL on". */
  #watchKey(): Uint8Array {
    return this.#prefix.length === 0 ? new Uint8Array([0]) : this.#prefix;
  }

  #listIn(delay: number): void {
    this.#timer = this.#clock.setTimer(delay, () => this.list());
  }

  #listed(kvs: readonly KeyValue[], revision: bigint): void {
    const gone = new Map(this.#known);
    for (const kv of kvs) {
      gone.delete(toKeyText(kv.key));
      this.#put(kv);
    }
    for (const kv of gone.values()) this.#delete(kv.key);
    if (this.#closed) return;
    this.#handler.onSynced?.(revision);
    if (!this.#closed) this.#startWatch(revision + 1n);
  }

  #startWatch(startRevision: bigint): void {
    const request = { key: this.#watchKey(), rangeEnd: prefixEnd(this.#prefix), startRevision };
    this.#watch = this.#client.watch(request, {
      onResponse: ({ events }) => {
        for (const event of events) this.#event(event);
      },
      onEnd: (error) => {
        this.#watch = undefined;
        if (this.#closed) return;
        this.#log?.info({ err: error }, 'the watch ended, listing again');
        this.#listIn(Math.max(0, this.#lastList + RESYNC_SPACING - this.#clock.now()));
      },
    });
  }

  #event({ type, kv }: WatchEvent): void {
    if (type === 'PUT') this.#put(kv);
    else this.#delete(kv.key);
  }

  #put(kv: KeyValue): void {
    const key = toKeyText(kv.key);
    const previous = this.#known.get(key);
    if (this.#closed || (previous !== undefined && sameVersion(previous, kv))) return;
    this.#known.set(key, kv);
    this.#handler.onPut(kv, previous);
  }

  #delete(key: Uint8Array): void {
    const text = toKeyText(key);
    const previous = this.#known.get(text);
    if (this.#closed || previous === undefined) return;
    this.#known.delete(text);
    this.#handler.onDelete(previous);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#watch?.cancel();
  }
}

function sameVersion(a: KeyValue, b: KeyValue): boolean {
  return a.modRevision === b.modRevision && compareBytes(a.value, b.value) === 0;
}
