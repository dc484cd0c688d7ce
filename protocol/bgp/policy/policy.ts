/**
 * What a routing policy is to those who apply it: the RIB asks it about every route that comes in from a peer and
 * every route that would go out to one (RFC 4271 §9.1.1, §9.1.3). How policies are written down and compiled is the
 * business of the other files here.
 */
import type { Family } from '../family.ts';
import type { RouteAttributes } from '../rib/route.ts';

/** A prefix as policies compare it. */
export interface PolicyPrefix {
  /** 4 or 16 octets; those behind `length` bits are zero. */
  readonly bytes: Uint8Array;
  /** Bits. */
  readonly length: number;
}

/** Where a route comes from: the speaker itself, or the peer that sent it. */
export interface PolicySource {
  readonly kind: 'local' | 'internal' | 'external' | 'confederation';
  /** AS of the peer; our own for a local route. */
  readonly asn: number;
  /** 4 or 16 octets; `undefined` for a local route. */
  readonly address: Uint8Array | undefined;
  /** Name of the peer in the configuration; empty for a local route. */
  readonly name: string;
}

/** A route on its way in or out. */
export interface PolicyRoute {
  readonly family: Family;
  /** `undefined` in the families whose routes are no prefixes (EVPN, flow specifications, ...). */
  readonly prefix: PolicyPrefix | undefined;
  readonly attributes: RouteAttributes;
  readonly source: PolicySource;
}

/** What one statement of a policy made of a route. */
export interface PolicyStep {
  /** Name of the policy that the statement belongs to. */
  readonly policy: string;
  /** The statement's name or its place (`"statement 2"`); `"default"` where no statement decided. */
  readonly statement: string;
  readonly matched: boolean;
  /** What it changed, one text each: `"localPref 200"`; empty where it changed nothing. */
  readonly set: readonly string[];
  /** How it ended; `next` goes on to the following statement. A statement that did not match always says `next`. */
  readonly result: 'accept' | 'reject' | 'next';
}

/** A compiled policy. It is pure: equal routes get equal answers, so answers may be cached. */
export interface Policy {
  readonly name: string;
  /** False: the verdict depends only on family, attributes and source, so it can be cached per attribute set. */
  readonly usesPrefix: boolean;
  /**
   * The attributes with which the route goes on, the same object where nothing changed; `undefined` where the policy
   * rejects it. On export it is asked before the speaker's own changes (own AS in front, next hop), which then spare a
   * next hop that the policy chose: see {@link choseNextHop}.
   */
  apply(route: PolicyRoute): RouteAttributes | undefined;
  /** Every statement that was tried, in order, up to the one that decided. Agrees with {@link apply}. */
  explain(route: PolicyRoute): readonly PolicyStep[];
}

/** Lets every route through unchanged. */
export const ACCEPT_ALL: Policy = {
  name: 'accept-all',
  usesPrefix: false,
  apply: (route) => route.attributes,
  explain: () => [{ policy: 'accept-all', statement: 'default', matched: true, set: [], result: 'accept' }],
};

/** Lets no route through, as an eBGP session without a policy does where RFC 8212 is followed. */
export const REJECT_ALL: Policy = {
  name: 'reject-all',
  usesPrefix: false,
  apply: () => undefined,
  explain: () => [{ policy: 'reject-all', statement: 'default', matched: true, set: [], result: 'reject' }],
};

/**
 * Whether a policy chose the next hop: then the `nextHop` of its result is another array than before, with the same
 * octets where it shall stay unchanged even towards another AS, and empty where it shall be the session's own address.
 * @param before attributes that were given to {@link Policy.apply}; @param after what it returned.
 */
export function choseNextHop(before: RouteAttributes, after: RouteAttributes): boolean {
  return before.nextHop !== after.nextHop;
}
