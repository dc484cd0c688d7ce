/** A run of NLRI where it stands in an UPDATE. */
import type { Family } from '../family.ts';
import type { Nlri } from '../nlri/codec.ts';

/**
 * Routes of one family that an UPDATE announces with one next hop, or withdraws. It tells where their octets stand: to make
 * a view of them, as its getters do, costs more than to enter a few routes into a table, and a full table is 100,000 of
 * these. Valid as long as the octets of the message.
 */
export class RouteRun implements Nlri {
  readonly family: Family;
  /** A path identifier stands before each route (RFC 7911 §3). */
  readonly addPath: boolean;
  /** Where the NLRI stands: the octets of `octets` from `start` to `end`. */
  readonly octets: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Where the next hop stands, as octets of `hopOctets`; of no length where the routes are withdrawn. */
  readonly hopOctets: Uint8Array;
  readonly hopStart: number;
  readonly hopEnd: number;

  constructor(
    family: Family,
    addPath: boolean,
    octets: Uint8Array,
    start = 0,
    end: number = octets.length,
    hopOctets: Uint8Array = octets,
    hopStart = 0,
    hopEnd = 0,
  ) {
    this.family = family;
    this.addPath = addPath;
    this.octets = octets;
    this.start = start;
    this.end = end;
    this.hopOctets = hopOctets;
    this.hopStart = hopStart;
    this.hopEnd = hopEnd;
  }

  /** The NLRI, a view. */
  get bytes(): Uint8Array {
    return this.octets.subarray(this.start, this.end);
  }

  /** The next hop, a view. */
  get nextHop(): Uint8Array {
    return this.hopOctets.subarray(this.hopStart, this.hopEnd);
  }
}
