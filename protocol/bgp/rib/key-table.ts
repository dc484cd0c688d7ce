/** Routes of a family whose NLRI is more than a prefix, by the key that its codec makes of the NLRI. */
import type { Family } from '../family.ts';
import { type NlriCodec, NO_DATA } from '../nlri/codec.ts';
import { NLRI_CODECS } from '../nlri/table.ts';
import { ByteTable } from './byte-table.ts';
import type { NlriTable } from './nlri-table.ts';

const NONE = -1;

export class KeyTable implements NlriTable {
  readonly family: Family;
  readonly #codec: NlriCodec;
  readonly #keys = new ByteTable();

  constructor(family: Family) {
    this.family = family;
    this.#codec = NLRI_CODECS[family];
  }

  get count(): number {
    return this.#keys.count;
  }

  get top(): number {
    return this.#keys.top;
  }

  find(bytes: Uint8Array, start: number, end: number): number {
    const key = this.#codec.key(bytes.subarray(start, end));
    return this.#keys.find(key, 0, key.length) || NONE;
  }

  add(bytes: Uint8Array, start: number, end: number): number {
    const key = this.#codec.key(bytes.subarray(start, end));
    return this.#keys.add(key, 0, key.length);
  }

  remove(id: number): void {
    this.#keys.remove(id);
  }

  trim(): number {
    return this.#keys.trim();
  }

  size(id: number, data: Uint8Array | undefined): number {
    return this.#join(id, data).length;
  }

  write(id: number, data: Uint8Array | undefined, into: Uint8Array, at: number): number {
    const nlri = this.#join(id, data);
    into.set(nlri, at);
    return at + nlri.length;
  }

  text(id: number, data: Uint8Array | undefined): string {
    return this.#codec.text(this.#join(id, data));
  }

  key(id: number): Uint8Array {
    return this.#keys.bytes(id);
  }

  prefix(): undefined {
    return undefined;
  }

  #join(id: number, data: Uint8Array | undefined): Uint8Array {
    return this.#codec.join(this.#keys.bytes(id), data ?? NO_DATA);
  }
}
