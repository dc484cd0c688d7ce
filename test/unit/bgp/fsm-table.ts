/**
 * RFC 4271 §8.2.2 as a table: what each event does in each state, written from the RFC's text.
 *
 * A line is: number and name of the event (§8.1), the next state, then what happens:
 *   drop            the TCP connection is closed
 *   dial            a TCP connection is initiated
 *   zero, count     ConnectRetryCounter is set to 0, raised by 1; otherwise it stays
 *   OPEN, KEEPALIVE, 6/2, ...   messages sent; `err` stands for the NOTIFICATION that the error asks for
 *   +Timer, -Timer  timers started anew, stopped; those not named go on. Entering Idle stops all.
 *
 * Numbers beyond 28 are of later RFCs: 29 RFC 9687, 30 and 31 (numbered here) RFC 2918 and RFC 7313.
 */

/** The parts of a state that the RFC tells apart. */
export type Situation =
  | 'Idle'
  | 'Connect'
  | 'Connect, DelayOpenTimer running'
  | 'Active'
  | 'Active, DelayOpenTimer running'
  | 'OpenSent'
  | 'OpenConfirm'
  | 'Established';

const STARTS = (state: string): string => `
   1 ManualStart                                                               ${state}
   3 AutomaticStart                                                            ${state}
   4 ManualStart_with_PassiveTcpEstablishment                                  ${state}
   5 AutomaticStart_with_PassiveTcpEstablishment                               ${state}
   6 AutomaticStart_with_DampPeerOscillations                                  ${state}
   7 AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment      ${state}
`;

/** Idle: Events 6, 7 and 13 start as 1 and 4 do, but keep the counter, since how they damp is a local matter. */
const IDLE = `
   1 ManualStart                                                               Connect zero dial +ConnectRetryTimer
   2 ManualStop                                                                Idle
   3 AutomaticStart                                                            Connect zero dial +ConnectRetryTimer
   4 ManualStart_with_PassiveTcpEstablishment                                  Active zero +ConnectRetryTimer
   5 AutomaticStart_with_PassiveTcpEstablishment                               Active zero +ConnectRetryTimer
   6 AutomaticStart_with_DampPeerOscillations                                  Connect dial +ConnectRetryTimer
   7 AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment      Active +ConnectRetryTimer
   8 AutomaticStop                                                             Idle
   9 ConnectRetryTimer_Expires                                                 Idle
  10 HoldTimer_Expires                                                         Idle
  11 KeepaliveTimer_Expires                                                    Idle
  12 DelayOpenTimer_Expires                                                    Idle
  13 IdleHoldTimer_Expires                                                     Connect dial +ConnectRetryTimer
  14 TcpConnection_Valid                                                       Idle
  15 Tcp_CR_Invalid                                                            Idle
  16 Tcp_CR_Acked                                                              Idle
  17 TcpConnectionConfirmed                                                    Idle
  18 TcpConnectionFails                                                        Idle
  19 BGPOpen                                                                   Idle
  20 BGPOpen_with_DelayOpenTimer_running                                       Idle
  21 BGPHeaderErr                                                              Idle
  22 BGPOpenMsgErr                                                             Idle
  23 OpenCollisionDump                                                         Idle
  24 NotifMsgVerErr                                                            Idle
  25 NotifMsg                                                                  Idle
  26 KeepAliveMsg                                                              Idle
  27 UpdateMsg                                                                 Idle
  28 UpdateMsgErr                                                              Idle
  29 SendHoldTimer_Expires                                                     Idle
  30 RouteRefreshMsg                                                           Idle
  31 RouteRefreshMsgErr                                                        Idle
`;

/** "In response to any other events (Events 8, 10-11, 13, 19, 23, 25-28)", the same in Connect and Active. */
const OTHERS_BEFORE_OPEN = `
   8 AutomaticStop                                                             Idle drop count
  10 HoldTimer_Expires                                                         Idle drop count
  11 KeepaliveTimer_Expires                                                    Idle drop count
  13 IdleHoldTimer_Expires                                                     Idle drop count
  19 BGPOpen                                                                   Idle drop count
  23 OpenCollisionDump                                                         Idle drop count
  25 NotifMsg                                                                  Idle drop count
  26 KeepAliveMsg                                                              Idle drop count
  27 UpdateMsg                                                                 Idle drop count
  28 UpdateMsgErr                                                              Idle drop count
  29 SendHoldTimer_Expires                                                     Idle drop count
  30 RouteRefreshMsg                                                           Idle drop count
  31 RouteRefreshMsgErr                                                        Idle drop count
`;

/** Event 15 closes the connection that it names, which is another one than the machine's. */
const CONNECT = `${STARTS('Connect')}${OTHERS_BEFORE_OPEN}
   2 ManualStop                                                                Idle drop zero
   9 ConnectRetryTimer_Expires                                                 Connect drop dial +ConnectRetryTimer
  12 DelayOpenTimer_Expires                                                    OpenSent OPEN -ConnectRetryTimer +HoldTimer
  14 TcpConnection_Valid                                                       Connect
  15 Tcp_CR_Invalid                                                            Connect reject
  16 Tcp_CR_Acked                                                              OpenSent OPEN -ConnectRetryTimer +HoldTimer
  17 TcpConnectionConfirmed                                                    OpenSent OPEN -ConnectRetryTimer +HoldTimer
  18 TcpConnectionFails                                                        Idle
  20 BGPOpen_with_DelayOpenTimer_running                                       OpenConfirm OPEN KEEPALIVE -ConnectRetryTimer +HoldTimer +KeepaliveTimer
  21 BGPHeaderErr                                                              Idle err drop count
  22 BGPOpenMsgErr                                                             Idle err drop count
  24 NotifMsgVerErr                                                            Idle drop count
`;

const CONNECT_DELAYED = `${STARTS('Connect')}${OTHERS_BEFORE_OPEN}
   2 ManualStop                                                                Idle drop zero
   9 ConnectRetryTimer_Expires                                                 Connect drop dial -DelayOpenTimer +ConnectRetryTimer
  12 DelayOpenTimer_Expires                                                    OpenSent OPEN -DelayOpenTimer +HoldTimer
  14 TcpConnection_Valid                                                       Connect
  15 Tcp_CR_Invalid                                                            Connect reject
  16 Tcp_CR_Acked                                                              Connect +DelayOpenTimer
  17 TcpConnectionConfirmed                                                    Connect +DelayOpenTimer
  18 TcpConnectionFails                                                        Active -DelayOpenTimer +ConnectRetryTimer
  20 BGPOpen_with_DelayOpenTimer_running                                       OpenConfirm OPEN KEEPALIVE -DelayOpenTimer +HoldTimer +KeepaliveTimer
  21 BGPHeaderErr                                                              Idle err drop count
  22 BGPOpenMsgErr                                                             Idle err drop count
  24 NotifMsgVerErr                                                            Idle drop
`;

const ACTIVE = `${STARTS('Active')}${OTHERS_BEFORE_OPEN}
   2 ManualStop                                                                Idle drop zero
   9 ConnectRetryTimer_Expires                                                 Connect dial +ConnectRetryTimer
  12 DelayOpenTimer_Expires                                                    OpenSent OPEN -ConnectRetryTimer +HoldTimer
  14 TcpConnection_Valid                                                       Active
  15 Tcp_CR_Invalid                                                            Active reject
  16 Tcp_CR_Acked                                                              OpenSent OPEN -ConnectRetryTimer +HoldTimer
  17 TcpConnectionConfirmed                                                    OpenSent OPEN -ConnectRetryTimer +HoldTimer
  18 TcpConnectionFails                                                        Idle count
  20 BGPOpen_with_DelayOpenTimer_running                                       OpenConfirm OPEN KEEPALIVE -ConnectRetryTimer +HoldTimer +KeepaliveTimer
  21 BGPHeaderErr                                                              Idle err drop count
  22 BGPOpenMsgErr                                                             Idle err drop count
  24 NotifMsgVerErr                                                            Idle drop count
`;

/**
 * Event 2 sends a Cease only here, where SendNOTIFICATIONwithoutOPEN has something to be sent on. Event 9 cannot happen,
 * since the timer was stopped when TCP came up; it must not lose the connection that is there.
 */
const ACTIVE_DELAYED = `${STARTS('Active')}${OTHERS_BEFORE_OPEN}
   2 ManualStop                                                                Idle 6/2 drop zero
   9 ConnectRetryTimer_Expires                                                 Connect drop dial -DelayOpenTimer +ConnectRetryTimer
  12 DelayOpenTimer_Expires                                                    OpenSent OPEN -DelayOpenTimer +HoldTimer
  14 TcpConnection_Valid                                                       Active
  15 Tcp_CR_Invalid                                                            Active reject
  16 Tcp_CR_Acked                                                              Active +DelayOpenTimer
  17 TcpConnectionConfirmed                                                    Active +DelayOpenTimer
  18 TcpConnectionFails                                                        Idle count
  20 BGPOpen_with_DelayOpenTimer_running                                       OpenConfirm OPEN KEEPALIVE -DelayOpenTimer +HoldTimer +KeepaliveTimer
  21 BGPHeaderErr                                                              Idle err drop count
  22 BGPOpenMsgErr                                                             Idle err drop count
  24 NotifMsgVerErr                                                            Idle drop
`;

/** Event 25 is not answered, although the RFC lists it with the FSM errors: §6.4 forbids that. */
const OPEN_SENT = `${STARTS('OpenSent')}
   2 ManualStop                                                                Idle 6/2 drop zero
   8 AutomaticStop                                                             Idle 6/4 drop count
   9 ConnectRetryTimer_Expires                                                 Idle 5/0 drop count
  10 HoldTimer_Expires                                                         Idle 4/0 drop count
  11 KeepaliveTimer_Expires                                                    Idle 5/0 drop count
  12 DelayOpenTimer_Expires                                                    Idle 5/0 drop count
  13 IdleHoldTimer_Expires                                                     Idle 5/0 drop count
  14 TcpConnection_Valid                                                       OpenSent
  15 Tcp_CR_Invalid                                                            OpenSent
  16 Tcp_CR_Acked                                                              OpenSent
  17 TcpConnectionConfirmed                                                    OpenSent
  18 TcpConnectionFails                                                        Active -HoldTimer +ConnectRetryTimer
  19 BGPOpen                                                                   OpenConfirm KEEPALIVE +HoldTimer +KeepaliveTimer
  20 BGPOpen_with_DelayOpenTimer_running                                       Idle 5/1:01 drop count
  21 BGPHeaderErr                                                              Idle err drop count
  22 BGPOpenMsgErr                                                             Idle err drop count
  23 OpenCollisionDump                                                         Idle 6/7 drop count
  24 NotifMsgVerErr                                                            Idle drop
  25 NotifMsg                                                                  Idle drop count
  26 KeepAliveMsg                                                              Idle 5/1:04 drop count
  27 UpdateMsg                                                                 Idle 5/1:02 drop count
  28 UpdateMsgErr                                                              Idle 5/1:02 drop count
  29 SendHoldTimer_Expires                                                     Idle 5/0 drop count
  30 RouteRefreshMsg                                                           Idle 5/1:05 drop count
  31 RouteRefreshMsgErr                                                        Idle 5/1:05 drop count
`;

/** Event 19 asks for collision detection, which needs another connection; a second OPEN on this one is an FSM error. */
const OPEN_CONFIRM = `${STARTS('OpenConfirm')}
   2 ManualStop                                                                Idle 6/2 drop zero
   8 AutomaticStop                                                             Idle 6/4 drop count
   9 ConnectRetryTimer_Expires                                                 Idle 5/0 drop count
  10 HoldTimer_Expires                                                         Idle 4/0 drop count
  11 KeepaliveTimer_Expires                                                    OpenConfirm KEEPALIVE +KeepaliveTimer
  12 DelayOpenTimer_Expires                                                    Idle 5/0 drop count
  13 IdleHoldTimer_Expires                                                     Idle 5/0 drop count
  14 TcpConnection_Valid                                                       OpenConfirm
  15 Tcp_CR_Invalid                                                            OpenConfirm
  16 Tcp_CR_Acked                                                              OpenConfirm
  17 TcpConnectionConfirmed                                                    OpenConfirm
  18 TcpConnectionFails                                                        Idle count
  19 BGPOpen                                                                   Idle 5/2:01 drop count
  20 BGPOpen_with_DelayOpenTimer_running                                       Idle 5/2:01 drop count
  21 BGPHeaderErr                                                              Idle err drop count
  22 BGPOpenMsgErr                                                             Idle err drop count
  23 OpenCollisionDump                                                         Idle 6/7 drop count
  24 NotifMsgVerErr                                                            Idle drop
  25 NotifMsg                                                                  Idle drop count
  26 KeepAliveMsg                                                              Established
  27 UpdateMsg                                                                 Idle 5/2:02 drop count
  28 UpdateMsgErr                                                              Idle 5/2:02 drop count
  29 SendHoldTimer_Expires                                                     Idle 5/0 drop count
  30 RouteRefreshMsg                                                           Idle 5/2:05 drop count
  31 RouteRefreshMsgErr                                                        Idle 5/2:05 drop count
`;

/** Event 21 is answered as §6.1 wants every bad header answered, although the RFC lists it with the FSM errors. */
const ESTABLISHED = `${STARTS('Established')}
   2 ManualStop                                                                Idle 6/2 drop zero
   8 AutomaticStop                                                             Idle 6/4 drop count
   9 ConnectRetryTimer_Expires                                                 Idle 5/0 drop count
  10 HoldTimer_Expires                                                         Idle 4/0 drop count
  11 KeepaliveTimer_Expires                                                    Established KEEPALIVE +KeepaliveTimer
  12 DelayOpenTimer_Expires                                                    Idle 5/0 drop count
  13 IdleHoldTimer_Expires                                                     Idle 5/0 drop count
  14 TcpConnection_Valid                                                       Established
  15 Tcp_CR_Invalid                                                            Established
  16 Tcp_CR_Acked                                                              Established
  17 TcpConnectionConfirmed                                                    Established
  18 TcpConnectionFails                                                        Idle count
  19 BGPOpen                                                                   Idle 5/3:01 drop count
  20 BGPOpen_with_DelayOpenTimer_running                                       Idle 5/3:01 drop count
  21 BGPHeaderErr                                                              Idle err drop count
  22 BGPOpenMsgErr                                                             Idle 5/3:01 drop count
  23 OpenCollisionDump                                                         Idle 6/7 drop count
  24 NotifMsgVerErr                                                            Idle drop count
  25 NotifMsg                                                                  Idle drop count
  26 KeepAliveMsg                                                              Established
  27 UpdateMsg                                                                 Established
  28 UpdateMsgErr                                                              Idle err drop count
  29 SendHoldTimer_Expires                                                     Idle 8/0 abort count
  30 RouteRefreshMsg                                                           Established
  31 RouteRefreshMsgErr                                                        Idle err drop count
`;

export const TABLE: Readonly<Record<Situation, string>> = {
  Idle: IDLE,
  Connect: CONNECT,
  'Connect, DelayOpenTimer running': CONNECT_DELAYED,
  Active: ACTIVE,
  'Active, DelayOpenTimer running': ACTIVE_DELAYED,
  OpenSent: OPEN_SENT,
  OpenConfirm: OPEN_CONFIRM,
  Established: ESTABLISHED,
};

/** One cell of the table. */
export interface Transition {
  readonly number: number;
  readonly event: string;
  readonly next: string;
  readonly actions: readonly string[];
}

/** The cells of one state, by event number. */
export function transitions(situation: Situation): Transition[] {
  const cells = TABLE[situation]
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [number, event, next, ...actions] = line.trim().split(/\s+/);
      return { number: Number(number), event: event!, next: next!, actions };
    });
  return cells.sort((a, b) => a.number - b.number);
}
