import type { Capability } from '../capability/capability.ts';
import type { CodecContext } from '../context.ts';
import type { Family } from '../family.ts';

/** What a session is told about itself and its peer. Plain data. */
export interface SessionConfig {
  readonly localAs: number;
  /** BGP identifier as an unsigned integer. */
  readonly localId: number;
  readonly peerAs: number;
  /** Seconds to offer; 0 switches keepalives off. */
  readonly holdTime: number;
  /** Never dial. */
  readonly passive: boolean;
  readonly families: readonly Family[];
  /** Longest wait before dialling again, ms; also how long one dial may take. */
  readonly connectRetryTime: number;
  /** First wait after a failed dial, ms; doubles up to `connectRetryTime`. */
  readonly firstRetryTime: number;
  /** Wait for the peer's OPEN before sending ours, ms (RFC 4271 §8.1.1); 0: do not wait. */
  readonly delayOpenTime: number;
}

/** What the two OPENs settled. Plain data. */
export interface Negotiated {
  readonly peerAs: number;
  readonly peerId: number;
  /** Seconds; 0: no keepalives, no expiry. */
  readonly holdTime: number;
  readonly families: readonly Family[];
  readonly routeRefresh: boolean;
  /** How to read and write messages from now on. */
  readonly context: CodecContext;
  /** Everything that the peer advertised. */
  readonly peerCapabilities: readonly Capability[];
}

/** Waiting for OPEN, RFC 4271 §8.2.2: "a large value", 4 minutes suggested. ms */
export const LARGE_HOLD_TIME = 240_000;

/** `holdTime` of BIRD, and so of Calico. Seconds. */
export const DEFAULT_HOLD_TIME = 240;

/** Values that a lab wants: dial again soon, give up never. */
export const DEFAULT_TIMING: Pick<SessionConfig, 'connectRetryTime' | 'firstRetryTime' | 'delayOpenTime'> = {
  connectRetryTime: 5_000,
  firstRetryTime: 100,
  delayOpenTime: 0,
};
