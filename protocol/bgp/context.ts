import type { Family } from './family.ts';

/**
 * Where a peer stands: in our AS, in a member AS of our confederation (RFC 5065), or outside. Decides which
 * attributes it may send (RFC 7606 §7.5, 7.9, 7.10) and whether confederation segments are sound (RFC 5065 §5).
 */
export type PeerType = 'internal' | 'external' | 'confederation';

/**
 * What both ends of a session agreed on, as far as it changes the bytes or their meaning. A codec is given it
 * explicitly: the same bytes mean different things on different sessions.
 */
export interface CodecContext {
  /** AS numbers in AS_PATH and AGGREGATOR have four octets (RFC 6793 §4). */
  readonly fourOctetAs: boolean;
  /** We advertised the capability, so we may be sent messages of up to 65535 octets (RFC 8654 §4). */
  readonly extendedMessage: boolean;
  /** Where the bytes come from. */
  readonly peerType: PeerType;
  /** AS that must stand leftmost in AS_PATH, where that is enforced (RFC 7606 §7.2). */
  readonly firstAs?: number;
  /** Families negotiated for this session; NLRI of any other is ignored. */
  readonly families: readonly Family[];
  /** Families whose NLRI carries path identifiers in this direction (RFC 7911 §3); none where absent. */
  readonly addPath?: readonly Family[];
  /** IPv4 families whose next hop may be an IPv6 address (RFC 8950 §4); none where absent. */
  readonly extendedNextHop?: readonly Family[];
}

/** The context before OPEN was exchanged, and a plain one for tests and tools. */
export const BASE_CONTEXT: CodecContext = {
  fourOctetAs: false,
  extendedMessage: false,
  peerType: 'internal',
  families: ['ipv4-unicast'],
  addPath: [],
  extendedNextHop: [],
};
