/**
 * All paths of one family in one table (RFC 4271 §3.2): the Adj-RIB-In of every peer and the own routes. A path is known
 * by its prefix (the number of any NLRI), the peer that gave it, and its path identifier (RFC 7911 §2; 0 without). It is
 * a row of numbers, and its own number is the path identifier under which it is sent on.
 *
 * The paths of a prefix form a list, and so do those of a peer.
 */
import { copyInto, grownLength } from './columns.ts';

const NONE = -1;

/** Bits of {@link PathTable.flags}. The lowest say why the path takes no part in selection; 0: it does. */
export const REASON = 0x0f;
/** Kept for a peer whose session is down (RFC 4724 §4.2). */
export const STALE = 0x10;
/** The long-lived phase has begun for it (RFC 9494 §4.2). */
export const LONG_LIVED = 0x20;
/** Not repeated yet since the peer began to send everything again (RFC 7313 §4). */
export const REFRESHING = 0x40;
/** Withdrawn, but the number is still known to peers that were sent the path. */
export const GONE = 0x80;

export class PathTable {
  /** Number of what it leads to. */
  prefix: Uint32Array = new Uint32Array(16);
  /** Peer it came from. */
  peer: Uint32Array = new Uint32Array(16);
  /** Attribute set as received: before import. */
  received: Uint32Array = new Uint32Array(16);
  /** Attribute set to select and send on: after import. */
  selected: Uint32Array = new Uint32Array(16);
  /** Path identifier that the peer gave it. */
  pathId: Uint32Array = new Uint32Array(16);
  flags: Uint8Array = new Uint8Array(16);
  /** Next path of the same prefix, or -1. */
  next: Int32Array = new Int32Array(16);
  /** Neighbours in the list of the peer, or -1. */
  #after: Int32Array = new Int32Array(16);
  #before: Int32Array = new Int32Array(16);
  /** First path by prefix number, or -1. */
  #head: Int32Array = new Int32Array(16).fill(NONE);
  /** First path by peer number, or -1. */
  #peerHead: Int32Array = new Int32Array(16).fill(NONE);
  #top = 0;
  #free = NONE;
  #count = 0;

  /** Paths that are not gone. */
  get count(): number {
    return this.#count;
  }

  /** One more than the highest path number ever used. */
  get top(): number {
    return this.#top;
  }

  /** First path of a prefix, or -1. */
  first(prefix: number): number {
    return prefix < this.#head.length ? this.#head[prefix]! : NONE;
  }

  /** First path of a peer, or -1. Those that are gone are not in its list. */
  firstOf(peer: number): number {
    return peer < this.#peerHead.length ? this.#peerHead[peer]! : NONE;
  }

  /** Next path of the same peer, or -1. */
  nextOf(path: number): number {
    return this.#after[path]!;
  }

  /** The path that `peer` gave under `pathId`, it may be gone; or -1. */
  find(prefix: number, peer: number, pathId: number): number {
    let path = this.first(prefix);
    while (path !== NONE && (this.peer[path] !== peer || this.pathId[path] !== pathId))
      path = this.next[path]!;
    return path;
  }

  /** Enters a path that is not there yet. */
  add(prefix: number, peer: number, pathId: number): number {
    const path = this.#allocate();
    if (prefix >= this.#head.length) {
      this.#head = copyInto(new Int32Array(grownLength(this.#head.length, prefix)).fill(NONE), this.#head);
    }
    this.prefix[path] = prefix;
    this.peer[path] = peer;
    this.pathId[path] = pathId;
    this.flags[path] = 0;
    this.next[path] = this.#head[prefix]!;
    this.#head[prefix] = path;
    this.#linkPeer(path);
    return path;
  }

  /** Takes a path out of its peer's list; its number stays taken until {@link remove}. */
  leave(path: number): void {
    this.flags[path] = GONE;
    this.#count -= 1;
    const before = this.#before[path]!;
    const after = this.#after[path]!;
    if (before === NONE) this.#peerHead[this.peer[path]!] = after;
    else this.#after[before] = after;
    if (after !== NONE) this.#before[after] = before;
  }

  /** A path that is gone is back. */
  comeBack(path: number): void {
    this.flags[path] = 0;
    this.#linkPeer(path);
  }

  /** Frees the number of a path that is gone. */
  remove(path: number): void {
    const prefix = this.prefix[path]!;
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

  #linkPeer(path: number): void {
    this.#count += 1;
    const peer = this.peer[path]!;
    if (peer >= this.#peerHead.length) {
      this.#peerHead = copyInto(
        new Int32Array(grownLength(this.#peerHead.length, peer)).fill(NONE),
        this.#peerHead,
      );
    }
    const first = this.#peerHead[peer]!;
    this.#before[path] = NONE;
    this.#after[path] = first;
    if (first !== NONE) this.#before[first] = path;
    this.#peerHead[peer] = path;
  }

  #allocate(): number {
    if (this.#free !== NONE) {
      const path = this.#free;
      this.#free = this.next[path]!;
      return path;
    }
    const path = this.#top++;
    if (path >= this.peer.length) this.#grow(this.peer.length * 2);
    return path;
  }

  #grow(size: number): void {
    this.prefix = copyInto(new Uint32Array(size), this.prefix);
    this.peer = copyInto(new Uint32Array(size), this.peer);
    this.received = copyInto(new Uint32Array(size), this.received);
    this.selected = copyInto(new Uint32Array(size), this.selected);
    this.pathId = copyInto(new Uint32Array(size), this.pathId);
    this.flags = copyInto(new Uint8Array(size), this.flags);
    this.next = copyInto(new Int32Array(size), this.next);
    this.#after = copyInto(new Int32Array(size), this.#after);
    this.#before = copyInto(new Int32Array(size), this.#before);
  }
}
