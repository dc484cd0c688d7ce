import type { WatchCreate, WatchStreamResponse } from '../../agents/store/store.ts';
import { keyText } from '../../protocol/etcd/keys.ts';
import type { WatchEvent } from '../../protocol/etcd/types.ts';
import type { StoreLike, StreamLike } from './store-like.ts';

/** One watch on a stream of its own, and all that it was told; it does not go on by itself where it ends. */
export class EventLog {
  readonly responses: WatchStreamResponse[] = [];
  readonly #stream: StreamLike;
  #wake: () => void = () => {};

  constructor(store: StoreLike, request: WatchCreate) {
    this.#stream = store.watchStream({
      onResponse: (response) => {
        this.responses.push(response);
        this.#wake();
      },
    });
    this.#stream.create(request);
  }

  get events(): readonly WatchEvent[] {
    return this.responses.flatMap(({ events }) => events);
  }

  /** Resolves with the first response of which that is true, also one that came before. */
  async response(wanted: (response: WatchStreamResponse) => boolean): Promise<WatchStreamResponse> {
    for (let next = 0; ; next++) {
      while (next >= this.responses.length) await this.#more();
      if (wanted(this.responses[next]!)) return this.responses[next]!;
    }
  }

  /** Resolves when the watch is there: what happens after that is told. */
  async created(): Promise<WatchStreamResponse> {
    return this.response(({ created }) => created);
  }

  /** Resolves with the events when there are so many. */
  async until(count: number): Promise<readonly WatchEvent[]> {
    while (this.events.length < count) await this.#more();
    return this.events;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  close(): void {
    this.#stream.close();
  }
}

/** An event in short: `PUT key=value@revision (before)`, `DELETE key@revision (before)`, the key without the prefix. */
export function eventText({ type, kv, prevKv }: WatchEvent, prefix = ''): string {
  const key = keyText(kv.key).slice(prefix.length);
  const what = type === 'PUT' ? `PUT ${key}=${keyText(kv.value)}` : `DELETE ${key}`;
  return `${what}@${kv.modRevision}${prevKv === undefined ? '' : ` (${keyText(prevKv.value)})`}`;
}
