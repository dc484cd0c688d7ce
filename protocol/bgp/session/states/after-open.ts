import { COLLISION_RESOLUTION } from '../../message/notification.ts';
import type { FsmEvent } from '../event.ts';
import type { Fsm } from '../fsm.ts';
import { cease, FSM_ERROR_UNSPECIFIC, HOLD_TIMER_NOTIFICATION, messageTypeOf } from '../notice.ts';

/**
 * What OpenSent, OpenConfirm and Established have in common: our OPEN is out (RFC 4271 §8.2.2).
 * @param subcode of the FSM error for messages that the state does not take (RFC 6608 §3).
 */
export function afterOpen(fsm: Fsm, event: FsmEvent, subcode: 1 | 2 | 3): void {
  switch (event.kind) {
    case 'ManualStart':
    case 'AutomaticStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_DampPeerOscillations':
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
    // A second connection is tracked by the session's other machine (RFC 4271 §6.8).
    case 'TcpConnection_Valid':
    case 'Tcp_CR_Invalid':
    case 'Tcp_CR_Acked':
    case 'TcpConnectionConfirmed':
      return;
    case 'ManualStop':
    case 'AutomaticStop':
      fsm.stop(event, true);
      return;
    case 'HoldTimer_Expires':
      if (fsm.holdExpired()) fsm.fail(HOLD_TIMER_NOTIFICATION);
      return;
    case 'OpenCollisionDump':
      fsm.fail(cease(COLLISION_RESOLUTION));
      return;
    // RFC 4271 §8.2.2 lists this one in OpenSent under FSM errors, but §6.4 forbids to answer a NOTIFICATION.
    case 'NotifMsg':
      fsm.notified(event.message, true);
      return;
    default: {
      const type = messageTypeOf(event);
      if (type === undefined) fsm.fail(FSM_ERROR_UNSPECIFIC);
      else fsm.unexpected(subcode, type);
    }
  }
}
