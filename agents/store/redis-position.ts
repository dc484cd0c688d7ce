/**
 * A place in the store's log: the Redis stream id `<revision>-<n>`. Every revision has n 0; entries that make no revision
 * (leases, compactions) follow the revision they were made at as n 1, 2, ...
 */
export interface Position {
  readonly revision: bigint;
  readonly n: bigint;
}

/** The position of a log with nothing in it: etcd's first revision. */
export const START: Position = { revision: 1n, n: 0n };

export function formatPosition(position: Position): string {
  return `${position.revision}-${position.n}`;
}

/** @throws RangeError where it is no stream id. */
export function parsePosition(text: string): Position {
  const match = /^(\d+)-(\d+)$/.exec(text);
  if (match === null) throw new RangeError(`store log in Redis: expected an id like 5-0, got ${text}`);
  return { revision: BigInt(match[1]!), n: BigInt(match[2]!) };
}

/** Negative, zero or positive, as `a` is before, at or behind `b`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.revision !== b.revision) return a.revision < b.revision ? -1 : 1;
  return a.n === b.n ? 0 : a.n < b.n ? -1 : 1;
}

/** The position of the next entry: a revision, or one that makes none. */
export function nextPosition(position: Position, makesRevision: boolean): Position {
  return makesRevision
    ? { revision: position.revision + 1n, n: 0n }
    : { revision: position.revision, n: position.n + 1n };
}

/** Whether `next` comes right behind `position`, with nothing missing between. */
export function follows(position: Position, next: Position): boolean {
  return (
    (next.revision === position.revision && next.n === position.n + 1n) ||
    (next.revision === position.revision + 1n && next.n === 0n)
  );
}
