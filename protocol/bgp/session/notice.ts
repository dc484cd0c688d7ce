/** What the machines send as NOTIFICATION of their own accord. */
import type { NotificationBody } from '../error.ts';
import { CEASE, FSM_ERROR, HOLD_TIMER_EXPIRED } from '../message/notification.ts';
import type { FsmEvent } from './event.ts';

const NO_DATA = new Uint8Array(0);

/** A Cease of `subcode` (RFC 4486). */
export function cease(subcode: number): NotificationBody {
  return { code: CEASE, subcode, data: NO_DATA };
}

/** Type octet of the message behind an event, for FSM errors; `undefined` where the event is no message. */
export function messageTypeOf(event: FsmEvent): number | undefined {
  switch (event.kind) {
    case 'BGPOpen':
    case 'BGPOpenMsgErr':
      return 1;
    case 'UpdateMsg':
    case 'UpdateMsgErr':
      return 2;
    case 'KeepAliveMsg':
      return 4;
    case 'RouteRefreshMsg':
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
