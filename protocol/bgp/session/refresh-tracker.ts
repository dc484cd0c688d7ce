/** What an incoming ROUTE-REFRESH means in its place: RFC 2918 §4, RFC 7313 §4, §5. */
import { BgpError } from '../error.ts';
import { type Family, familyOf } from '../family.ts';
import { HEADER_LENGTH, ROUTE_REFRESH } from '../message/header.ts';
import {
  BEGIN_OF_REFRESH,
  END_OF_REFRESH,
  REFRESH_REQUEST,
  type RouteRefreshMessage,
  refreshLengthFault,
} from '../message/route-refresh.ts';
import { endOfRib, type UpdateMessage } from '../message/update.ts';
import type { CompleteCapabilities } from './config.ts';
import type { SessionOutput } from './event.ts';
import type { Negotiated } from './negotiated.ts';

/**
 * Checks what the codec cannot know about a whole ROUTE-REFRESH.
 * @throws BgpError 1/3 where we did not say that we take such messages (RFC 4271 §6.1), 7/1 with the whole message on a
 * BoRR or EoRR of another length than 4 octets after the header (RFC 7313 §5).
 */
export function checkRefresh(
  bytes: Uint8Array,
  capabilities: CompleteCapabilities,
  negotiated: Negotiated | undefined,
): void {
  if (!capabilities.routeRefresh && !capabilities.enhancedRouteRefresh) {
    const expected = 'ROUTE-REFRESH must follow our capability for it';
    throw new BgpError('BGP header', HEADER_LENGTH - 1, expected, 1, 3, Uint8Array.of(ROUTE_REFRESH));
  }
  const fault = negotiated?.enhancedRouteRefresh ? refreshLengthFault(bytes) : undefined;
  if (fault !== undefined) throw fault;
}

/** Follows the refreshes of one established connection. */
export class RefreshTracker {
  /** Families whose initial feed is not over yet; a BoRR before its end does not count (RFC 7313 §4). */
  readonly #initial: Set<Family>;
  /** Families between BoRR and EoRR. */
  readonly #open = new Set<Family>();

  /** @param initial families whose End-of-RIB is to come: those of a session with graceful restart. */
  constructor(initial: readonly Family[]) {
    this.#initial = new Set(initial);
  }

  /** Looks for the end of an initial feed. */
  update(message: UpdateMessage): void {
    if (this.#initial.size === 0) return;
    const family = endOfRib(message);
    if (family !== undefined) this.#initial.delete(family);
  }

  /** What the message asks for; `undefined` where it is to be ignored. */
  message({ afi, safi, subtype }: RouteRefreshMessage, negotiated: Negotiated): SessionOutput | undefined {
    const family = familyOf(afi, safi);
    if (family === undefined || !negotiated.families.includes(family)) return undefined;
    // Without RFC 7313 the octet is reserved and means nothing (RFC 2918 §3).
    if (subtype === REFRESH_REQUEST || !negotiated.enhancedRouteRefresh) return { kind: 'refresh', family };
    if (subtype === BEGIN_OF_REFRESH) {
      if (this.#initial.has(family)) return undefined;
      this.#open.add(family);
      return { kind: 'begin-refresh', family };
    }
    // An end without its beginning tells nothing about which routes are stale.
    return subtype === END_OF_REFRESH && this.#open.delete(family)
      ? { kind: 'end-refresh', family }
      : undefined;
  }
}
