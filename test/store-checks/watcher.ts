import type { WatchCreate, WatchStreamResponse } from '../../agents/store/store.ts';
import type { StoreLike, StreamLike } from './store-like.ts';
import type { Watched } from './watch-guarantees.ts';

/** A client that watches, and that goes on behind what it has been told wherever its stream breaks off. */
export class Watcher {
  /** One for each time it had to begin again. */
  readonly parts: Watched[] = [];
  readonly #request: WatchCreate;
  readonly #stores: readonly StoreLike[];
  #turn = 0;
  #next: bigint;
  #stream: StreamLike | undefined;
  #stopped = false;

  constructor(request: WatchCreate, stores: readonly StoreLike[]) {
    this.#request = request;
    this.#stores = stores;
    this.#next = request.startRevision ?? 0n;
    this.#open();
  }

  #open(): void {
    if (this.#stopped) return;
    const responses: WatchStreamResponse[] = [];
    const request = { ...this.#request, startRevision: this.#next };
    this.parts.push({ request, responses });
    const stream = this.#stores[this.#turn++ % this.#stores.length]!.watchStream({
      onResponse: (response) => {
        responses.push(response);
        if (response.created) {
          if (this.#next === 0n) this.#next = response.header.revision + 1n;
          stream.requestProgress();
        }
        const last = response.events.at(-1)?.kv.modRevision ?? 0n;
        if (last >= this.#next) this.#next = last + 1n;
      },
      onEnd: () => setTimeout(() => this.#open(), 50),
    });
    this.#stream = stream;
    stream.create(request);
  }

  /** The first revision that it has not been told of. */
  get next(): bigint {
    return this.#next;
  }

  stop(): void {
    this.#stopped = true;
    this.#stream?.close();
  }
}
