import type { WatchCreate, WatchStreamResponse } from '../../agents/store/store.ts';
import { interval } from '../../protocol/etcd/keys.ts';
import type { WatchEvent } from '../../protocol/etcd/types.ts';
import { type Truth, text } from './history.ts';
import { differ } from './linearizability.ts';

/** What one watch was told on one stream, from its creation to its end. */
export interface Watched {
  readonly request: WatchCreate;
  /** Of this watch, and of progress requests on its stream (watch -1n), as they came. */
  readonly responses: readonly WatchStreamResponse[];
}

/**
 * etcd's guarantees for watches (etcd's API guarantees; `tests/robustness/validate/watch.go`): ordered, unique, reliable, atomic,
 * resumable, bookmarkable, with previous values, and nothing but what was asked for.
 *
 * Returns what is wrong, one line each.
 */
export function checkWatch({ request, responses }: Watched, truth: Truth): string[] {
  const wrong: string[] = [];
  let next = request.startRevision ?? 0n;
  for (const { created, canceled, header, events, watchId } of responses) {
    if (canceled) break;
    if (created || (watchId === -1n && events.length === 0) || events.length === 0) {
      if (created && next === 0n) next = header.revision + 1n;
      if (created) continue;
      // A bookmark: everything up to its revision has been told.
      wrong.push(...missing(request, next, header.revision + 1n, truth, 'bookmarkable'));
      if (header.revision >= next) next = header.revision + 1n;
      continue;
    }
    wrong.push(...checkEvents(request, events, header.revision, next, truth));
    next = events.at(-1)!.kv.modRevision + 1n;
  }
  return wrong;
}

function checkEvents(
  request: WatchCreate,
  events: readonly WatchEvent[],
  stamped: bigint,
  next: bigint,
  truth: Truth,
): string[] {
  const wrong: string[] = [];
  const revisions = events.map(({ kv }) => kv.modRevision);
  if (revisions.some((revision, i) => i > 0 && revision < revisions[i - 1]!)) wrong.push('not ordered');
  const [first, last] = [revisions[0]!, revisions.at(-1)!];
  if (first < next) wrong.push(`not unique: ${first} after ${next - 1n} had been told`);
  // Whoever resumes behind the header's revision must not miss anything.
  if (stamped < last) wrong.push(`stamped ${stamped}, before its events of ${last}`);
  wrong.push(...missing(request, next, first, truth, 'reliable'));
  const told = new Map<bigint, WatchEvent[]>();
  for (const event of events) {
    told.set(event.kv.modRevision, [...(told.get(event.kv.modRevision) ?? []), event]);
  }
  for (let revision = first; revision <= last; revision++) {
    const expected = wanted(request, revision, truth);
    const got = told.get(revision) ?? [];
    const same = got.length === expected.length && got.every((event, i) => sameEvent(event, expected[i]!));
    if (!same)
      wrong.push(`not atomic at ${revision}: ${got.map(signature)} instead of ${expected.map(signature)}`);
  }
  for (const event of events) {
    const before = truth.at(event.kv.modRevision - 1n).get(text(event.kv.key));
    if (request.prevKv === true && differ(event.prevKv, before)) {
      wrong.push(`another previous value at ${event.kv.modRevision}`);
    }
  }
  return wrong;
}

function wanted(request: WatchCreate, revision: bigint, truth: Truth): readonly WatchEvent[] {
  const { from, to } = interval(request.key, request.rangeEnd);
  return (truth.events.get(revision) ?? []).filter(({ type, kv }) => {
    const key = Buffer.from(kv.key).toString('latin1');
    const filtered = request.filters?.includes(type === 'PUT' ? 'NOPUT' : 'NODELETE') === true;
    return !filtered && key >= from && (to === undefined || key < to);
  });
}

function sameEvent(a: WatchEvent, b: WatchEvent): boolean {
  return a.type === b.type && text(a.kv.key) === text(b.kv.key) && !differ(a.kv, b.kv);
}

function signature({ type, kv }: WatchEvent): string {
  return `${type} ${text(kv.key)}=${text(kv.value)}`;
}

/** Events from `from` on and before `to` that should have been told. */
function missing(request: WatchCreate, from: bigint, to: bigint, truth: Truth, guarantee: string): string[] {
  const wrong: string[] = [];
  for (let revision = from; revision < to; revision++) {
    const events = wanted(request, revision, truth);
    if (events.length > 0) wrong.push(`not ${guarantee}: ${events.map(signature)} at ${revision} is missing`);
  }
  return wrong;
}
