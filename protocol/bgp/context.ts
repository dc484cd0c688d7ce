import type { Family } from './family.ts';

/**
 * What both ends of a session agreed on, as far as it changes the bytes or their meaning. A codec is given it
 * explicitly: the same bytes mean different things on different sessions.
 */
export interface CodecContext {
  /** AS numbers in AS_PATH and AGGREGATOR have four octets (RFC 6793 §4). */
  readonly fourOctetAs: boolean;
  /** We may receive messages of up to 65535 octets (RFC 8654). */
  readonly extendedMessage: boolean;
  /** Where the bytes come from: decides which attributes are allowed (RFC 7606 §7.5, 7.9, 7.10). */
  readonly peerType: 'internal' | 'external';
  /** AS that must stand leftmost in AS_PATH, where that is enforced (RFC 7606 §7.2). */
  readonly firstAs?: number;
  /** Families negotiated for this session; NLRI of any other is ignored. */
  readonly families: readonly Family[];
}

/** The context before OPEN was exchanged, and a plain one for tests and tools. */
export const BASE_CONTEXT: CodecContext = {
  fourOctetAs: false,
  extendedMessage: false,
  peerType: 'internal',
  families: ['ipv4-unicast'],
};
