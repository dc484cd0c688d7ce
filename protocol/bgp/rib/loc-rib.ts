/** One family's paths and the best of each prefix: Adj-RIBs-In and Loc-RIB (RFC 4271 §3.2, §9.1). */
import type { Family } from '../family.ts';
import type { AttributeTable } from './attribute-table.ts';
import { type DecisionContext, type DecisionStep, decide } from './decision.ts';
import { ELIGIBLE } from './import.ts';
import { copyInto, PathTable } from './path-table.ts';
import { PrefixTable } from './prefix-table.ts';
import type { RibPeer } from './route.ts';

const NONE = -1;

export class LocRib {
  readonly prefixes: PrefixTable;
  readonly paths: PathTable = new PathTable();
  /** Prefixes whose last path went; they can be forgotten once nobody refers to them. */
  readonly emptied: Set<number> = new Set();
  readonly #attributes: AttributeTable;
  readonly #context: DecisionContext;
  readonly #changed: (prefix: number) => void;
  readonly #candidates: number[] = [];
  #best = new Int32Array(16).fill(NONE);

  /** @param changed told of each prefix whose best path, or that path's attributes, changed. */
  constructor(
    family: Family,
    attributes: AttributeTable,
    peers: ReadonlyMap<number, RibPeer>,
    changed: (prefix: number) => void,
  ) {
    this.prefixes = new PrefixTable(family);
    this.#attributes = attributes;
    this.#context = { paths: this.paths, attributes, peers };
    this.#changed = changed;
  }

  /** Path number of the best path, or -1. */
  best(prefix: number): number {
    return prefix < this.#best.length ? this.#best[prefix]! : NONE;
  }

  /** Enters or replaces what `peer` says about a prefix. Returns whether it is a new path. */
  set(prefix: number, peer: number, attributes: number, ineligible: number): boolean {
    const path = this.paths.find(prefix, peer);
    this.#attributes.retain(attributes);
    if (path === NONE) {
      this.emptied.delete(prefix);
      this.#select(prefix, this.paths.add(prefix, peer, attributes, ineligible));
      return true;
    }
    const old = this.paths.attributes[path]!;
    const same = old === attributes && this.paths.ineligible[path] === ineligible;
    this.#attributes.release(old);
    if (same) return false;
    this.paths.attributes[path] = attributes;
    this.paths.ineligible[path] = ineligible;
    this.#select(prefix, path);
    return false;
  }

  /** Takes out what `peer` said about a prefix. Returns whether there was anything. */
  unset(prefix: number, peer: number): boolean {
    const path = this.paths.find(prefix, peer);
    if (path === NONE) return false;
    this.paths.remove(prefix, path);
    this.#attributes.release(this.paths.attributes[path]!);
    if (this.paths.first(prefix) === NONE) this.emptied.add(prefix);
    this.#select(prefix, path);
    return true;
  }

  /** Takes out everything that `peer` said. */
  removePeer(peer: number): void {
    for (let prefix = 0; prefix < this.prefixes.top; prefix++) this.unset(prefix, peer);
  }

  /** All paths of a prefix, best first, each but the best with the step at which it lost, where it took part. */
  explain(prefix: number): { readonly path: number; readonly lost: DecisionStep | undefined }[] {
    const lost = new Map<number, DecisionStep>();
    const candidates = this.#eligible(prefix, []);
    if (candidates.length > 0) decide(this.#context, candidates, (path, step) => lost.set(path, step));
    const all: { path: number; lost: DecisionStep | undefined }[] = [];
    for (let path = this.paths.first(prefix); path !== NONE; path = this.paths.next[path]!) {
      const entry = { path, lost: lost.get(path) };
      if (path === this.best(prefix)) all.unshift(entry);
      else all.push(entry);
    }
    return all;
  }

  /** Selects again after `touched` changed, came or went. */
  #select(prefix: number, touched: number): void {
    const before = this.best(prefix);
    const candidates = this.#eligible(prefix, this.#candidates);
    const after = candidates.length === 0 ? NONE : decide(this.#context, candidates);
    if (after === before && after !== touched) return;
    if (after === NONE && before === NONE) return;
    if (prefix >= this.#best.length) this.#reserve(prefix);
    this.#best[prefix] = after;
    this.#changed(prefix);
  }

  #eligible(prefix: number, into: number[]): number[] {
    into.length = 0;
    for (let path = this.paths.first(prefix); path !== NONE; path = this.paths.next[path]!) {
      if (this.paths.ineligible[path] === ELIGIBLE) into.push(path);
    }
    return into;
  }

  #reserve(prefix: number): void {
    let size = this.#best.length * 2;
    while (size <= prefix) size *= 2;
    this.#best = copyInto(new Int32Array(size).fill(NONE), this.#best);
  }
}
