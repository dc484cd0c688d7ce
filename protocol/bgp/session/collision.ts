/** Connection collision, RFC 4271 §6.8 with RFC 6286 §2.3. */
import type { Direction } from './event.ts';

/** Who takes part: AS and BGP identifier (unsigned) of a speaker. */
export interface CollidingSpeaker {
  readonly asn: number;
  readonly bgpId: number;
}

/**
 * Which of two colliding connections stays: the one that the speaker with the higher identifier dialled; for equal
 * identifiers (only possible between two AS), the one of the higher AS.
 */
export function collisionWinner(local: CollidingSpeaker, peer: CollidingSpeaker): Direction {
  if (local.bgpId !== peer.bgpId) return local.bgpId > peer.bgpId ? 'outgoing' : 'incoming';
  return local.asn > peer.asn ? 'outgoing' : 'incoming';
}
