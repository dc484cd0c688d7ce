/**
 * The machine of one connection, RFC 4271 §8: state, timers and counters, and the actions that its six state
 * functions are made of. A session runs one for connections that it dials and one for connections that it accepts.
 */

import type { NotificationBody } from '../error.ts';
import { FAMILIES, type Family } from '../family.ts';
import { encodeKeepalive } from '../message/keepalive.ts';
import { describeNotification, encodeNotification, FSM_ERROR } from '../message/notification.ts';
import { LARGE_HOLD_TIME, type Negotiated, type SessionConfig } from './config.ts';
import type { Direction, FsmEvent, SessionOutput, TimerName } from './event.ts';
import { buildOpen } from './negotiate.ts';
import type { SessionState } from './state.ts';
import { active } from './states/active.ts';
import { connect } from './states/connect.ts';
import { established } from './states/established.ts';
import { idle } from './states/idle.ts';
import { openConfirm } from './states/open-confirm.ts';
import { openSent } from './states/open-sent.ts';

const STATES: Readonly<Record<SessionState, (fsm: Fsm, event: FsmEvent) => void>> = {
  Idle: idle,
  Connect: connect,
  Active: active,
  OpenSent: openSent,
  OpenConfirm: openConfirm,
  Established: established,
};

export class Fsm {
  readonly config: SessionConfig;
  readonly direction: Direction;
  state: SessionState = 'Idle';
  /** The connection that the machine dials or holds. */
  connection: number | undefined;
  connectRetryCounter = 0;
  negotiated: Negotiated | undefined;
  delayOpenRunning = false;
  now = 0;
  /** Dials that failed in a row; sets how long to wait. */
  failures = 0;
  readonly #emit: (output: SessionOutput) => void;
  readonly #nextConnection: () => number;
  readonly #armed = new Set<TimerName>();
  /** When silence becomes too long; the timer itself is only armed again when it fires. */
  #holdDeadline = 0;
  #keepaliveDue = 0;

  constructor(
    config: SessionConfig,
    direction: Direction,
    emit: (output: SessionOutput) => void,
    nextConnection: () => number,
  ) {
    this.config = config;
    this.direction = direction;
    this.#emit = emit;
    this.#nextConnection = nextConnection;
  }

  /** Takes one event at `now` (ms). */
  handle(event: FsmEvent, now: number): void {
    this.now = now;
    STATES[this.state](this, event);
  }

  /** Wait before the next dial: doubles with each failure up to ConnectRetryTime. ms */
  retryDelay(): number {
    const doublings = Math.min(Math.max(this.failures - 1, 0), 16);
    return Math.min(this.config.connectRetryTime, this.config.firstRetryTime * 2 ** doublings);
  }

  enter(state: SessionState): void {
    this.state = state;
  }

  arm(timer: TimerName, delay: number, jittered = false): void {
    this.#armed.add(timer);
    this.#emit({ kind: 'arm', direction: this.direction, timer, delay, jittered });
  }

  cancel(timer: TimerName): void {
    if (this.#armed.delete(timer)) this.#emit({ kind: 'cancel', direction: this.direction, timer });
  }

  isArmed(timer: TimerName): boolean {
    return this.#armed.has(timer);
  }

  /** To be called when a timer fired; false where it had been cancelled meanwhile. */
  fired(timer: TimerName): boolean {
    return this.#armed.delete(timer);
  }

  /** Starts a dial and gives it ConnectRetryTime to succeed. */
  dial(): void {
    this.connection = this.#nextConnection();
    this.arm('ConnectRetryTimer', this.config.connectRetryTime, true);
    this.#emit({ kind: 'dial', connection: this.connection });
  }

  /** Closes the connection, if there is one. */
  dropConnection(): void {
    if (this.connection !== undefined) this.#emit({ kind: 'close', connection: this.connection });
    this.connection = undefined;
  }

  send(bytes: Uint8Array): void {
    if (this.connection !== undefined) this.#emit({ kind: 'send', connection: this.connection, bytes });
  }

  /** TCP is up: sends OPEN at once, or waits for the peer's with DelayOpen (RFC 4271 §8.2.2, Connect and Active). */
  connectionUp(connection: number): void {
    this.connection = connection;
    this.cancel('ConnectRetryTimer');
    if (this.config.delayOpenTime > 0) {
      this.delayOpenRunning = true;
      this.arm('DelayOpenTimer', this.config.delayOpenTime);
      return;
    }
    this.sendOpen();
    this.arm('HoldTimer', LARGE_HOLD_TIME);
    this.#holdDeadline = this.now + LARGE_HOLD_TIME;
    this.enter('OpenSent');
  }

  sendOpen(): void {
    this.cancel('DelayOpenTimer');
    this.delayOpenRunning = false;
    this.send(buildOpen(this.config));
  }

  /** DelayOpenTimer expired: OPEN, the long hold timer, OpenSent. */
  openAfterDelay(): void {
    this.sendOpen();
    this.arm('HoldTimer', LARGE_HOLD_TIME);
    this.#holdDeadline = this.now + LARGE_HOLD_TIME;
    this.enter('OpenSent');
  }

  /** The peer's OPEN is good: KEEPALIVE, the negotiated timers, OpenConfirm. */
  acceptOpen(negotiated: Negotiated): void {
    this.negotiated = negotiated;
    this.sendKeepalive();
    this.cancel('HoldTimer');
    if (negotiated.holdTime > 0) {
      this.touchHold();
      this.arm('HoldTimer', negotiated.holdTime * 1000);
      this.arm('KeepaliveTimer', this.keepaliveInterval(), true);
    }
    this.enter('OpenConfirm');
  }

  /** A third of the hold time, not under a second (RFC 4271 §4.4). ms */
  keepaliveInterval(): number {
    return Math.max(1000, (this.negotiated!.holdTime * 1000) / 3);
  }

  sendKeepalive(): void {
    this.send(encodeKeepalive());
  }

  /** Something arrived that restarts the hold timer. */
  touchHold(): void {
    if (this.negotiated !== undefined) this.#holdDeadline = this.now + this.negotiated.holdTime * 1000;
  }

  /** UPDATEs went out: the next KEEPALIVE is due an interval from now. */
  touchKeepalive(now: number): void {
    this.#keepaliveDue = now + this.keepaliveInterval();
  }

  /** Whether the hold time really passed; otherwise arms the timer for what is left. */
  holdExpired(): boolean {
    const left = this.#holdDeadline - this.now;
    if (left <= 0) return true;
    this.arm('HoldTimer', left);
    return false;
  }

  /** KeepaliveTimer expired: sends one unless UPDATEs made it unnecessary, and arms the timer again. */
  keepaliveTimer(): void {
    const wait = this.#keepaliveDue - this.now;
    // UPDATEs sent meanwhile put the next one off.
    if (wait > 0) this.arm('KeepaliveTimer', wait);
    else {
      this.sendKeepalive();
      this.arm('KeepaliveTimer', this.keepaliveInterval(), true);
    }
  }

  /** Sends a NOTIFICATION, drops everything and goes to Idle; the session decides when to start again. */
  fail(body: NotificationBody, count = true): void {
    this.send(encodeNotification(body));
    this.#emit({
      kind: 'error',
      source: 'sent',
      reason: `NOTIFICATION sent: ${describeNotification(body)}`,
      notification: body,
    });
    this.toIdle(count);
  }

  /** Releases connection and timers and goes to Idle; `count` raises ConnectRetryCounter. */
  toIdle(count: boolean): void {
    for (const timer of [...this.#armed]) this.cancel(timer);
    this.dropConnection();
    this.delayOpenRunning = false;
    this.negotiated = undefined;
    if (count) {
      this.connectRetryCounter += 1;
      this.failures += 1;
    }
    this.enter('Idle');
  }

  /** Stop events in a state with a connection (RFC 4271 §8.2.2). */
  stop(event: FsmEvent & { readonly kind: 'ManualStop' | 'AutomaticStop' }, notify: boolean): void {
    if (notify) this.fail(event.cease, event.kind === 'AutomaticStop');
    else this.toIdle(event.kind === 'AutomaticStop');
    if (event.kind === 'ManualStop') this.connectRetryCounter = 0;
  }

  /** The peer's NOTIFICATION or the transport ended the connection. */
  report(source: 'received' | 'transport', reason: string, notification?: NotificationBody): void {
    this.#emit({ kind: 'error', source, reason, ...(notification === undefined ? {} : { notification }) });
  }

  /** FSM error for a message that the state does not take (RFC 6608 §4); the data is its type octet. */
  unexpected(subcode: number, messageType: number): void {
    this.fail({ code: FSM_ERROR, subcode, data: Uint8Array.of(messageType) });
  }

  emitEstablished(): void {
    this.#emit({ kind: 'established', connection: this.connection!, negotiated: this.negotiated! });
  }

  emitUpdate(event: FsmEvent & { readonly kind: 'UpdateMsg' }): void {
    this.#emit({ kind: 'update', message: event.message });
  }

  emitRefresh(afi: number, safi: number): void {
    const family = this.negotiated!.families.find((candidate: Family) => {
      const info = FAMILIES[candidate];
      return info.afi === afi && info.safi === safi;
    });
    if (family !== undefined) this.#emit({ kind: 'refresh', family });
  }
}
