import { Change } from './change.ts';
import type { KeyValue, WatchEvent } from './types.ts';

/** What tags and lengths of an event and its messages take at most, besides keys, values and numbers. */
const EVENT_OVERHEAD = 24;
const NUMBERS = 4 * 11;

function sizeOfKeyValue(kv: KeyValue | undefined): number {
  if (kv === undefined) return 0;
  // A change has its length at hand, its key and value not.
  return NUMBERS + (kv instanceof Change ? kv.size : kv.key.length + kv.value.length);
}

/** Bytes that an event takes on the wire, at most. */
export function eventSize({ kv, prevKv }: WatchEvent): number {
  return EVENT_OVERHEAD + sizeOfKeyValue(kv) + sizeOfKeyValue(prevKv);
}

/**
 * Splits the events of one revision so that no part takes more than `limit` bytes, except where a single event does (etcd
 * `v3rpc/watch.go`, sendFragments).
 */
export function fragments(events: readonly WatchEvent[], limit: number): (readonly WatchEvent[])[] {
  const parts: WatchEvent[][] = [];
  let part: WatchEvent[] = [];
  let size = 0;
  for (const event of events) {
    const added = eventSize(event);
    if (part.length > 0 && size + added > limit) {
      parts.push(part);
      part = [];
      size = 0;
    }
    part.push(event);
    size += added;
  }
  parts.push(part);
  return parts;
}
