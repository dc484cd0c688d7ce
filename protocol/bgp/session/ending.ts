/** How a connection ended, and what that means for the peer's routes (RFC 4724 §4.2, RFC 8538 §4). */
import type { NotificationBody } from '../error.ts';
import {
  ADMINISTRATIVE_RESET,
  ADMINISTRATIVE_SHUTDOWN,
  CEASE,
  COLLISION_RESOLUTION,
  HARD_RESET,
  OTHER_CONFIGURATION_CHANGE,
  PEER_DECONFIGURED,
} from '../message/notification-codes.ts';
import { unwrapHardReset } from '../message/notification-data.ts';
import type { NotificationRecord } from './event.ts';
import type { Negotiated } from './negotiated.ts';

/** Why a machine gave its connection up. */
export type Ending =
  /** TCP was lost, or the peer came back on another connection before we noticed (RFC 4724 §4.2). */
  | { readonly cause: 'transport' }
  /** A NOTIFICATION went out or came in. */
  | { readonly cause: 'sent' | 'received'; readonly notification: NotificationBody }
  /** We were told to stop: the peer is not wanted any more, so its routes are not either. */
  | { readonly cause: 'stopped'; readonly notification?: NotificationBody };

/** Whether routes of the peer stay, as stale, after its connection ended this way. */
export function isGraceful(negotiated: Negotiated, ending: Ending): boolean {
  const { gracefulRestart, longLived } = negotiated;
  if (gracefulRestart === undefined || ending.cause === 'stopped') return false;
  if (gracefulRestart.families.length === 0 && (longLived?.families.length ?? 0) === 0) return false;
  if (ending.cause === 'transport') return true;
  const { code, subcode } = ending.notification;
  return gracefulRestart.notification && !(code === CEASE && subcode === HARD_RESET);
}

/** Cease subcodes after which the peer, or we, may be back at once: nothing was wrong (RFC 4486 §4). */
const ORDERLY: ReadonlySet<number> = new Set([
  ADMINISTRATIVE_SHUTDOWN,
  PEER_DECONFIGURED,
  ADMINISTRATIVE_RESET,
  OTHER_CONFIGURATION_CHANGE,
  COLLISION_RESOLUTION,
]);

/** Whether an administrative act ended the connection, and not a fault, so that no longer wait is due. */
export function isOrderly(ending: Ending): boolean {
  if (ending.cause === 'transport' || ending.notification === undefined) return false;
  const { code, subcode } = unwrapHardReset(ending.notification);
  return code === CEASE && ORDERLY.has(subcode);
}

/** The NOTIFICATION of an ending with the way that it went, for a report. */
export function recordOf(ending: Ending): NotificationRecord | undefined {
  if (ending.cause === 'transport' || ending.notification === undefined) return undefined;
  return { ...ending.notification, direction: ending.cause === 'received' ? 'received' : 'sent' };
}
