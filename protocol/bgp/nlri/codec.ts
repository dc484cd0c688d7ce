import type { Field } from '../dissect/field.ts';
import type { Family } from '../family.ts';

/** Routes of one family, structure checked, as they stood in a message. */
export interface Nlri {
  readonly family: Family;
  readonly bytes: Uint8Array;
  /** A path identifier stands before each route (RFC 7911 §3). */
  readonly addPath?: boolean;
}

/** Why NLRI cannot be read: the first bad octet's offset in what was given, and one line. */
export interface NlriFault {
  readonly offset: number;
  readonly expected: string;
}

/** What is wrong inside one route whose frame could be measured. */
export interface RouteFault extends NlriFault {
  /**
   * `drop`: this route alone is ignored (RFC 7606 §5.4, an EVPN route of unknown type); `treat-as-withdraw`: it counts
   * as withdrawn (RFC 9136 §3.1).
   */
  readonly outcome: 'drop' | 'treat-as-withdraw';
  /** The clause that says so, such as `RFC 7606 §5.4`. */
  readonly rfc: string;
}

/** What else an UPDATE says of the routes it announces, as far as it decides whether they are sound. */
export interface Announced {
  /** It has an EVPN Router's MAC extended community (RFC 9135 §4.1). */
  readonly routerMac: boolean;
}

/**
 * How the NLRI of one family stands on the wire. Tables treat every family alike through this: a route is known by
 * its {@link key}, carries its {@link data}, and is put together again by {@link join}.
 *
 * Path identifiers (RFC 7911 §3) stand before the NLRI and are no part of it.
 */
export interface NlriCodec {
  /** Octets of the NLRI that starts at `at`, or why it cannot be found out. Reads nothing at or after `limit`. */
  measure(bytes: Uint8Array, at: number, limit: number): number | NlriFault;
  /**
   * Looks into one measured NLRI for what makes this one route unusable. Offsets count from its first octet.
   * @param announced given for a route that is announced, not for a withdrawn one, whose data mean nothing.
   */
  validate(nlri: Uint8Array, announced?: Announced): RouteFault | undefined;
  /** What identifies the route: equal keys, same route. */
  key(nlri: Uint8Array): Uint8Array;
  /** The rest, such as labels; empty where there is none. */
  data(nlri: Uint8Array): Uint8Array;
  /** The NLRI again. With empty `data` in a family that has some, the form in which it is withdrawn. */
  join(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** One line, as birdc, vtysh or gobgp show it. */
  text(nlri: Uint8Array): string;
  /** The parts of one measured NLRI. @param offset where its first octet stands in the message. */
  fields(nlri: Uint8Array, offset: number): Field[];
  /** NLRI of one route from what {@link text} gives. @throws RangeError naming the text where it is none. */
  parse?(text: string): Uint8Array;
}

/** Whether {@link NlriCodec.measure} failed. */
export function isFault(measured: number | NlriFault): measured is NlriFault {
  return typeof measured !== 'number';
}

/** What codecs without data give for it. */
export const NO_DATA: Uint8Array = new Uint8Array(0);
