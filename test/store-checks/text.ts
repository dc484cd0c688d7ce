import { Change } from '../../protocol/etcd/change.ts';

/** Fields that differ from store to store. */
const IGNORED: ReadonlySet<string> = new Set(['clusterId', 'memberId', 'raftTerm']);

/**
 * Anything as one line in which equal values are equal: bytes as text (latin1), keys of objects in order, without what is different
 * from store to store.
 */
export function line(value: unknown): string {
  if (typeof value === 'bigint') return `${value}`;
  if (value instanceof Uint8Array) return `'${Buffer.from(value).toString('latin1')}'`;
  if (Array.isArray(value)) return `[${value.map(line).join(' ')}]`;
  if (value instanceof Change) {
    const { key, value: held, createRevision, modRevision, version, lease } = value;
    return line({ key, value: held, createRevision, modRevision, version, lease });
  }
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([key, each]) => !IGNORED.has(key) && each !== undefined);
    return `{${fields
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => `${key}:${line(each)}`)
      .join(' ')}}`;
  }
  return String(value);
}

/** What a call came to, as one line. */
export function outcome(call: Promise<unknown>): Promise<string> {
  return call.then(line, (error: { readonly code?: number; readonly message: string }) =>
    error.code === undefined ? `${error}` : `${error.code} ${error.message}`,
  );
}
