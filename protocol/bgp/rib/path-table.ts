/**
 * All paths of one family: the Adj-RIB-In of every peer and the own routes in one table (RFC 4271 §3.2). The paths
 * of a prefix form a list; a path is four numbers.
 */
const NONE = -1;

export class PathTable {
  /** Attribute set. */
  attributes: Uint32Array = new Uint32Array(16);
  /** Peer it came from. */
  peer: Uint32Array = new Uint32Array(16);
  /** Why it may not be selected; 0: it may. */
  ineligible: Uint8Array = new Uint8Array(16);
  /** Next path of the same prefix, or -1. */
  next: Int32Array = new Int32Array(16);
  /** First path by prefix number, or -1. */
  #head: Int32Array = new Int32Array(16).fill(NONE);
  #top = 0;
  #free = NONE;

  /** First path of a prefix, or -1. */
  first(prefix: number): number {
    return prefix < this.#head.length ? this.#head[prefix]! : NONE;
  }

  /** The path that `peer` gave for a prefix, or -1. */
  find(prefix: number, peer: number): number {
    let path = this.first(prefix);
    while (path !== NONE && this.peer[path] !== peer) path = this.next[path]!;
    return path;
  }

  /** Enters a path that is not there yet. */
  add(prefix: number, peer: number, attributes: number, ineligible: number): number {
    const path = this.#allocate();
    this.#reserve(prefix);
    this.peer[path] = peer;
    this.attributes[path] = attributes;
    this.ineligible[path] = ineligible;
    this.next[path] = this.#head[prefix]!;
    this.#head[prefix] = path;
    return path;
  }

  /** Takes a path of `prefix` out. */
  remove(prefix: number, path: number): void {
    const after = this.next[path]!;
    let before = this.#head[prefix]!;
    if (before === path) this.#head[prefix] = after;
    else {
      while (this.next[before] !== path) before = this.next[before]!;
      this.next[before] = after;
    }
    this.next[path] = this.#free;
    this.#free = path;
  }

  #allocate(): number {
    if (this.#free !== NONE) {
      const path = this.#free;
      this.#free = this.next[path]!;
      return path;
    }
    const path = this.#top++;
    if (path >= this.peer.length) {
      const size = this.peer.length * 2;
      this.attributes = copyInto(new Uint32Array(size), this.attributes);
      this.peer = copyInto(new Uint32Array(size), this.peer);
      this.ineligible = copyInto(new Uint8Array(size), this.ineligible);
      this.next = copyInto(new Int32Array(size), this.next);
    }
    return path;
  }

  #reserve(prefix: number): void {
    if (prefix < this.#head.length) return;
    let size = this.#head.length * 2;
    while (size <= prefix) size *= 2;
    this.#head = copyInto(new Int32Array(size).fill(NONE), this.#head);
  }
}

/** `old` at the start of `larger`. */
export function copyInto<T extends { set(array: ArrayLike<number>): void }>(
  larger: T,
  old: ArrayLike<number>,
): T {
  larger.set(old);
  return larger;
}
