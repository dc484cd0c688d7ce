import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { beforeOpen } from './before-open.ts';

/** Active, RFC 4271 §8.2.2: waits for a connection, or for the time to dial again. */
export function active(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'ConnectRetryTimer_Expires':
      fsm.enter('Connect');
      fsm.dial();
      return;
    case 'TcpConnectionFails':
      fsm.report('transport', event.reason);
      fsm.connection = undefined;
      fsm.toIdle(true);
      return;
    default:
      beforeOpen(fsm, event);
  }
}
