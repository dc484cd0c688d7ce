/**
 * A session with one peer: the machine for connections that we dial and the one for connections that we accept
 * (RFC 4271 §8.2.1), collision detection between them (§6.8), and when to start again.
 */
import { COLLISION_RESOLUTION, CONNECTION_REJECTED, encodeNotification } from '../message/notification.ts';
import { collisionWinner } from './collision.ts';
import { type CompleteConfig, completeConfig, type SessionConfig } from './config.ts';
import { countMessage, newCounters, type SessionCounters, totalMessages } from './counters.ts';
import { Establishment } from './establishment.ts';
import type { Direction, FsmEvent, SessionInput, SessionOutput, TimerName } from './event.ts';
import { Fsm } from './fsm.ts';
import { Intake } from './intake.ts';
import type { Negotiated } from './negotiated.ts';
import { cease, requestedCease } from './notice.ts';
import { buildOpen, Offer } from './offer.ts';
import { isCapabilityRefusal } from './required.ts';
import { RANK, type SessionState } from './state.ts';

const TIMER_EVENTS: Readonly<Record<TimerName, FsmEvent>> = {
  ConnectRetryTimer: { kind: 'ConnectRetryTimer_Expires' },
  HoldTimer: { kind: 'HoldTimer_Expires' },
  KeepaliveTimer: { kind: 'KeepaliveTimer_Expires' },
  DelayOpenTimer: { kind: 'DelayOpenTimer_Expires' },
  IdleHoldTimer: { kind: 'IdleHoldTimer_Expires' },
  SendHoldTimer: { kind: 'SendHoldTimer_Expires' },
};

type OpenEvent = FsmEvent & { readonly kind: 'BGPOpen' | 'BGPOpen_with_DelayOpenTimer_running' };

export class Session {
  readonly config: CompleteConfig;
  readonly outgoing: Fsm;
  readonly incoming: Fsm;
  /** Over all connections. */
  readonly counters: SessionCounters = newCounters();
  readonly #offer: Offer;
  readonly #intakes: Readonly<Record<Direction, Intake>>;
  #running = false;
  /** The peer lacks what we need: no dial until the next start (RFC 5492 §3). */
  #held = false;
  #state: SessionState = 'Idle';
  #now = 0;
  #outputs: SessionOutput[] = [];
  #connections = 0;
  #lastReason = '';
  #up: Establishment | undefined;

  /** @throws RangeError where a capability does not fit into an OPEN. */
  constructor(config: SessionConfig) {
    this.config = completeConfig(config);
    const offer = new Offer(this.config);
    buildOpen(this.config, offer.capabilities());
    this.#offer = offer;
    const emit = (output: SessionOutput): void => this.#emit(output);
    // Ours are odd; the driver numbers accepted connections with even numbers.
    const nextConnection = (): number => 2 * this.#connections++ + 1;
    this.outgoing = new Fsm(this.config, 'outgoing', { emit, nextConnection, offer });
    this.incoming = new Fsm(this.config, 'incoming', { emit, nextConnection, offer });
    const event = (fsm: Fsm, what: FsmEvent): void => this.#event(fsm, what);
    const ports = { counters: this.counters, offer, emit, event };
    this.#intakes = {
      outgoing: new Intake(this.outgoing, ports),
      incoming: new Intake(this.incoming, ports),
    };
  }

  /** State of the connection that has come furthest. */
  get state(): SessionState {
    return this.#state;
  }

  /** What was agreed with the peer, from OpenConfirm on. */
  get negotiated(): Negotiated | undefined {
    return this.#up?.fsm.negotiated ?? this.outgoing.negotiated ?? this.incoming.negotiated;
  }

  /** Counted over all connections. */
  get messagesReceived(): number {
    return totalMessages(this.counters.received);
  }

  get messagesSent(): number {
    return totalMessages(this.counters.sent);
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
        this.#stop(input);
        return;
      case 'reset':
        this.#reset(input);
        return;
      case 'accepted':
        this.#accepted(input.connection);
        return;
      case 'connected':
        if (this.outgoing.connection === input.connection && this.outgoing.state === 'Connect') {
          this.#connected(this.outgoing, { kind: 'Tcp_CR_Acked', connection: input.connection });
        }
        return;
      case 'closed': {
        const reason = input.reason ?? 'connection closed by peer';
        this.#at(input.connection)?.handle({ kind: 'TcpConnectionFails', reason }, this.#now);
        return;
      }
      case 'received': {
        const fsm = this.#at(input.connection);
        if (fsm !== undefined) this.#intakes[fsm.direction].receive(input.connection, input.bytes);
        return;
      }
      case 'timer':
        this.#timer(this[input.direction], input.timer);
        return;
      case 'updates-sent':
        this.counters.sent.update += input.messages;
        this.#up?.fsm.touchKeepalive(this.#now);
        return;
      case 'blocked':
        this.#at(input.connection)?.blocked();
        return;
      case 'unblocked':
        this.#at(input.connection)?.cancel('SendHoldTimer');
        return;
      case 'request-refresh':
        this.#up?.requestRefresh(input);
        return;
      case 'disable-family':
        this.#up?.disableFamily(input.family);
        return;
      case 'restarting':
        this.#offer.restarting = input.restarting;
    }
  }

  #start(): void {
    this.#held = false;
    if (this.#running) return;
    this.#running = true;
    this.incoming.handle({ kind: 'ManualStart_with_PassiveTcpEstablishment' }, this.#now);
    if (!this.config.passive) this.outgoing.handle({ kind: 'ManualStart' }, this.#now);
  }

  #stop(input: SessionInput & { readonly kind: 'stop' }): void {
    this.#running = false;
    for (const fsm of [this.outgoing, this.incoming]) {
      fsm.cancel('IdleHoldTimer');
      const notice = input.silent ? {} : { cease: requestedCease(input, fsm.negotiated) };
      fsm.handle({ kind: 'ManualStop', ...notice }, this.#now);
      fsm.failures = 0;
    }
    this.#offer.reset();
  }

  /** Ends what is open with a Cease; {@link #settle} starts again, without the waits that failures brought. */
  #reset(input: SessionInput & { readonly kind: 'reset' }): void {
    this.#held = false;
    this.#offer.reset();
    for (const fsm of [this.outgoing, this.incoming]) {
      fsm.cancel('IdleHoldTimer');
      if (RANK[fsm.state] >= RANK.OpenSent) {
        fsm.handle({ kind: 'AutomaticStop', cease: requestedCease(input, fsm.negotiated) }, this.#now);
      }
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
    if (this.#up?.fsm === fsm && this.#up.mayComeBack) this.#giveWay(fsm);
    if (RANK[fsm.state] >= RANK.OpenConfirm) {
      // RFC 4271 §6.8: what is established stays, the new connection goes.
      this.#refuse(connection, COLLISION_RESOLUTION);
      return;
    }
    // A peer that dials again before it sent its OPEN has given up the earlier connection.
    if (fsm.connection !== undefined) fsm.toIdle(false);
    this.#listen();
    this.#connected(fsm, { kind: 'TcpConnectionConfirmed', connection });
  }

  #refuse(connection: number, subcode: number): void {
    this.#emit({ kind: 'send', connection, bytes: encodeNotification(cease(subcode)) });
    this.#emit({ kind: 'close', connection });
  }

  /** The peer restarted before we noticed: the old connection ends without a word, its routes stay (RFC 4724 §5). */
  #giveWay(fsm: Fsm): void {
    fsm.close(fsm.connection!);
    fsm.handle({ kind: 'TcpConnectionFails', reason: 'the peer came back on a new connection' }, this.#now);
    this.#checkUp();
  }

  /** A connection came up. If the peer's OPEN was already seen on the other one, they collide right now. */
  #connected(fsm: Fsm, event: FsmEvent): void {
    this.#intakes[fsm.direction].restart();
    fsm.handle(event, this.#now);
    const other = this.#other(fsm);
    if (other.state === 'OpenConfirm' && fsm.state === 'OpenSent') this.#resolveCollision(other.negotiated!);
  }

  /** Both connections are open and the peer's identifier is known: one goes with Cease (RFC 4271 §6.8). */
  #resolveCollision({ peerAs, peerId }: Negotiated): void {
    const { localAs, localId } = this.config;
    const winner = collisionWinner({ asn: localAs, bgpId: localId }, { asn: peerAs, bgpId: peerId });
    this.#dump(winner === 'outgoing' ? this.incoming : this.outgoing);
  }

  /** Losing a collision is no failure, so the next dial need not wait for longer. */
  #dump(loser: Fsm): void {
    const { failures } = loser;
    loser.handle({ kind: 'OpenCollisionDump' }, this.#now);
    loser.failures = failures;
    // Where that was the session (CollisionDetectEstablishedState), it is over before the winner's KEEPALIVE, which may be read next.
    this.#checkUp();
  }

  #timer(fsm: Fsm, timer: TimerName): void {
    if (!fsm.fired(timer)) return;
    const idleHold = timer === 'IdleHoldTimer';
    if (idleHold && (!this.#running || this.#held || RANK[this.#other(fsm).state] >= RANK.OpenSent)) return;
    // Without damping a restart is as good as the first start.
    const fresh = idleHold && !this.config.dampPeerOscillations;
    fsm.handle(fresh ? { kind: 'AutomaticStart' } : TIMER_EVENTS[timer], this.#now);
  }

  /** An event that a received message, or an error in it, makes. */
  #event(fsm: Fsm, event: FsmEvent): void {
    const opening = fsm.state !== 'Established';
    switch (event.kind) {
      case 'BGPOpen':
      case 'BGPOpen_with_DelayOpenTimer_running':
        this.#open(fsm, event);
        return;
      case 'NotifMsg':
        if (opening) this.#offer.refusedBy(event.message);
        break;
      case 'BGPHeaderErr':
      case 'BGPOpenMsgErr':
      case 'UpdateMsgErr':
      case 'RouteRefreshMsgErr':
        this.#lastReason = event.error.message;
        if (opening && isCapabilityRefusal(event.error.notification)) this.#held = true;
        break;
      default:
    }
    fsm.handle(event, this.#now);
  }

  #open(fsm: Fsm, event: OpenEvent): void {
    const other = this.#other(fsm);
    const fresh = fsm.state === 'OpenSent' || fsm.delayOpenRunning;
    if (fresh && other.state === 'Established' && !this.config.collisionDetectEstablished) {
      if (!this.#up!.mayComeBack) {
        this.#dump(fsm);
        return;
      }
      this.#giveWay(other);
    }
    fsm.handle(event, this.#now);
    if (fresh && RANK[other.state] >= RANK.OpenSent) this.#resolveCollision(event.negotiated);
  }

  #emit(output: SessionOutput): void {
    if (output.kind === 'send') countMessage(this.counters.sent, output.bytes);
    if (output.kind === 'error') {
      const detail = output.source === 'sent' && this.#lastReason !== '' ? ` (${this.#lastReason})` : '';
      const reason = output.reason + detail;
      this.#lastReason = reason;
      this.#outputs.push({ ...output, reason });
      return;
    }
    if (output.kind === 'established') this.#established(output.connection, output.negotiated);
    this.#outputs.push(output);
  }

  #established(connection: number, negotiated: Negotiated): void {
    this.counters.established += 1;
    this.#lastReason = '';
    this.#held = false;
    const fsm = connection === this.outgoing.connection ? this.outgoing : this.incoming;
    this.#up = new Establishment(fsm, negotiated, this.#now);
    // The other machine rests while this one is up; a dial still under way is given up.
    this.#other(fsm).handle({ kind: 'ManualStop', cease: cease(COLLISION_RESOLUTION) }, this.#now);
    this.#report();
  }

  /** Reports that the session is down, if it is. */
  #checkUp(): void {
    const up = this.#up;
    if (!up?.isOver) return;
    this.#up = undefined;
    if (up.wasSound(this.#now)) {
      this.outgoing.failures = 0;
      this.incoming.failures = 0;
    }
    this.#offer.reset();
    this.#report();
    this.#outputs.push(up.down(this.#lastReason));
  }

  /** After an input: reports state and loss of the session, and starts machines that rest without need. */
  #settle(): void {
    this.#checkUp();
    if (this.#running) {
      if (RANK[this.outgoing.state] < RANK.OpenSent) this.#listen();
      if (!this.config.passive && !this.#held) this.#dialLater();
    }
    this.#report();
    this.#lastReason = '';
  }

  /** The machine for accepted connections listens again, if it rests. */
  #listen(): void {
    const { dampPeerOscillations } = this.config;
    if (this.incoming.state !== 'Idle') return;
    const start: FsmEvent = dampPeerOscillations
      ? { kind: 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment' }
      : { kind: 'AutomaticStart_with_PassiveTcpEstablishment' };
    this.incoming.handle(start, this.#now);
  }

  /** The machine for dialled connections dials again after its wait, unless the other connection is alive. */
  #dialLater(): void {
    const fsm = this.outgoing;
    if (fsm.state !== 'Idle' || RANK[this.incoming.state] >= RANK.OpenSent) return;
    if (!fsm.isArmed('IdleHoldTimer')) fsm.arm('IdleHoldTimer', fsm.retryDelay(), true);
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
