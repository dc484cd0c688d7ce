/** NOTIFICATIONs that the machines send of their own accord. */
import type { NotificationBody } from '../error.ts';
import { FAMILIES } from '../family.ts';
import {
  ADMINISTRATIVE_RESET,
  ADMINISTRATIVE_SHUTDOWN,
  CEASE,
  FSM_ERROR,
  HOLD_TIMER_EXPIRED,
  MAXIMUM_PREFIXES,
  SEND_HOLD_TIMER_EXPIRED,
} from '../message/notification-codes.ts';
import { encodePrefixLimit, encodeShutdownCommunication, hardReset } from '../message/notification-data.ts';
import type { FsmEvent, SessionInput } from './event.ts';
import type { Negotiated } from './negotiated.ts';

/**
 * Longest shutdown communication that we send, octets. RFC 9003 §2 allows 255, but nothing tells whether a peer knows
 * more than the 128 of RFC 8203 §2, and one that does not would lose the whole text.
 */
const MAX_COMMUNICATION = 128;

const NO_DATA = new Uint8Array(0);

/** A Cease of `subcode` (RFC 4486). */
export function cease(subcode: number): NotificationBody {
  return { code: CEASE, subcode, data: NO_DATA };
}

/**
 * The Cease that ends a session as its driver wants: with the data that its subcode may have, and in a Hard Reset only
 * for a peer that knows it (RFC 8538 §4).
 */
export function requestedCease(
  { subcode, text, prefixLimit, hard }: SessionInput & { readonly kind: 'stop' | 'reset' },
  negotiated: Negotiated | undefined,
): NotificationBody {
  let data: Uint8Array = NO_DATA;
  const isAdministrative = subcode === ADMINISTRATIVE_SHUTDOWN || subcode === ADMINISTRATIVE_RESET;
  if (isAdministrative && text !== undefined) data = encodeShutdownCommunication(text, MAX_COMMUNICATION);
  if (subcode === MAXIMUM_PREFIXES && prefixLimit !== undefined) {
    const { afi, safi } = FAMILIES[prefixLimit.family];
    data = encodePrefixLimit({ afi, safi, limit: prefixLimit.limit });
  }
  const body = { code: CEASE, subcode, data };
  return hard && negotiated?.gracefulRestart?.notification ? hardReset(body) : body;
}

/** Type octet of the message behind an event, for FSM errors; `undefined` where the event is no message. */
export function messageTypeOf(event: FsmEvent): number | undefined {
  switch (event.kind) {
    case 'BGPOpen':
    case 'BGPOpen_with_DelayOpenTimer_running':
    case 'BGPOpenMsgErr':
      return 1;
    case 'UpdateMsg':
    case 'UpdateMsgErr':
      return 2;
    case 'KeepAliveMsg':
      return 4;
    case 'RouteRefreshMsg':
    case 'RouteRefreshMsgErr':
      return 5;
    default:
      return undefined;
  }
}

/** An FSM error without subcode, for what has none of its own. */
export const FSM_ERROR_UNSPECIFIC: NotificationBody = { code: FSM_ERROR, subcode: 0, data: NO_DATA };

/** The hold timer ran out (RFC 4271 §6.5). */
export const HOLD_TIMER_NOTIFICATION: NotificationBody = {
  code: HOLD_TIMER_EXPIRED,
  subcode: 0,
  data: NO_DATA,
};

/** The peer read nothing for the send hold time (RFC 9687 §4.3). */
export const SEND_HOLD_TIMER_NOTIFICATION: NotificationBody = {
  code: SEND_HOLD_TIMER_EXPIRED,
  subcode: 0,
  data: NO_DATA,
};
