/** What a flush sends, put together by what travels together, and its way into messages. */
import type { Audience, Segments } from './delivery.ts';
import type { UpdateWriter } from './update-writer.ts';

/** Entries that share attributes and readers. */
interface Bucket extends Audience {
  /** Attribute set to announce; 0 withdraws. */
  readonly set: number;
  readonly entries: number[];
}

/** Peer numbers stay below this, so that a number can hold an attribute set and a peer. */
export const PEERS: number = 2 ** 21;

/** Entries by attribute set and readers, in order of appearance, withdrawals first: they make room at the receiver. */
export class Buckets {
  readonly #buckets = new Map<number | string, Bucket>();
  #last: Bucket | undefined;

  put(set: number, entry: number, except: readonly number[], only: readonly number[] | undefined): void {
    const last = this.#last;
    if (last !== undefined && last.set === set && last.except === except && last.only === only) {
      last.entries.push(entry);
      return;
    }
    const key = bucketKey(set, except, only);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { set, except, only, entries: [] };
      this.#buckets.set(key, bucket);
    }
    bucket.entries.push(entry);
    this.#last = bucket;
  }

  *[Symbol.iterator](): Generator<Bucket> {
    for (const bucket of this.#buckets.values()) if (bucket.set === 0) yield bucket;
    for (const bucket of this.#buckets.values()) if (bucket.set !== 0) yield bucket;
  }
}

/** A number for what is common, text for the rest. */
function bucketKey(
  set: number,
  except: readonly number[],
  only: readonly number[] | undefined,
): number | string {
  if (only !== undefined || except.length > 1) return `${set}/${except.join()}/${only?.join() ?? ''}`;
  return set * PEERS + (except[0] ?? 0);
}

/** Writes the messages, and notes who reads them. */
export function encode(buckets: Buckets, writer: UpdateWriter, segments: Segments): void {
  for (const bucket of buckets) {
    const start = writer.out.position;
    const messages =
      bucket.set === 0 ? writer.withdraw(bucket.entries) : writer.announce(bucket.entries, bucket.set);
    segments.add(bucket, start, writer.out.position, messages);
  }
}
