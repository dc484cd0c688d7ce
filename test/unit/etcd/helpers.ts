import type { Draft, Outcome } from '../../../protocol/etcd/draft.ts';
import { keyBytes, keyText, prefixEnd } from '../../../protocol/etcd/keys.ts';
import { EtcdStore } from '../../../protocol/etcd/store.ts';
import type { KeyValue, WatchEvent } from '../../../protocol/etcd/types.ts';
import type { WatchOutput } from '../../../protocol/etcd/watch.ts';

export const b: typeof keyBytes = keyBytes;
export const t: typeof keyText = keyText;

export function newStore(): EtcdStore {
  return new EtcdStore({ clusterId: 1n, memberId: 2n });
}

/** Evaluates a request and commits it at once; what the watchers get goes to `outputs`. */
export function commit<T>(
  store: EtcdStore,
  evaluate: (draft: Draft) => Outcome<T>,
  now = 0,
  outputs: WatchOutput[] = [],
): T {
  const { response, entry } = evaluate(store.draft());
  if (entry !== undefined) outputs.push(...store.apply(entry, now));
  return response;
}

export function put(
  store: EtcdStore,
  key: string,
  value: string,
  lease = 0n,
  outputs: WatchOutput[] = [],
): void {
  commit(store, (draft) => draft.put({ key: b(key), value: b(value), lease }), 0, outputs);
}

export function del(store: EtcdStore, key: string, rangeEnd?: string, outputs: WatchOutput[] = []): void {
  const request = rangeEnd === undefined ? { key: b(key) } : { key: b(key), rangeEnd: b(rangeEnd) };
  commit(store, (draft) => draft.deleteRange(request), 0, outputs);
}

export function below(prefix: string): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  return { key: b(prefix), rangeEnd: prefixEnd(b(prefix)) };
}

export const everything: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } = {
  key: new Uint8Array([0]),
  rangeEnd: new Uint8Array([0]),
};

/** A kv as key=value@create/mod/version. */
export function full(kv: KeyValue): string {
  return `${t(kv.key)}=${t(kv.value)}@${kv.createRevision}/${kv.modRevision}/${kv.version}`;
}

export function event({ type, kv, prevKv }: WatchEvent): string {
  const before = prevKv === undefined ? '' : ` was ${t(prevKv.value)}`;
  return `${type === 'PUT' ? `+${t(kv.key)}=${t(kv.value)}` : `-${t(kv.key)}`}@${kv.modRevision}${before}`;
}

export function thrown(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    const { code, message } = error as { code?: number; message: string };
    return `${code ?? (error as Error).name} ${message}`;
  }
  return 'nothing';
}

/** etcd's hash of the history up to `revision` (0n: all of it), whole. */
export function hashOf(store: EtcdStore, revision = 0n): number {
  const work = store.hashKv(revision);
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
