import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { beforeOpen } from './before-open.ts';

/** Active, RFC 4271 §8.2.2: waits for a connection, or for the time to dial again. */
export function active(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'ConnectRetryTimer_Expires':
      fsm.dropConnection();
      fsm.cancel('DelayOpenTimer');
      fsm.enter('Connect');
      fsm.dial();
      return;
    // Only here the RFC speaks of a NOTIFICATION, and only where TCP is up already.
    case 'ManualStop':
      fsm.stop(event, fsm.delayOpenRunning && fsm.config.sendNotificationWithoutOpen);
      return;
    case 'TcpConnectionFails':
      fsm.connectionLost(event.reason);
      fsm.toIdle(true);
      return;
    default:
      beforeOpen(fsm, event);
  }
}
