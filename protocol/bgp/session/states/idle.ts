import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';

/** Idle, RFC 4271 §8.2.2: only a start event leads out; everything else is ignored. */
export function idle(fsm: Fsm, event: FsmEvent): void {
  switch (event.kind) {
    case 'ManualStart':
    case 'AutomaticStart':
      fsm.connectRetryCounter = 0;
      dial(fsm);
      return;
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_PassiveTcpEstablishment':
      fsm.connectRetryCounter = 0;
      listen(fsm);
      return;
    // With damping the counter goes on, since it tells how often the session oscillated.
    case 'AutomaticStart_with_DampPeerOscillations':
    case 'IdleHoldTimer_Expires':
      dial(fsm);
      return;
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
      listen(fsm);
      return;
    default:
  }
}

function dial(fsm: Fsm): void {
  fsm.cancel('IdleHoldTimer');
  fsm.enter('Connect');
  fsm.dial();
}

/**
 * Waits for the peer to dial. The RFC starts the ConnectRetryTimer here as well, to dial after all when it expires; the
 * machine for accepted connections never dials, so there the timer would have no effect and is left out.
 */
function listen(fsm: Fsm): void {
  fsm.cancel('IdleHoldTimer');
  if (fsm.direction === 'outgoing') fsm.arm('ConnectRetryTimer', fsm.config.connectRetryTime, true);
  fsm.enter('Active');
}
