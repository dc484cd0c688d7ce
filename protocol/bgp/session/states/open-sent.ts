import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { afterOpen } from './after-open.ts';

/** OpenSent, RFC 4271 §8.2.2: our OPEN is out, the peer's is awaited. */
export function openSent(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
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
    case 'NotifMsgVerErr':
      fsm.notified(event.message, false);
      return;
    default:
      afterOpen(fsm, event, 1);
  }
}

/** Back to Active; the peer may dial meanwhile, and we do again after a growing delay. */
function connectionLost(fsm: Fsm, reason: string): void {
  fsm.connectionLost(reason);
  fsm.cancel('HoldTimer');
  fsm.offered = undefined;
  if (fsm.direction === 'outgoing') {
    fsm.failures += 1;
    fsm.arm('ConnectRetryTimer', fsm.retryDelay(), true);
  }
  fsm.enter('Active');
}
