import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';

/** What Connect and Active have in common: our OPEN has not been sent yet (RFC 4271 §8.2.2). */
export function beforeOpen(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'ManualStart':
    case 'AutomaticStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_DampPeerOscillations':
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
    case 'TcpConnection_Valid':
      return;
    case 'Tcp_CR_Invalid':
      fsm.close(event.connection);
      return;
    case 'AutomaticStop':
      fsm.stop(event, false);
      return;
    case 'Tcp_CR_Acked':
    case 'TcpConnectionConfirmed':
      fsm.connectionUp(event.connection);
      return;
    case 'DelayOpenTimer_Expires':
      fsm.cancel('ConnectRetryTimer');
      fsm.openAndWait();
      return;
    // The peer was first.
    case 'BGPOpen_with_DelayOpenTimer_running':
      fsm.sendOpen();
      fsm.acceptOpen(event.negotiated);
      return;
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
      if (fsm.config.sendNotificationWithoutOpen) fsm.fail(event.error.notification);
      else fsm.toIdle(true);
      return;
    // A version error is the peer's way to negotiate the version; it does not count once TCP is up.
    case 'NotifMsgVerErr':
      fsm.notified(event.message, !fsm.delayOpenRunning);
      return;
    case 'NotifMsg':
      fsm.notified(event.message, true);
      return;
    default:
      fsm.toIdle(true);
  }
}
