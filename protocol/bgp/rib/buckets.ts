/** What a flush sends, put together by what travels together, and its way into messages. */
import { grown } from './columns.ts';
import { type Audience, NOBODY, type Segments, sameMembers } from './delivery.ts';
import type { UpdateWriter } from './update-writer.ts';

const NONE = -1;

/**
 * Entries by attribute set and readers, in order of appearance, withdrawals first: they make room at the receiver.
 *
 * Entries that travel together form a list. All this is kept in arrays that are filled anew each time, since a full table
 * has a bucket for nearly every message.
 */
export class Buckets {
  /** By bucket: attribute set to announce, 0 withdraws; who reads; and the first and last item of its list. */
  #sets = new Int32Array(64);
  readonly #except: (readonly number[])[] = [];
  readonly #only: (readonly number[] | undefined)[] = [];
  #first = new Int32Array(64);
  #last = new Int32Array(64);
  #buckets = 0;
  /** By item: the entry, and the next item of the bucket. */
  #entries = new Int32Array(64);
  #next = new Int32Array(64);
  #items = 0;
  /** Hash of the buckets by attribute set: bucket plus one, 0 where a slot is empty. */
  #slots = new Int32Array(128);
  /** Bucket that was put into last. */
  #current = NONE;
  /** The entries of one bucket, together. */
  #together = new Int32Array(64);
  readonly #audience: { except: readonly number[]; only: readonly number[] | undefined } = {
    except: NOBODY,
    only: undefined,
  };

  put(set: number, entry: number, except: readonly number[], only: readonly number[] | undefined): void {
    const item = this.#items++;
    if (item >= this.#entries.length) {
      this.#entries = grown(this.#entries, item);
      this.#next = grown(this.#next, item);
    }
    this.#entries[item] = entry;
    this.#next[item] = NONE;
    const bucket = this.#bucket(set, except, only);
    if (this.#first[bucket] === NONE) this.#first[bucket] = item;
    else this.#next[this.#last[bucket]!] = item;
    this.#last[bucket] = item;
    this.#current = bucket;
  }

  #bucket(set: number, except: readonly number[], only: readonly number[] | undefined): number {
    const current = this.#current;
    if (
      current !== NONE &&
      this.#sets[current] === set &&
      this.#except[current] === except &&
      this.#only[current] === only
    ) {
      return current;
    }
    const known = this.#seek(set, except, only);
    if (this.#slots[known] !== 0) return this.#slots[known]! - 1;
    const bucket = this.#buckets++;
    this.#slots[known] = bucket + 1;
    if (bucket >= this.#sets.length) {
      this.#sets = grown(this.#sets, bucket);
      this.#first = grown(this.#first, bucket);
      this.#last = grown(this.#last, bucket);
    }
    this.#sets[bucket] = set;
    this.#except[bucket] = except;
    this.#only[bucket] = only;
    this.#first[bucket] = NONE;
    if (this.#buckets * 2 > this.#slots.length) this.#rehash();
    return bucket;
  }

  /** The slot of a bucket, or the empty one where it would stand. */
  #seek(set: number, except: readonly number[], only: readonly number[] | undefined): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = Math.imul(set, 0x9e3779b1) & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const bucket = slots[slot]! - 1;
      if (this.#sets[bucket] !== set || !sameMembers(this.#except[bucket]!, except)) continue;
      if (sameReaders(this.#only[bucket], only)) return slot;
    }
    return slot;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      const slot = this.#seek(this.#sets[bucket]!, this.#except[bucket]!, this.#only[bucket]);
      this.#slots[slot] = bucket + 1;
    }
  }

  /** Writes the messages, notes who reads them, and is empty again. */
  encode(writer: UpdateWriter, segments: Segments): void {
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      if (this.#sets[bucket] === 0) this.#write(bucket, writer, segments);
    }
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      if (this.#sets[bucket] !== 0) this.#write(bucket, writer, segments);
    }
    this.#buckets = 0;
    this.#items = 0;
    this.#slots.fill(0);
    this.#current = NONE;
  }

  #write(bucket: number, writer: UpdateWriter, segments: Segments): void {
    let count = 0;
    for (let item = this.#first[bucket]!; item !== NONE; item = this.#next[item]!) {
      if (count >= this.#together.length) this.#together = grown(this.#together, count);
      this.#together[count++] = this.#entries[item]!;
    }
    const set = this.#sets[bucket]!;
    const start = writer.out.position;
    const messages =
      set === 0 ? writer.withdraw(this.#together, count) : writer.announce(this.#together, count, set);
    const audience = this.#audience;
    audience.except = this.#except[bucket]!;
    audience.only = this.#only[bucket];
    segments.add(audience satisfies Audience, start, writer.out.position, messages);
  }
}

function sameReaders(a: readonly number[] | undefined, b: readonly number[] | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && sameMembers(a, b));
}
