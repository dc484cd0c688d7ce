import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { SEND_HOLD_TIMER_NOTIFICATION } from '../notice.ts';
import { afterOpen } from './after-open.ts';

/** Established, RFC 4271 §8.2.2: routes are exchanged. */
export function established(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'KeepaliveTimer_Expires':
      fsm.keepaliveTimer();
      return;
    case 'TcpConnectionFails':
      fsm.connectionLost(event.reason);
      fsm.toIdle(true);
      return;
    case 'KeepAliveMsg':
      fsm.touchHold();
      return;
    case 'UpdateMsg':
      fsm.touchHold();
      fsm.emitUpdate(event.message);
      return;
    case 'RouteRefreshMsg':
      fsm.touchHold();
      fsm.emitRefresh(event);
      return;
    // RFC 4271 §8.2.2 lists a bad header under FSM errors here, but §6.1 says how every bad header is answered.
    case 'BGPHeaderErr':
    case 'UpdateMsgErr':
    case 'RouteRefreshMsgErr':
      fsm.fail(event.error.notification);
      return;
    // The peer does not read, so nothing waits for the NOTIFICATION to arrive (RFC 9687 §4.3).
    case 'SendHoldTimer_Expires':
      fsm.fail(SEND_HOLD_TIMER_NOTIFICATION, true, true);
      return;
    case 'NotifMsgVerErr':
      fsm.notified(event.message, true);
      return;
    default:
      afterOpen(fsm, event, 3);
  }
}
