import { describeNotification } from '../../message/notification.ts';
import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';

/** What Connect and Active have in common: our OPEN has not been sent yet (RFC 4271 §8.2.2). */
export function beforeOpen(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'ManualStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart':
    case 'AutomaticStart_with_PassiveTcpEstablishment':
      return;
    case 'ManualStop':
    case 'AutomaticStop':
      fsm.stop(event, false);
      return;
    case 'Tcp_CR_Acked':
    case 'TcpConnectionConfirmed':
      fsm.connectionUp(event.connection);
      return;
    case 'DelayOpenTimer_Expires':
      fsm.openAfterDelay();
      return;
    // Event 20, BGPOpen with DelayOpenTimer running: the peer was first.
    case 'BGPOpen':
      if (fsm.delayOpenRunning) {
        fsm.sendOpen();
        fsm.acceptOpen(event.negotiated);
      } else fsm.toIdle(true);
      return;
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
      fsm.fail(event.error.notification);
      return;
    case 'NotifMsgVerErr':
    case 'NotifMsg':
      fsm.report('received', `NOTIFICATION received: ${describeNotification(event.message)}`, event.message);
      fsm.toIdle(!(event.kind === 'NotifMsgVerErr' && fsm.delayOpenRunning));
      return;
    default:
      fsm.toIdle(true);
  }
}
