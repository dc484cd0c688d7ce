import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { afterOpen } from './after-open.ts';

/** OpenConfirm, RFC 4271 §8.2.2: both OPENs are accepted, the peer's KEEPALIVE is awaited. */
export function openConfirm(fsm: Fsm, event: FsmEvent): void {
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
      fsm.enter('Established');
      fsm.emitEstablished();
      return;
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
      fsm.fail(event.error.notification);
      return;
    case 'NotifMsgVerErr':
      fsm.notified(event.message, false);
      return;
    default:
      afterOpen(fsm, event, 2);
  }
}
