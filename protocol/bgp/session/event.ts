/** What goes into and comes out of the machines of a session. All of it is data, so a session can be recorded. */
import type { BgpError, NotificationBody } from '../error.ts';
import type { Family } from '../family.ts';
import type { NotificationMessage } from '../message/notification.ts';
import type { OpenMessage } from '../message/open.ts';
import type { RouteRefreshMessage } from '../message/route-refresh.ts';
import type { UpdateMessage } from '../message/update.ts';
import type { Negotiated } from './negotiated.ts';
import type { SessionState } from './state.ts';

/** Who dialled the connection that a machine works on. */
export type Direction = 'outgoing' | 'incoming';

/** Timers of RFC 4271 §8.1.3 and §8.1.1, and of RFC 9687. */
export type TimerName =
  | 'ConnectRetryTimer'
  | 'HoldTimer'
  | 'KeepaliveTimer'
  | 'DelayOpenTimer'
  | 'IdleHoldTimer'
  | 'SendHoldTimer';

/** Events of RFC 4271 §8.1 for the machine of one connection, by their names there; the last ones are of later RFCs. */
export type FsmEvent =
  | { readonly kind: 'ManualStart' }
  /** Without `cease` TCP just ends, so that a peer with graceful restart keeps the routes (RFC 4724 §4). */
  | { readonly kind: 'ManualStop'; readonly cease?: NotificationBody }
  | { readonly kind: 'AutomaticStart' }
  | { readonly kind: 'ManualStart_with_PassiveTcpEstablishment' }
  | { readonly kind: 'AutomaticStart_with_PassiveTcpEstablishment' }
  | { readonly kind: 'AutomaticStart_with_DampPeerOscillations' }
  | { readonly kind: 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment' }
  | { readonly kind: 'AutomaticStop'; readonly cease: NotificationBody }
  | { readonly kind: 'ConnectRetryTimer_Expires' }
  | { readonly kind: 'HoldTimer_Expires' }
  | { readonly kind: 'KeepaliveTimer_Expires' }
  | { readonly kind: 'DelayOpenTimer_Expires' }
  | { readonly kind: 'IdleHoldTimer_Expires' }
  | { readonly kind: 'TcpConnection_Valid'; readonly connection: number }
  | { readonly kind: 'Tcp_CR_Invalid'; readonly connection: number }
  | { readonly kind: 'Tcp_CR_Acked'; readonly connection: number }
  | { readonly kind: 'TcpConnectionConfirmed'; readonly connection: number }
  | { readonly kind: 'TcpConnectionFails'; readonly reason: string }
  | { readonly kind: 'BGPOpen'; readonly open: OpenMessage; readonly negotiated: Negotiated }
  | {
      readonly kind: 'BGPOpen_with_DelayOpenTimer_running';
      readonly open: OpenMessage;
      readonly negotiated: Negotiated;
    }
  | { readonly kind: 'BGPHeaderErr'; readonly error: BgpError }
  | { readonly kind: 'BGPOpenMsgErr'; readonly error: BgpError }
  | { readonly kind: 'OpenCollisionDump' }
  | { readonly kind: 'NotifMsgVerErr'; readonly message: NotificationMessage }
  | { readonly kind: 'NotifMsg'; readonly message: NotificationMessage }
  | { readonly kind: 'KeepAliveMsg' }
  | { readonly kind: 'UpdateMsg'; readonly message: UpdateMessage }
  | { readonly kind: 'UpdateMsgErr'; readonly error: BgpError }
  | { readonly kind: 'RouteRefreshMsg'; readonly message: RouteRefreshMessage }
  /** A ROUTE-REFRESH that cannot be read (RFC 7313 §5). */
  | { readonly kind: 'RouteRefreshMsgErr'; readonly error: BgpError }
  /** RFC 9687 §4.3. */
  | { readonly kind: 'SendHoldTimer_Expires' };

/** The Cease with which a session is to end. */
export interface CeaseRequest {
  /** RFC 4486 §4. */
  readonly subcode: number;
  /** Shutdown communication of an administrative shutdown or reset (RFC 9003). */
  readonly text?: string;
  /** What the peer exceeded, with subcode 1 (RFC 4486 §4). */
  readonly prefixLimit?: { readonly family: Family; readonly limit: number };
  /** Make a peer with graceful restart drop the routes all the same (RFC 8538 §3). */
  readonly hard?: boolean;
}

/** What the world tells a session. Connections have numbers: ours from `dial` outputs, others from `accepted`. */
export type SessionInput =
  | { readonly kind: 'start' }
  /**
   * Ends the session for good with a Cease; another `start` starts it again. `silent` closes TCP without a
   * NOTIFICATION, as a speaker does that restarts and wants its routes kept (RFC 4724 §4).
   */
  | ({ readonly kind: 'stop'; readonly silent?: boolean } & CeaseRequest)
  /** Ends the connections with a Cease, and starts again at once: an administrative reset, a changed setting, ... */
  | ({ readonly kind: 'reset' } & CeaseRequest)
  | { readonly kind: 'connected'; readonly connection: number }
  /** A peer dialled; the driver numbers such connections with even numbers, new ones each time. */
  | { readonly kind: 'accepted'; readonly connection: number }
  | { readonly kind: 'closed'; readonly connection: number; readonly reason?: string }
  | { readonly kind: 'received'; readonly connection: number; readonly bytes: Uint8Array }
  | { readonly kind: 'timer'; readonly direction: Direction; readonly timer: TimerName }
  /** UPDATE messages went out on the established connection, so the next KEEPALIVE can wait (RFC 4271 §8.2.2). */
  | { readonly kind: 'updates-sent'; readonly messages: number }
  /** The connection takes no octets at present: the send hold timer runs (RFC 9687 §4.3). No effect if it runs. */
  | { readonly kind: 'blocked'; readonly connection: number }
  /** The connection took octets again. If some are still left, tell `blocked` anew: the time begins afresh. */
  | { readonly kind: 'unblocked'; readonly connection: number }
  /** Send a ROUTE-REFRESH: a request (subtype 0, default), or the begin (1) or end (2) of what we send (RFC 7313). */
  | { readonly kind: 'request-refresh'; readonly family: Family; readonly subtype?: 0 | 1 | 2 }
  /** Ignore what the peer says about a family from now on (RFC 4760 §7). */
  | { readonly kind: 'disable-family'; readonly family: Family }
  /** The R bit of the next OPENs (RFC 4724 §4.1); to be unset once our own restart is over. */
  | { readonly kind: 'restarting'; readonly restarting: boolean };

/** How a NOTIFICATION went. */
export interface NotificationRecord extends NotificationBody {
  readonly direction: 'sent' | 'received';
}

/** What a session wants done or known, in order. */
export type SessionOutput =
  | { readonly kind: 'dial'; readonly connection: number }
  | { readonly kind: 'send'; readonly connection: number; readonly bytes: Uint8Array }
  /**
   * Close, after what was sent. No `closed` needs to be told back. `abort`: at once, since the peer reads nothing
   * (RFC 9687 §4.3).
   */
  | { readonly kind: 'close'; readonly connection: number; readonly abort?: boolean }
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
  /**
   * The session left Established. `graceful`: the peer's routes of the families in its graceful restart capability
   * stay for its restart time (RFC 4724 §4.2, RFC 8538 §4); otherwise all go.
   */
  | {
      readonly kind: 'down';
      readonly reason: string;
      readonly graceful: boolean;
      readonly negotiated: Negotiated;
      readonly notification?: NotificationRecord;
    }
  /** NLRI in the message is a view, valid while the output is handled. */
  | { readonly kind: 'update'; readonly message: UpdateMessage }
  /** The peer asks for all routes of a family (RFC 2918 §4). */
  | { readonly kind: 'refresh'; readonly family: Family }
  /** BoRR: the peer begins to send all its routes of a family (RFC 7313 §4): mark those known as stale. */
  | { readonly kind: 'begin-refresh'; readonly family: Family }
  /** EoRR: the peer has sent all its routes of a family (RFC 7313 §4): purge those still stale. */
  | { readonly kind: 'end-refresh'; readonly family: Family }
  /** A message with an error, for the log (RFC 7606 §6): all of it, and what came of it. */
  | {
      readonly kind: 'fault';
      readonly outcome: FaultOutcome;
      /** A copy of the message, marker to end; with a bad header what came from there on, at most 4096 octets. */
      readonly bytes: Uint8Array;
      /** One line for each fault. */
      readonly reasons: readonly string[];
      /** The routes in it as text, as far as they can be told apart. */
      readonly routes: readonly string[];
    }
  /** A NOTIFICATION went out or came in, or the transport failed: one line. */
  | {
      readonly kind: 'error';
      readonly source: 'sent' | 'received' | 'transport';
      readonly reason: string;
      readonly notification?: NotificationBody;
    };

/** What came of a message with faults: the strongest that applies (RFC 7606 §2). */
export type FaultOutcome = 'session-reset' | 'treat-as-withdraw' | 'attribute-discard' | 'ignored';
