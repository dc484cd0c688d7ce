import type { KeyValue, RequestOp } from '../../protocol/etcd/types.ts';
import type { KvClient } from './client.ts';

export { keyBytes, keyText, prefixEnd } from '../../protocol/etcd/keys.ts';

/** What a guarded write came to: done at a revision, or not because of `current` (undefined: the key is missing). */
export type GuardedResult =
  | { readonly kind: 'ok'; readonly revision: bigint; readonly previous: KeyValue | undefined }
  | { readonly kind: 'conflict'; readonly current: KeyValue | undefined };

export interface WriteOptions {
  /** Lease that the key ends with. */
  readonly lease?: bigint;
}

/** `mutation` if `key` has that revision (0n: does not exist), else what the key holds. */
async function guarded(
  client: KvClient,
  key: Uint8Array,
  guard: { readonly kind: 'VERSION' | 'MOD'; readonly operand: bigint } | undefined,
  mutation: RequestOp,
): Promise<GuardedResult> {
  const { header, succeeded, responses } = await client.txn({
    compare: guard === undefined ? [] : [{ key, result: 'EQUAL', target: guard }],
    success: [mutation],
    failure: [{ kind: 'range', request: { key } }],
  });
  const answer = responses[0];
  if (!succeeded) {
    return { kind: 'conflict', current: answer?.kind === 'range' ? answer.response.kvs[0] : undefined };
  }
  if (answer?.kind === 'deleteRange') {
    const previous = answer.response.prevKvs[0];
    return previous === undefined
      ? { kind: 'conflict', current: undefined }
      : { kind: 'ok', revision: header.revision, previous };
  }
  const previous = answer?.kind === 'put' ? answer.response.prevKv : undefined;
  return { kind: 'ok', revision: header.revision, previous };
}

function putOp(key: Uint8Array, value: Uint8Array, options: WriteOptions): RequestOp {
  return { kind: 'put', request: { key, value, prevKv: true, ...options } };
}

/** Puts a key that does not exist yet (version is 0); a conflict gives the existing one. Calico's create. */
export function createKey(
  client: KvClient,
  key: Uint8Array,
  value: Uint8Array,
  options: WriteOptions = {},
): Promise<GuardedResult> {
  return guarded(client, key, { kind: 'VERSION', operand: 0n }, putOp(key, value, options));
}

/** Puts a key that nobody changed since `modRevision`; a conflict gives what it is now. Calico's update. */
export function updateKey(
  client: KvClient,
  key: Uint8Array,
  value: Uint8Array,
  modRevision: bigint,
  options: WriteOptions = {},
): Promise<GuardedResult> {
  return guarded(client, key, { kind: 'MOD', operand: modRevision }, putOp(key, value, options));
}

/**
 * Deletes a key, with `modRevision` only if nobody changed it since; a conflict gives what it is now (undefined: it did
 * not exist). Calico's delete.
 */
export function deleteKey(client: KvClient, key: Uint8Array, modRevision?: bigint): Promise<GuardedResult> {
  const guard = modRevision === undefined ? undefined : ({ kind: 'MOD', operand: modRevision } as const);
  return guarded(client, key, guard, { kind: 'deleteRange', request: { key, prevKv: true } });
}

/** The key's value now, or undefined. */
export async function getKey(client: KvClient, key: Uint8Array): Promise<KeyValue | undefined> {
  return (await client.range({ key })).kvs[0];
}
