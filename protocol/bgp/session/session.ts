/**
 * A session with one peer: the machine for connections that we dial and the one for connections that we accept
 * (RFC 4271 §8.2.1), collision detection between them (§6.8), and when to start again.
 */
import type { CodecContext } from '../context.ts';
import { BgpError } from '../error.ts';
import { NOTIFICATION, OPEN, UPDATE } from '../message/header.ts';
import { decodeMessage } from '../message/message.ts';
import { COLLISION_RESOLUTION, CONNECTION_REJECTED, encodeNotification } from '../message/notification.ts';
import { MessageStream } from '../message/stream.ts';
import type { Negotiated, SessionConfig } from './config.ts';
import type { Direction, FsmEvent, SessionInput, SessionOutput, TimerName } from './event.ts';
import { Fsm } from './fsm.ts';
import { collisionWinner, negotiate, OPENING_CONTEXT } from './negotiate.ts';
import { cease } from './notice.ts';
import type { SessionState } from './state.ts';

/** A session that lasted this long was sound: the next dials need not wait longer and longer. ms */
const SOUND_AFTER = 10_000;

const RANK: Readonly<Record<SessionState, number>> = {
  Idle: 0,
  Active: 1,
  Connect: 2,
  OpenSent: 3,
  OpenConfirm: 4,
  Established: 5,
};

const TIMER_EVENTS: Readonly<Record<Exclude<TimerName, 'IdleHoldTimer'>, FsmEvent>> = {
  ConnectRetryTimer: { kind: 'ConnectRetryTimer_Expires' },
  HoldTimer: { kind: 'HoldTimer_Expires' },
  KeepaliveTimer: { kind: 'KeepaliveTimer_Expires' },
  DelayOpenTimer: { kind: 'DelayOpenTimer_Expires' },
  SendHoldTimer: { kind: 'SendHoldTimer_Expires' },
};

export class Session {
  readonly config: SessionConfig;
  readonly outgoing: Fsm;
  readonly incoming: Fsm;
  /** Counted over all connections. */
  messagesReceived = 0;
  messagesSent = 0;
  #running = false;
  #state: SessionState = 'Idle';
  #now = 0;
  #outputs: SessionOutput[] = [];
  #connections = 0;
  #lastReason = '';
  readonly #streams: Record<Direction, MessageStream> = {
    outgoing: new MessageStream(),
    incoming: new MessageStream(),
  };
  /** The machine that `established` was reported for. */
  #up: Fsm | undefined;
  #upSince = 0;
  #upNegotiated: Negotiated | undefined;

  constructor(config: SessionConfig) {
    this.config = config;
    const emit = (output: SessionOutput): void => this.#emit(output);
    // Ours are odd; the driver numbers accepted connections with even numbers.
    const next = (): number => 2 * this.#connections++ + 1;
    this.outgoing = new Fsm(config, 'outgoing', emit, next);
    this.incoming = new Fsm(config, 'incoming', emit, next);
  }

  /** State of the connection that has come furthest. */
  get state(): SessionState {
    return this.#state;
  }

  /** What was agreed with the peer, from OpenConfirm on. */
  get negotiated(): Negotiated | undefined {
    return this.#up?.negotiated ?? this.outgoing.negotiated ?? this.incoming.negotiated;
  }

  /** Takes one input at time `now` (ms) and says what to do, in order. */
  handle(input: SessionInput, now: number): readonly SessionOutput[] {
    this.#now = now;
    this.#outputs = [];
    this.#dispatch(input);
    this.#settle();
    return this.#outputs;
  }

  #dispatch(input: SessionInput): void {
    switch (input.kind) {
      case 'start':
        this.#start();
        return;
      case 'stop':
        this.#stop(input.subcode);
        return;
      case 'accepted':
        this.#accepted(input.connection);
        return;
      case 'connected':
        if (this.outgoing.connection === input.connection && this.outgoing.state === 'Connect') {
          this.#connected(this.outgoing, { kind: 'Tcp_CR_Acked', connection: input.connection });
        }
        return;
      case 'closed':
        this.#at(input.connection)?.handle(
          { kind: 'TcpConnectionFails', reason: input.reason ?? 'connection closed by peer' },
          this.#now,
        );
        return;
      case 'received':
        this.#received(input.connection, input.bytes);
        return;
      case 'timer':
        this.#timer(input.direction, input.timer);
        return;
      case 'updates-sent':
        this.messagesSent += input.messages;
        if (this.#up?.state === 'Established') this.#up.touchKeepalive(this.#now);
    }
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    this.incoming.handle({ kind: 'ManualStart_with_PassiveTcpEstablishment' }, this.#now);
    if (!this.config.passive) this.outgoing.handle({ kind: 'ManualStart' }, this.#now);
  }

  #stop(subcode: number): void {
    this.#running = false;
    for (const fsm of [this.outgoing, this.incoming]) {
      fsm.cancel('IdleHoldTimer');
      fsm.handle({ kind: 'ManualStop', cease: cease(subcode) }, this.#now);
      fsm.failures = 0;
    }
  }

  #at(connection: number): Fsm | undefined {
    if (this.outgoing.connection === connection) return this.outgoing;
    return this.incoming.connection === connection ? this.incoming : undefined;
  }

  #other(fsm: Fsm): Fsm {
    return fsm === this.outgoing ? this.incoming : this.outgoing;
  }

  #accepted(connection: number): void {
    const fsm = this.incoming;
    if (!this.#running) {
      this.#refuse(connection, CONNECTION_REJECTED);
      return;
    }
    if (RANK[fsm.state] >= RANK.OpenConfirm || this.outgoing.state === 'Established') {
      // RFC 4271 §6.8: what is established stays, the new connection goes.
      this.#refuse(connection, COLLISION_RESOLUTION);
      return;
    }
    // A peer that dials again before it sent its OPEN has given up the earlier connection.
    if (fsm.connection !== undefined) fsm.toIdle(false);
    fsm.handle({ kind: 'AutomaticStart_with_PassiveTcpEstablishment' }, this.#now);
    this.#connected(fsm, { kind: 'TcpConnectionConfirmed', connection });
  }

  #refuse(connection: number, subcode: number): void {
    this.#emit({ kind: 'send', connection, bytes: encodeNotification(cease(subcode)) });
    this.#emit({ kind: 'close', connection });
  }

  /** A connection came up. If the peer's OPEN was already seen on the other one, they collide right now. */
  #connected(fsm: Fsm, event: FsmEvent): void {
    this.#streams[fsm.direction] = new MessageStream();
    fsm.handle(event, this.#now);
    const other = this.#other(fsm);
    if (other.state === 'OpenConfirm') this.#resolveCollision(other.negotiated!);
  }

  /** Both connections are open and the peer's identifier is known: one goes with Cease (RFC 4271 §6.8). */
  #resolveCollision(peer: Pick<Negotiated, 'peerAs' | 'peerId'>): void {
    const loser = collisionWinner(this.config, peer) === 'outgoing' ? this.incoming : this.outgoing;
    loser.handle({ kind: 'OpenCollisionDump' }, this.#now);
    loser.failures = 0;
  }

  #timer(direction: Direction, timer: TimerName): void {
    const fsm = this[direction];
    if (!fsm.fired(timer)) return;
    if (timer !== 'IdleHoldTimer') {
      fsm.handle(TIMER_EVENTS[timer], this.#now);
      return;
    }
    if (!this.#running || RANK[this.#other(fsm).state] >= RANK.OpenSent) return;
    fsm.handle({ kind: 'AutomaticStart' }, this.#now);
  }

  #received(connection: number, bytes: Uint8Array): void {
    const fsm = this.#at(connection);
    if (fsm === undefined) return;
    try {
      this.#streams[fsm.direction].push(
        bytes,
        () => contextOf(fsm),
        (message) => {
          this.#message(fsm, message);
          return fsm.connection === connection;
        },
      );
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      this.#lastReason = error.message;
      fsm.handle({ kind: 'BGPHeaderErr', error }, this.#now);
    }
  }

  #message(fsm: Fsm, bytes: Uint8Array): void {
    this.messagesReceived += 1;
    try {
      const message = decodeMessage(bytes, contextOf(fsm));
      switch (message.kind) {
        case 'open':
          this.#open(fsm, { kind: 'BGPOpen', open: message, negotiated: negotiate(this.config, message) });
          return;
        case 'update':
          fsm.handle({ kind: 'UpdateMsg', message }, this.#now);
          return;
        case 'keepalive':
          fsm.handle({ kind: 'KeepAliveMsg' }, this.#now);
          return;
        case 'route-refresh':
          fsm.handle({ kind: 'RouteRefreshMsg', message }, this.#now);
          return;
        case 'notification': {
          const kind = message.code === 2 && message.subcode === 1 ? 'NotifMsgVerErr' : 'NotifMsg';
          fsm.handle({ kind, message }, this.#now);
        }
      }
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      this.#lastReason = error.message;
      fsm.handle(errorEvent(bytes[18]!, error), this.#now);
    }
  }

  #open(fsm: Fsm, event: FsmEvent & { readonly kind: 'BGPOpen' }): void {
    const other = this.#other(fsm);
    const fresh = fsm.state === 'OpenSent' || fsm.delayOpenRunning;
    if (fresh && other.state === 'Established') {
      fsm.handle({ kind: 'OpenCollisionDump' }, this.#now);
      return;
    }
    fsm.handle(event, this.#now);
    if (fresh && (other.state === 'OpenConfirm' || other.state === 'OpenSent')) {
      this.#resolveCollision(event.negotiated);
    }
  }

  #emit(output: SessionOutput): void {
    if (output.kind === 'send') this.messagesSent += 1;
    if (output.kind === 'error') {
      const detail = output.source === 'sent' && this.#lastReason !== '' ? ` (${this.#lastReason})` : '';
      const reason = output.reason + detail;
      this.#lastReason = reason;
      this.#outputs.push({ ...output, reason });
      return;
    }
    if (output.kind === 'established') {
      this.#lastReason = '';
      this.#upSince = this.#now;
      this.#upNegotiated = output.negotiated;
      this.#up = output.connection === this.outgoing.connection ? this.outgoing : this.incoming;
      // The other machine rests while this one is up; a dial still under way is given up.
      this.#other(this.#up).handle({ kind: 'ManualStop', cease: cease(COLLISION_RESOLUTION) }, this.#now);
      this.#report();
    }
    this.#outputs.push(output);
  }

  /** After an input: reports state and loss of the session, and starts machines that rest without need. */
  #settle(): void {
    if (this.#up !== undefined && this.#up.state !== 'Established') {
      const negotiated = this.#upNegotiated!;
      this.#up = undefined;
      if (this.#now - this.#upSince >= SOUND_AFTER) {
        this.outgoing.failures = 0;
        this.incoming.failures = 0;
      }
      this.#report();
      const reason = this.#lastReason === '' ? 'stopped' : this.#lastReason;
      this.#outputs.push({ kind: 'down', reason, graceful: false, negotiated });
    }
    if (this.#running) {
      this.#rest(this.incoming);
      if (!this.config.passive) this.#rest(this.outgoing);
    }
    this.#report();
    this.#lastReason = '';
  }

  /** An idle machine listens again at once, and dials again after its wait, unless the other connection is alive. */
  #rest(fsm: Fsm): void {
    if (fsm.state !== 'Idle' || RANK[this.#other(fsm).state] >= RANK.OpenSent) return;
    if (fsm.direction === 'incoming') {
      fsm.handle({ kind: 'AutomaticStart_with_PassiveTcpEstablishment' }, this.#now);
    } else if (!fsm.isArmed('IdleHoldTimer')) {
      fsm.arm('IdleHoldTimer', fsm.retryDelay(), true);
    }
  }

  #report(): void {
    const a = this.outgoing.state;
    const b = this.incoming.state;
    const state = RANK[a] >= RANK[b] ? a : b;
    if (state === this.#state) return;
    this.#state = state;
    this.#outputs.push({ kind: 'state', state });
  }
}

function contextOf(fsm: Fsm): CodecContext {
  return fsm.negotiated?.context ?? OPENING_CONTEXT;
}

/** The event for a message of `type` that could not be read or is not acceptable. */
function errorEvent(type: number, error: BgpError): FsmEvent {
  if (type === UPDATE) return { kind: 'UpdateMsgErr', error };
  return { kind: type === OPEN || type === NOTIFICATION ? 'BGPOpenMsgErr' : 'BGPHeaderErr', error };
}
