import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { beforeOpen } from './before-open.ts';

/** Connect, RFC 4271 §8.2.2: a dial is under way. */
export function connect(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'ConnectRetryTimer_Expires':
      fsm.dropConnection();
      fsm.dial();
      return;
    case 'TcpConnectionFails':
      fsm.report('transport', event.reason);
      if (!fsm.delayOpenRunning) {
        fsm.toIdle(true);
        return;
      }
      fsm.connection = undefined;
      fsm.cancel('DelayOpenTimer');
      fsm.delayOpenRunning = false;
      fsm.arm('ConnectRetryTimer', fsm.retryDelay(), true);
      fsm.enter('Active');
      return;
    default:
      beforeOpen(fsm, event);
  }
}
