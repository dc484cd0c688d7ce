/** A route as the target advertises it to a peer of the tester. */
import { readUint32 } from '../../../protocol/bytes/uint.ts';
import { formatAddress } from '../../../protocol/ip/prefix.ts';
import { AS_PATH, LOCAL_PREF, MED, PARTIAL, type Segment } from './wire/attributes.ts';
import { pathText } from './wire/describe.ts';
import { nextHopOf, type ReadAttribute, type ReadNlri, readPath } from './wire/read.ts';

export class Route {
  readonly prefix: string;
  readonly pathId: number | undefined;
  /** In the order sent. */
  readonly attributes: readonly ReadAttribute[];
  readonly asnOctets: 2 | 4;
  readonly #nlri: ReadNlri;

  constructor(nlri: ReadNlri, attributes: readonly ReadAttribute[], asnOctets: 2 | 4) {
    this.prefix = nlri.prefix;
    this.pathId = nlri.pathId;
    this.attributes = attributes;
    this.asnOctets = asnOctets;
    this.#nlri = nlri;
  }

  /** The attribute of a type; undefined where it is absent. */
  attribute(type: number): ReadAttribute | undefined {
    return this.attributes.find((candidate) => candidate.type === type);
  }

  has(type: number): boolean {
    return this.attribute(type) !== undefined;
  }

  /** Whether the attribute is there with the Partial bit. */
  partial(type: number): boolean {
    return ((this.attribute(type)?.flags ?? 0) & PARTIAL) !== 0;
  }

  /** Segments of AS_PATH; empty where it is absent. */
  get path(): readonly Segment[] {
    const found = this.attribute(AS_PATH);
    return found === undefined ? [] : readPath(found.value, this.asnOctets);
  }

  /** `"65001 {1 2}"`. */
  get pathText(): string {
    return pathText(this.path);
  }

  /** Next hop octets; empty where there are none. */
  get nextHop(): Uint8Array {
    return nextHopOf(this.attributes, this.#nlri.afi, this.#nlri.safi) ?? new Uint8Array(0);
  }

  /** Next hop as text; of 32 octets the global address. */
  get nextHopText(): string {
    const octets = this.nextHop;
    return octets.length < 4 ? 'none' : formatAddress(octets.subarray(0, octets.length === 4 ? 4 : 16));
  }

  get med(): number | undefined {
    return this.#number(MED);
  }

  get localPref(): number | undefined {
    return this.#number(LOCAL_PREF);
  }

  #number(type: number): number | undefined {
    const found = this.attribute(type);
    return found?.value.length === 4 ? readUint32(found.value, 0) : undefined;
  }
}

/** Something that was said about a route, in order. */
export interface RouteEvent {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly what: 'announced' | 'withdrawn';
  readonly prefix: string;
  readonly pathId: number | undefined;
  readonly route?: Route;
}
