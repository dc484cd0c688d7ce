/**
 * What was sent (RFC 4271 §3.2), by entry: the number of the NLRI, or with ADD-PATH of the path. Kept once for all
 * members of an update group.
 */
import type { AttributeTable } from './attribute-table.ts';
import { copyInto, grownLength } from './columns.ts';

export class AdjRibOut {
  readonly #attributes: AttributeTable;
  #set = new Uint32Array(16);
  #source = new Uint32Array(16);
  #top = 0;
  #count = 0;

  constructor(attributes: AttributeTable) {
    this.#attributes = attributes;
  }

  /** One more than the highest entry ever sent. */
  get top(): number {
    return this.#top;
  }

  /** Entries that are sent now. */
  get count(): number {
    return this.#count;
  }

  /** Attribute set that was sent; 0: none. */
  set(entry: number): number {
    return entry < this.#top ? this.#set[entry]! : 0;
  }

  /** Peer that the route came from. */
  source(entry: number): number {
    return this.#source[entry]!;
  }

  /** Takes over what is sent now, with a reference of its own; that on the old set goes to the caller. */
  replace(entry: number, set: number, source: number): void {
    if (entry >= this.#set.length) {
      const size = grownLength(this.#set.length, entry);
      this.#set = copyInto(new Uint32Array(size), this.#set);
      this.#source = copyInto(new Uint32Array(size), this.#source);
    }
    if (entry >= this.#top) this.#top = entry + 1;
    if (this.#set[entry] === 0) this.#count += set === 0 ? 0 : 1;
    else if (set === 0) this.#count -= 1;
    if (set !== 0) this.#attributes.retain(set);
    this.#set[entry] = set;
    this.#source[entry] = source;
  }

  /** Gives all references back; it must not be used afterwards. */
  dissolve(): void {
    for (let entry = 0; entry < this.#top; entry++) {
      if (this.#set[entry] !== 0) this.#attributes.release(this.#set[entry]!);
    }
    this.#top = 0;
  }
}
