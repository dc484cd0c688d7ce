import type { LogEntry } from '../../protocol/etcd/entry.ts';

/**
 * A place in the store's log: the Redis stream id `<revision>-<n>`. Every revision has n 0; entries that make no revision
 * (leases, compactions, users) follow the revision they were made at as n 1, 2, ...
 */
export interface Position {
  readonly revision: bigint;
  readonly n: bigint;
}

/**
 * The end of a log: the position of its last entry, and the operation that appended it. A process whose last entry has another
 * operation at this position has followed a log that Redis has lost since.
 */
export interface Head extends Position {
  readonly operation: string;
}

/** The operation of no entry, or of one that is no longer known: whatever comes behind it is taken. */
export const UNKNOWN = '-';

/** The head of a log with nothing in it: etcd's first revision. */
export const START: Head = { revision: 1n, n: 0n, operation: UNKNOWN };

export function formatPosition(position: Position): string {
  return `${position.revision}-${position.n}`;
}

/** @throws RangeError where it is no stream id. */
export function parsePosition(text: string): Position {
  const match = /^(\d+)-(\d+)$/.exec(text);
  if (match === null) throw new RangeError(`store log in Redis: expected an id like 5-0, got ${text}`);
  return { revision: BigInt(match[1]!), n: BigInt(match[2]!) };
}

/** A head as Redis keeps it: position and operation with a space between. */
export function formatHead(head: Head): string {
  return `${formatPosition(head)} ${head.operation}`;
}

/** @throws RangeError where it is none. */
export function parseHead(text: string): Head {
  const [position = '', operation = ''] = text.split(' ');
  return { ...parsePosition(position), operation };
}

/** Negative, zero or positive. */
export function comparePositions(a: Position, b: Position): number {
  if (a.revision !== b.revision) return a.revision < b.revision ? -1 : 1;
  return a.n < b.n ? -1 : a.n > b.n ? 1 : 0;
}

/** The position of the next entry: a revision, the first of an epoch, or one that makes none. */
export function nextPosition(position: Position, entry: LogEntry): Position {
  if (entry.kind === 'revision' || entry.kind === 'epoch') return { revision: entry.revision, n: 0n };
  return { revision: position.revision, n: position.n + 1n };
}

/**
 * Whether an entry at `next` comes right behind `position`, with nothing missing between. An entry that begins an epoch leaves
 * revisions out by intention.
 */
export function follows(position: Position, next: Position, entry: LogEntry): boolean {
  if (entry.kind === 'epoch') return next.revision > position.revision;
  return (
    (next.revision === position.revision && next.n === position.n + 1n) ||
    (next.revision === position.revision + 1n && next.n === 0n)
  );
}
