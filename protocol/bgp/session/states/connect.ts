import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { beforeOpen } from './before-open.ts';

/** Connect, RFC 4271 §8.2.2: a dial is under way. */
export function connect(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'ManualStop':
      fsm.stop(event, false);
      return;
    case 'ConnectRetryTimer_Expires':
      fsm.dropConnection();
      fsm.cancel('DelayOpenTimer');
      fsm.dial();
      return;
    case 'TcpConnectionFails':
      connectionFailed(fsm, event.reason);
      return;
    default:
      beforeOpen(fsm, event);
  }
}

/** A dial that fails is no fault of a session, so ConnectRetryCounter stays; but the next one waits longer. */
function connectionFailed(fsm: Fsm, reason: string): void {
  fsm.connectionLost(reason);
  fsm.failures += 1;
  if (!fsm.delayOpenRunning) {
    fsm.toIdle(false);
    return;
  }
  fsm.cancel('DelayOpenTimer');
  fsm.arm('ConnectRetryTimer', fsm.retryDelay(), true);
  fsm.enter('Active');
}
