import { ByteTable } from './byte-table.ts';
import { grown } from './columns.ts';

/**
 * Which routes are for one MAC address: numbers of prefixes in lists, one for each Ethernet tag and MAC address. Number
 * 0 is no prefix.
 */
export class MacIndex {
  readonly #macs = new ByteTable();
  /** List that a prefix is in, by prefix; 0: none. */
  #mac = new Uint32Array(16);
  /** Next prefix in the list, by prefix; 0: none. */
  #next = new Uint32Array(16);
  /** First prefix, by list. */
  #first = new Uint32Array(16);

  /** Enters a prefix under the octets that stand for its tag and MAC address, unless it is here. Returns its list. */
  add(prefix: number, mac: Uint8Array): number {
    this.#mac = grown(this.#mac, prefix);
    this.#next = grown(this.#next, prefix);
    if (this.#mac[prefix] !== 0) return this.#mac[prefix]!;
    const list = this.#macs.add(mac, 0, mac.length);
    this.#first = grown(this.#first, list);
    this.#mac[prefix] = list;
    this.#next[prefix] = this.#first[list]!;
    this.#first[list] = prefix;
    return list;
  }

  /** Takes a prefix out, if it is here. */
  remove(prefix: number): void {
    const list = this.#mac[prefix] ?? 0;
    if (list === 0) return;
    const after = this.#next[prefix]!;
    if (this.#first[list] === prefix) this.#first[list] = after;
    else {
      let before = this.#first[list]!;
      while (this.#next[before] !== prefix) before = this.#next[before]!;
      this.#next[before] = after;
    }
    this.#mac[prefix] = 0;
    if (this.#first[list] === 0) this.#macs.remove(list);
  }

  /** The prefixes of a list. */
  of(list: number): number[] {
    const prefixes: number[] = [];
    for (let prefix = this.#first[list]!; prefix !== 0; prefix = this.#next[prefix]!) prefixes.push(prefix);
    return prefixes;
  }
}
