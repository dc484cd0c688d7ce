/** Attribute sets with which routes leave to an update group, each made once per flush where that is enough. */
import { FAMILIES } from '../family.ts';
import { PATH_ID_LENGTH } from '../nlri/walk.ts';
import type { PolicyPrefix } from '../policy/policy.ts';
import type { AttributeTable } from './attribute-table.ts';
import { grown } from './columns.ts';
import { exportRoute } from './export.ts';
import type { ExportProfile } from './export-profile.ts';
import { fitSet } from './fit-set.ts';
import type { LocRib } from './loc-rib.ts';
import type { RibConfig, RibPeer } from './route.ts';
import type { UpdateWriter } from './update-writer.ts';

/** What all groups of a RIB look at. */
export interface GroupContext {
  readonly config: RibConfig;
  readonly attributes: AttributeTable;
  readonly peers: ReadonlyMap<number, RibPeer>;
  /** Whether a peer asked for the route targets of a set (RFC 4684). */
  wantsTargets(peer: number, set: number): boolean;
}

/** Places of the cache, a power of two, and words of each. */
const PLACES = 2048;
const STRIDE = 3;

export class GroupExport {
  readonly #profile: ExportProfile;
  readonly #context: GroupContext;
  readonly #attributes: AttributeTable;
  readonly #rib: LocRib;
  /** One answer of export holds for all routes of a set from one source. */
  readonly #perSet: boolean;
  readonly #pathIdLength: number;
  /** Octets of a prefix on the wire at most. */
  readonly #largestPrefix: number;
  /**
   * What was exported in this flush, by set: set, source, and the exported set, with places that sets share. Who is pushed
   * out is exported again, which gives the same set.
   */
  readonly #cache = new Int32Array(PLACES * STRIDE);
  #cached = false;
  /** Exported sets of this flush, each with a reference. */
  #used = new Int32Array(64);
  #usedCount = 0;

  constructor(profile: ExportProfile, context: GroupContext, rib: LocRib) {
    this.#profile = profile;
    this.#context = context;
    this.#attributes = context.attributes;
    this.#rib = rib;
    this.#perSet = FAMILIES[profile.family].prefixes && profile.policy?.usesPrefix !== true;
    this.#pathIdLength = profile.addPath > 0 ? PATH_ID_LENGTH : 0;
    this.#largestPrefix = 1 + FAMILIES[profile.family].bytes + this.#pathIdLength;
  }

  /** Attribute set with which a route leaves, to be used until {@link end}; 0 where it does not. */
  export(set: number, source: number, prefix: number, writer: UpdateWriter): number {
    if (!this.#perSet) return this.#exportOne(set, source, prefix, writer);
    const cache = this.#cache;
    const at = (set & (PLACES - 1)) * STRIDE;
    if (cache[at] === set && cache[at + 1] === source) return cache[at + 2]!;
    const exported = this.#fit(this.#exportSet(set, source, undefined), this.#largestPrefix, writer);
    this.#cached = true;
    cache[at] = set;
    cache[at + 1] = source;
    cache[at + 2] = exported;
    if (exported !== 0) this.#use(exported);
    return exported;
  }

  /** Keeps a set to the end of the flush. */
  #use(set: number): void {
    if (this.#usedCount === this.#used.length) this.#used = grown(this.#used, this.#usedCount);
    this.#used[this.#usedCount++] = set;
  }

  /** Without a cache: the answer is for this route alone. */
  #exportOne(set: number, source: number, prefix: number, writer: UpdateWriter): number {
    const { prefixes } = this.#rib;
    const own = this.#exportSet(set, source, prefixes.prefix(prefix));
    const size = own === 0 ? 0 : prefixes.size(prefix, this.#attributes.data(own)) + this.#pathIdLength;
    const exported = this.#fit(own, size, writer);
    if (exported !== 0) this.#use(exported);
    return exported;
  }

  #exportSet(set: number, source: number, prefix: PolicyPrefix | undefined): number {
    const { config, peers } = this.#context;
    const exported = exportRoute(this.#attributes, set, peers.get(source), this.#profile, config, prefix);
    const { targetsOf } = this.#profile;
    if (exported === 0 || targetsOf === undefined || this.#context.wantsTargets(targetsOf, exported)) {
      return exported;
    }
    this.#attributes.release(exported);
    return 0;
  }

  /** The set, or as much of it as leaves room for a route of `size` octets. Takes over the reference. */
  #fit(set: number, size: number, writer: UpdateWriter): number {
    return set === 0 ? 0 : fitSet(this.#attributes, set, size, writer, this.#profile);
  }

  /** The flush is over: gives back what was exported in it. */
  end(): void {
    for (let i = 0; i < this.#usedCount; i++) this.#attributes.release(this.#used[i]!);
    this.#usedCount = 0;
    if (this.#cached) this.#cache.fill(0);
    this.#cached = false;
  }
}
