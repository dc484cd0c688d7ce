import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { KvClient, Watch } from '../../../agents/store/client.ts';
import { keyBytes, keyText, prefixEnd } from '../../../agents/store/keys.ts';
import type { KeyValue, RequestOp, WatchEvent, WatchRequest } from '../../../protocol/etcd/types.ts';

export const b: typeof keyBytes = keyBytes;
export const t: typeof keyText = keyText;

/** `{key, rangeEnd}` of everything below a prefix. */
export function below(prefix: string): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  return { key: b(prefix), rangeEnd: prefixEnd(b(prefix)) };
}

export function put(key: string, value: string, more: object = {}): RequestOp & { readonly kind: 'put' } {
  return { kind: 'put', request: { key: b(key), value: b(value), ...more } };
}

/** A kv as one line: key=value@mod. */
export function line(kv: KeyValue): string {
  return `${t(kv.key)}=${t(kv.value)}`;
}

/** An error's code and text, for comparison. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => `no error: ${JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v))}`,
    (error: { code?: number; message: string }) => `${error.code} ${error.message}`,
  );
}

/** A running watch whose events and end can be waited for. */
export interface Recorder {
  readonly watch: Watch;
  readonly events: WatchEvent[];
  /** Header revisions of the responses with events. */
  readonly revisions: bigint[];
  /** Number of events in each response. */
  readonly sizes: number[];
  created: number;
  readonly ended: Promise<Error>;
  /** Resolves with the events once there are `count` of them. */
  until(count: number): Promise<WatchEvent[]>;
  /** Resolves once the store has said `count` times that the watch runs. */
  untilCreated(count?: number): Promise<bigint>;
}

export function record(client: KvClient, request: WatchRequest): Recorder {
  const waiting: { readonly done: () => boolean; readonly resolve: () => void }[] = [];
  const wake = (): void => {
    for (const waiter of waiting) if (waiter.done()) waiter.resolve();
  };
  const wait = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => (done() ? resolve() : waiting.push({ done, resolve })));
  let end: (error: Error) => void = () => {};
  let createdAt = 0n;
  const events: WatchEvent[] = [];
  const revisions: bigint[] = [];
  const sizes: number[] = [];
  const recorder: Recorder = {
    events,
    revisions,
    sizes,
    created: 0,
    ended: new Promise((resolve) => {
      end = resolve;
    }),
    until: async (count) => {
      await wait(() => events.length >= count);
      return events;
    },
    untilCreated: async (count = 1) => {
      await wait(() => recorder.created >= count);
      return createdAt;
    },
    watch: client.watch(request, {
      onCreated: (revision) => {
        recorder.created++;
        createdAt = revision;
        wake();
      },
      onResponse: (response) => {
        if (response.events.length > 0) {
          events.push(...response.events);
          revisions.push(response.header.revision);
          sizes.push(response.events.length);
        }
        wake();
      },
      onEnd: (error) => end(error),
    }),
  };
  return recorder;
}

/** An event as one line: PUT key=value or DELETE key, with what was before in brackets. */
export function eventLine({ type, kv, prevKv }: WatchEvent): string {
  const before = prevKv === undefined ? '' : ` (${t(prevKv.value)})`;
  return type === 'PUT' ? `PUT ${line(kv)}${before}` : `DELETE ${t(kv.key)}${before}`;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Octets in typed arrays that somebody refers to. */
export function arrayBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}
