import { describeNotification } from '../../message/notification.ts';
import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { cease, FSM_ERROR_UNSPECIFIC, HOLD_TIMER_NOTIFICATION, messageTypeOf } from '../notice.ts';

/** Established, RFC 4271 §8.2.2: routes are exchanged. */
export function established(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'ManualStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart':
    case 'AutomaticStart_with_PassiveTcpEstablishment':
    case 'Tcp_CR_Acked':
    case 'TcpConnectionConfirmed':
      return;
    case 'ManualStop':
    case 'AutomaticStop':
      fsm.stop(event, true);
      return;
    case 'HoldTimer_Expires':
      if (fsm.holdExpired()) fsm.fail(HOLD_TIMER_NOTIFICATION);
      return;
    case 'KeepaliveTimer_Expires':
      fsm.keepaliveTimer();
      return;
    case 'TcpConnectionFails':
      fsm.report('transport', event.reason);
      fsm.connection = undefined;
      fsm.toIdle(true);
      return;
    case 'KeepAliveMsg':
      fsm.touchHold();
      return;
    case 'UpdateMsg':
      fsm.touchHold();
      fsm.emitUpdate(event);
      return;
    case 'RouteRefreshMsg':
      fsm.touchHold();
      // BoRR and EoRR (RFC 7313) come only from peers to which we advertised that capability.
      if (event.message.subtype === 0) fsm.emitRefresh(event.message.afi, event.message.safi);
      return;
    case 'UpdateMsgErr':
    case 'BGPHeaderErr':
      fsm.fail(event.error.notification);
      return;
    case 'OpenCollisionDump':
      fsm.fail(cease(7));
      return;
    case 'NotifMsgVerErr':
    case 'NotifMsg':
      fsm.report('received', `NOTIFICATION received: ${describeNotification(event.message)}`, event.message);
      fsm.toIdle(true);
      return;
    default: {
      const type = messageTypeOf(event);
      if (type === undefined) fsm.fail(FSM_ERROR_UNSPECIFIC);
      else fsm.unexpected(3, type);
    }
  }
}
