import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';

/** Idle, RFC 4271 §8.2.2: only a start event leads out; everything else is ignored. */
export function idle(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'ManualStart':
    case 'AutomaticStart':
      if (event.kind === 'ManualStart') fsm.connectRetryCounter = 0;
      fsm.cancel('IdleHoldTimer');
      fsm.enter('Connect');
      fsm.dial();
      return;
    // Passive: listens and never dials, so no ConnectRetryTimer runs.
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_PassiveTcpEstablishment':
      fsm.cancel('IdleHoldTimer');
      fsm.enter('Active');
      return;
    default:
  }
}
