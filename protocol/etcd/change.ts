import type { KeyValue } from './types.ts';

/**
 * One key's change within a revision. A deletion is a tombstone: `key` and `modRevision` set, everything else zero or
 * empty, as etcd shows it to watchers.
 */
export interface Change extends KeyValue {
  /** Sub-revision: its position among the changes of the revision. Never on the wire, but part of etcd's hash. */
  readonly sub: number;
}

export function isTombstone(kv: KeyValue): boolean {
  return kv.version === 0n;
}

const NO_BYTES = new Uint8Array(0);

/** The change that deletes `key` at `revision`. */
export function tombstone(key: Uint8Array, revision: bigint, sub: number): Change {
  return { key, value: NO_BYTES, createRevision: 0n, modRevision: revision, version: 0n, lease: 0n, sub };
}

/** A change in the history, with what the key held before it. */
export interface LoggedChange {
  readonly key: string;
  readonly kv: Change;
  readonly prevKv: KeyValue | undefined;
}
