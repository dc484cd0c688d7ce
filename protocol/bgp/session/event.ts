/** What goes into and comes out of the machines of a session. All of it is data, so a session can be recorded. */
import type { BgpError, NotificationBody } from '../error.ts';
import type { Family } from '../family.ts';
import type { NotificationMessage } from '../message/notification.ts';
import type { OpenMessage } from '../message/open.ts';
import type { RouteRefreshMessage } from '../message/route-refresh.ts';
import type { UpdateMessage } from '../message/update.ts';
import type { Negotiated } from './config.ts';
import type { SessionState } from './state.ts';

/** Who dialled the connection that a machine works on. */
export type Direction = 'outgoing' | 'incoming';

/** Timers of RFC 4271 §8.1.3 and §8.1.1. */
export type TimerName =
  | 'ConnectRetryTimer'
  | 'HoldTimer'
  | 'KeepaliveTimer'
  | 'DelayOpenTimer'
  | 'IdleHoldTimer';

/** Events of RFC 4271 §8.1 for the machine of one connection, by their names there. */
export type FsmEvent =
  | { readonly kind: 'ManualStart' }
  | { readonly kind: 'ManualStart_with_PassiveTcpEstablishment' }
  | { readonly kind: 'AutomaticStart' }
  | { readonly kind: 'AutomaticStart_with_PassiveTcpEstablishment' }
  | { readonly kind: 'ManualStop'; readonly cease: NotificationBody }
  | { readonly kind: 'AutomaticStop'; readonly cease: NotificationBody }
  | { readonly kind: 'ConnectRetryTimer_Expires' }
  | { readonly kind: 'HoldTimer_Expires' }
  | { readonly kind: 'KeepaliveTimer_Expires' }
  | { readonly kind: 'DelayOpenTimer_Expires' }
  | { readonly kind: 'Tcp_CR_Acked'; readonly connection: number }
  | { readonly kind: 'TcpConnectionConfirmed'; readonly connection: number }
  | { readonly kind: 'TcpConnectionFails'; readonly reason: string }
  | { readonly kind: 'BGPOpen'; readonly open: OpenMessage; readonly negotiated: Negotiated }
  | { readonly kind: 'BGPHeaderErr'; readonly error: BgpError }
  | { readonly kind: 'BGPOpenMsgErr'; readonly error: BgpError }
  | { readonly kind: 'OpenCollisionDump' }
  | { readonly kind: 'NotifMsgVerErr'; readonly message: NotificationMessage }
  | { readonly kind: 'NotifMsg'; readonly message: NotificationMessage }
  | { readonly kind: 'KeepAliveMsg' }
  | { readonly kind: 'UpdateMsg'; readonly message: UpdateMessage }
  | { readonly kind: 'UpdateMsgErr'; readonly error: BgpError }
  | { readonly kind: 'RouteRefreshMsg'; readonly message: RouteRefreshMessage };

/** What the world tells a session. Connections have numbers: ours from `dial` outputs, others from `accepted`. */
export type SessionInput =
  | { readonly kind: 'start' }
  /** Ends the session for good with a Cease of this subcode (RFC 4486). */
  | { readonly kind: 'stop'; readonly subcode: number }
  | { readonly kind: 'connected'; readonly connection: number }
  | { readonly kind: 'accepted'; readonly connection: number }
  | { readonly kind: 'closed'; readonly connection: number; readonly reason?: string }
  | { readonly kind: 'received'; readonly connection: number; readonly bytes: Uint8Array }
  | { readonly kind: 'timer'; readonly direction: Direction; readonly timer: TimerName }
  /** UPDATE messages went out on the established connection, so the next KEEPALIVE can wait (RFC 4271 §8.2.2). */
  | { readonly kind: 'updates-sent'; readonly messages: number };

/** What a session wants done or known, in order. */
export type SessionOutput =
  | { readonly kind: 'dial'; readonly connection: number }
  | { readonly kind: 'send'; readonly connection: number; readonly bytes: Uint8Array }
  /** Orderly close, after what was sent. No `closed` needs to be told back. */
  | { readonly kind: 'close'; readonly connection: number }
  /** `delay` in ms; `jittered` asks the driver for a fresh factor of 0.75 to 1 (RFC 4271 §10). */
  | {
      readonly kind: 'arm';
      readonly direction: Direction;
      readonly timer: TimerName;
      readonly delay: number;
      readonly jittered: boolean;
    }
  | { readonly kind: 'cancel'; readonly direction: Direction; readonly timer: TimerName }
  | { readonly kind: 'state'; readonly state: SessionState }
  | { readonly kind: 'established'; readonly connection: number; readonly negotiated: Negotiated }
  /** The session left Established; its routes are to be dropped. */
  | { readonly kind: 'down'; readonly reason: string }
  /** NLRI in the message is a view, valid while the output is handled. */
  | { readonly kind: 'update'; readonly message: UpdateMessage }
  | { readonly kind: 'refresh'; readonly family: Family }
  /** A NOTIFICATION went out or came in, or the transport failed: one line. */
  | {
      readonly kind: 'error';
      readonly source: 'sent' | 'received' | 'transport';
      readonly reason: string;
      readonly notification?: NotificationBody;
    };
