import { describeNotification } from '../../message/notification.ts';
import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { cease, FSM_ERROR_UNSPECIFIC, HOLD_TIMER_NOTIFICATION, messageTypeOf } from '../notice.ts';

/** OpenSent, RFC 4271 §8.2.2: our OPEN is out, the peer's is awaited. */
export function openSent(fsm: Fsm, event: FsmEvent): void {
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
    case 'TcpConnectionFails':
      connectionLost(fsm, event.reason);
      return;
    case 'BGPOpen':
      fsm.acceptOpen(event.negotiated);
      return;
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
      fsm.fail(event.error.notification);
      return;
    case 'OpenCollisionDump':
      fsm.fail(cease(7));
      return;
    case 'NotifMsgVerErr':
    case 'NotifMsg':
      fsm.report('received', `NOTIFICATION received: ${describeNotification(event.message)}`, event.message);
      fsm.toIdle(event.kind === 'NotifMsg');
      return;
    default: {
      const type = messageTypeOf(event);
      if (type === undefined) fsm.fail(FSM_ERROR_UNSPECIFIC);
      else fsm.unexpected(1, type);
    }
  }
}

/** Back to Active; the peer may dial meanwhile, and we do again after a growing delay. */
function connectionLost(fsm: Fsm, reason: string): void {
  fsm.report('transport', reason);
  fsm.connection = undefined;
  fsm.cancel('HoldTimer');
  if (fsm.direction === 'outgoing') {
    fsm.failures += 1;
    fsm.arm('ConnectRetryTimer', fsm.retryDelay(), true);
  }
  fsm.enter('Active');
}
