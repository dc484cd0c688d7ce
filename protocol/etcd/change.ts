import { fromKeyText } from './keys.ts';
import { NOWHERE, type Place } from './slab.ts';
import type { KeyValue } from './types.ts';

/** What a change says besides its key and value. Revisions and versions are integers of 0 to 2^53 - 1. */
interface ChangeNumbers {
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly versionNumber: number;
  readonly lease: bigint;
  readonly sub: number;
}

/**
 * One key's change within a revision. A deletion is a tombstone: `key` and `modRevision` set, everything else zero or
 * empty, as etcd shows it to watchers.
 *
 * There are as many as there is history, and the garbage collector visits all of them: a change is one object. Its key is the string
 * by which the store finds it, its value a place in memory that others share, and its numbers are not bigints (V8 keeps numbers up to
 * 2^31 - 1 within the object). What {@link KeyValue} asks for is made when it is read.
 */
export class Change implements KeyValue {
  /** The key with one character per byte: see keys.ts. */
  readonly text: string;
  #buffer: ArrayBufferLike;
  #offset: number;
  readonly #length: number;
  /** {@link KeyValue.createRevision}, {@link KeyValue.modRevision} and {@link KeyValue.version} as numbers. */
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly versionNumber: number;
  readonly lease: bigint;
  /** Sub-revision: its position among the changes of the revision. Never on the wire, but part of etcd's hash. */
  readonly sub: number;

  constructor(text: string, value: Place, numbers: ChangeNumbers) {
    this.text = text;
    this.#buffer = value.buffer;
    this.#offset = value.offset;
    this.#length = value.length;
    this.createdAt = numbers.createdAt;
    this.modifiedAt = numbers.modifiedAt;
    this.versionNumber = numbers.versionNumber;
    this.lease = numbers.lease;
    this.sub = numbers.sub;
  }

  /** The change that deletes a key at `revision`. */
  static tombstone(text: string, revision: number, sub: number): Change {
    return new Change(text, NOWHERE, {
      createdAt: 0,
      modifiedAt: revision,
      versionNumber: 0,
      lease: 0n,
      sub,
    });
  }

  get isTombstone(): boolean {
    return this.versionNumber === 0;
  }

  get key(): Uint8Array {
    return fromKeyText(this.text);
  }

  /** A part of memory that others share: not to be changed. */
  get value(): Uint8Array {
    return new Uint8Array(this.#buffer, this.#offset, this.#length);
  }

  get createRevision(): bigint {
    return BigInt(this.createdAt);
  }

  get modRevision(): bigint {
    return BigInt(this.modifiedAt);
  }

  get version(): bigint {
    return BigInt(this.versionNumber);
  }

  /** Octets of key and value. */
  get size(): number {
    return this.text.length + this.#length;
  }

  /** Where the value is. */
  get place(): Place {
    return { buffer: this.#buffer, offset: this.#offset, length: this.#length };
  }

  /** Has the value at `to` if it is at `from`; the octets are the same. */
  move(from: Place, to: Place): void {
    if (this.#buffer !== from.buffer || this.#offset !== from.offset || this.#length !== from.length) return;
    this.#buffer = to.buffer;
    this.#offset = to.offset;
  }

  /** The same without its value. */
  withoutValue(): Change {
    return new Change(this.text, NOWHERE, this);
  }
}
