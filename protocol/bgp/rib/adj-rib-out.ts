/**
 * What was sent (RFC 4271 §3.2), by entry: the number of the NLRI, or with ADD-PATH of the path. Kept once for all
 * members of an update group.
 */
import type { AttributeTable } from './attribute-table.ts';
import { discard, grown, trimmed } from './columns.ts';

/** Words of an entry. */
const SET = 0;
const SOURCE = 1;
const STRIDE = 2;

export class AdjRibOut {
  readonly #attributes: AttributeTable;
  #rows = new Int32Array(16 * STRIDE);
  #top = 0;
  #count = 0;

  constructor(attributes: AttributeTable) {
    this.#attributes = attributes;
  }

  /** One more than the highest entry that may be sent. */
  get top(): number {
    return this.#top;
  }

  /** Entries that are sent now. */
  get count(): number {
    return this.#count;
  }

  /** Attribute set that was sent; 0: none. */
  set(entry: number): number {
    return entry < this.#top ? this.#rows[entry * STRIDE + SET]! : 0;
  }

  /** Peer that the route came from. */
  source(entry: number): number {
    return this.#rows[entry * STRIDE + SOURCE]!;
  }

  /** Takes over what is sent now, with a reference of its own; that on the old set goes to the caller. */
  replace(entry: number, set: number, source: number): void {
    const at = entry * STRIDE;
    if (at + SOURCE >= this.#rows.length) this.#rows = grown(this.#rows, at + SOURCE);
    const rows = this.#rows;
    if (entry >= this.#top) this.#top = entry + 1;
    if (rows[at + SET] === 0) this.#count += set === 0 ? 0 : 1;
    else if (set === 0) this.#count -= 1;
    if (set !== 0) this.#attributes.retain(set);
    rows[at + SET] = set;
    rows[at + SOURCE] = source;
  }

  /** Gives memory back after most entries went. */
  trim(): void {
    while (this.#top > 0 && this.#rows[(this.#top - 1) * STRIDE + SET] === 0) this.#top -= 1;
    this.#rows = trimmed(this.#rows, this.#top * STRIDE);
  }

  /** Gives all references and all memory back; it must not be used afterwards. */
  dissolve(): void {
    for (let entry = 0; entry < this.#top; entry++) {
      const set = this.set(entry);
      if (set !== 0) this.#attributes.release(set);
    }
    this.#top = 0;
    discard(this.#rows);
  }
}
