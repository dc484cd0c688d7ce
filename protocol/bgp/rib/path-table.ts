/**
 * All paths of one family in one table (RFC 4271 §3.2): the Adj-RIB-In of every peer and the own routes. A path is known
 * by its prefix (the number of any NLRI), the peer that gave it, and its path identifier (RFC 7911 §2; 0 without). It is
 * a row of numbers, and its own number is the path identifier under which it is sent on.
 *
 * The words of a path stand together, since nearly everything looks at several of them. The paths of a prefix form a
 * list; those of a peer are found by looking at all, which is rare and takes a few milliseconds for a million.
 */
import { grown, trimmed, trimmedLength } from './columns.ts';

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

/** Words of a path. The origin is its peer, with the flags above {@link FLAGS_SHIFT}. */
const PREFIX = 0;
const ORIGIN = 1;
const RECEIVED = 2;
const SELECTED = 3;
const NEXT = 4;
const STRIDE = 5;

const FLAGS_SHIFT = 24;
const PEER_MASK = 2 ** FLAGS_SHIFT - 1;
/** Origin of a number that is free. */
const FREE = PEER_MASK;

export class PathTable {
  #rows = new Int32Array(16 * STRIDE);
  /** First path by prefix number, plus one; 0: none. */
  #head = new Int32Array(16);
  /** Path identifiers that peers gave; empty as long as there are none. */
  #pathIds = new Uint32Array(0);
  #top = 0;
  #free = NONE;
  #count = 0;

  /** One more than the highest path number that may be in use. */
  get top(): number {
    return this.#top;
  }

  /** Paths that are not gone. */
  get count(): number {
    return this.#count;
  }

  /** Number of what a path leads to. */
  prefix(path: number): number {
    return this.#rows[path * STRIDE + PREFIX]!;
  }

  /** Peer it came from. */
  peer(path: number): number {
    return this.#rows[path * STRIDE + ORIGIN]! & PEER_MASK;
  }

  flags(path: number): number {
    return this.#rows[path * STRIDE + ORIGIN]! >>> FLAGS_SHIFT;
  }

  /** Attribute set as received: before import. */
  received(path: number): number {
    return this.#rows[path * STRIDE + RECEIVED]!;
  }

  /** Attribute set to select and send on: after import. */
  selected(path: number): number {
    return this.#rows[path * STRIDE + SELECTED]!;
  }

  /** Path identifier that the peer gave it. */
  pathId(path: number): number {
    return this.#pathIds[path] ?? 0;
  }

  /** Next path of the same prefix, or -1. */
  next(path: number): number {
    return this.#rows[path * STRIDE + NEXT]!;
  }

  /** First path of a prefix, or -1. */
  first(prefix: number): number {
    return prefix < this.#head.length ? this.#head[prefix]! - 1 : NONE;
  }

  setFlags(path: number, flags: number): void {
    const at = path * STRIDE + ORIGIN;
    this.#rows[at] = (this.#rows[at]! & PEER_MASK) | (flags << FLAGS_SHIFT);
  }

  setSets(path: number, received: number, selected: number): void {
    this.#rows[path * STRIDE + RECEIVED] = received;
    this.#rows[path * STRIDE + SELECTED] = selected;
  }

  /** The first path of a peer from number `from` on, or -1. Those that are gone do not count. */
  nextOf(peer: number, from: number): number {
    const rows = this.#rows;
    for (let path = from; path < this.#top; path++) {
      const origin = rows[path * STRIDE + ORIGIN]!;
      if ((origin & PEER_MASK) === peer && origin >>> FLAGS_SHIFT < GONE) return path;
    }
    return NONE;
  }

  /** The path that `peer` gave under `pathId`, it may be gone; or -1. */
  find(prefix: number, peer: number, pathId: number): number {
    let path = this.first(prefix);
    while (path !== NONE && (this.peer(path) !== peer || this.pathId(path) !== pathId))
      path = this.next(path);
    return path;
  }

  /** Enters a path that is not there yet. */
  add(
    prefix: number,
    peer: number,
    pathId: number,
    received: number,
    selected: number,
    flags: number,
  ): number {
    const path = this.#allocate();
    if (prefix >= this.#head.length) this.#head = grown(this.#head, prefix);
    if (pathId !== 0 || this.#pathIds.length > 0) this.#setPathId(path, pathId);
    const rows = this.#rows;
    const at = path * STRIDE;
    rows[at + PREFIX] = prefix;
    rows[at + ORIGIN] = peer | (flags << FLAGS_SHIFT);
    rows[at + RECEIVED] = received;
    rows[at + SELECTED] = selected;
    rows[at + NEXT] = this.#head[prefix]! - 1;
    this.#head[prefix] = path + 1;
    this.#count += 1;
    return path;
  }

  /** A path is gone; its number stays taken until {@link remove}. */
  leave(path: number): void {
    this.setFlags(path, GONE);
    this.#count -= 1;
  }

  /** A path that is gone is back. */
  comeBack(path: number, received: number, selected: number, flags: number): void {
    this.setFlags(path, flags);
    this.setSets(path, received, selected);
    this.#count += 1;
  }

  /** Frees the number of a path that is gone. */
  remove(path: number): void {
    const rows = this.#rows;
    const prefix = this.prefix(path);
    const after = this.next(path);
    let before = this.first(prefix);
    if (before === path) this.#head[prefix] = after + 1;
    else {
      while (this.next(before) !== path) before = this.next(before);
      rows[before * STRIDE + NEXT] = after;
    }
    rows[path * STRIDE + ORIGIN] = FREE;
    rows[path * STRIDE + NEXT] = this.#free;
    this.#free = path;
  }

  /** Gives memory back after most paths went; `prefixes` is one more than the highest prefix number in use. */
  trim(prefixes: number): void {
    this.#head = trimmed(this.#head, prefixes);
    let top = this.#top;
    while (top > 0 && this.#isFree(top - 1)) top -= 1;
    if (trimmedLength(this.#top, top) === this.#top) return;
    this.#top = top;
    this.#free = NONE;
    for (let path = top - 1; path >= 0; path--) {
      if (!this.#isFree(path)) continue;
      this.#rows[path * STRIDE + NEXT] = this.#free;
      this.#free = path;
    }
    this.#rows = trimmed(this.#rows, top * STRIDE);
    if (this.#pathIds.length > 0) this.#pathIds = trimmed(this.#pathIds, top);
  }

  #isFree(path: number): boolean {
    return (this.#rows[path * STRIDE + ORIGIN]! & PEER_MASK) === FREE;
  }

  #setPathId(path: number, pathId: number): void {
    if (this.#pathIds.length === 0) this.#pathIds = new Uint32Array(16);
    if (path >= this.#pathIds.length) this.#pathIds = grown(this.#pathIds, path);
    this.#pathIds[path] = pathId;
  }

  #allocate(): number {
    if (this.#free !== NONE) {
      const path = this.#free;
      this.#free = this.next(path);
      return path;
    }
    const path = this.#top++;
    const end = (path + 1) * STRIDE;
    if (end > this.#rows.length) this.#rows = grown(this.#rows, end);
    return path;
  }
}
