/**
 * The machine of one connection, RFC 4271 §8: state, timers and counters, and the actions that its six state
 * functions are made of. A session runs one for connections that it dials and one for connections that it accepts.
 */

import type { Capability } from '../capability/capability.ts';
import type { NotificationBody } from '../error.ts';
import { encodeKeepalive } from '../message/keepalive.ts';
import {
  describeNotification,
  encodeNotification,
  FSM_ERROR,
  type NotificationMessage,
} from '../message/notification.ts';
import type { UpdateMessage } from '../message/update.ts';
import { type CompleteConfig, DEFAULT_SEND_HOLD_TIME, LARGE_HOLD_TIME } from './config.ts';
import type { Ending } from './ending.ts';
import type { Direction, FsmEvent, SessionOutput, TimerName } from './event.ts';
import type { Negotiated } from './negotiated.ts';
import { buildOpen, type Offer } from './offer.ts';
import { RefreshTracker } from './refresh-tracker.ts';
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

/** The shortest interval that the smallest jitter factor, 0.75, does not bring under a second. ms */
const MIN_KEEPALIVE_INTERVAL = 1000 / 0.75;

/** What a machine needs from its session. */
export interface FsmPorts {
  emit(output: SessionOutput): void;
  /** Number for a connection that is to be dialled. */
  nextConnection(): number;
  readonly offer: Offer;
}

export class Fsm {
  readonly config: CompleteConfig;
  readonly direction: Direction;
  state: SessionState = 'Idle';
  /** The connection that the machine dials or holds. */
  connection: number | undefined;
  connectRetryCounter = 0;
  negotiated: Negotiated | undefined;
  /** What our OPEN on this connection offered, once it is out. */
  offered: readonly Capability[] | undefined;
  /** How the last connection ended. */
  ending: Ending = { cause: 'transport' };
  now = 0;
  /** Attempts that failed in a row; sets how long to wait (RFC 4271 §8.1.1, DampPeerOscillations). */
  failures = 0;
  readonly #ports: FsmPorts;
  readonly #armed = new Set<TimerName>();
  #refreshes = new RefreshTracker([]);
  /** When silence becomes too long; the timer itself is only armed again when it fires. */
  #holdDeadline = 0;
  #keepaliveDue = 0;

  constructor(config: CompleteConfig, direction: Direction, ports: FsmPorts) {
    this.config = config;
    this.direction = direction;
    this.#ports = ports;
  }

  /** Takes one event at `now` (ms). */
  handle(event: FsmEvent, now: number): void {
    this.now = now;
    STATES[this.state](this, event);
  }

  /** TCP is up, and we wait for the peer's OPEN before we send ours (RFC 4271 §8.1.1, DelayOpen). */
  get delayOpenRunning(): boolean {
    return this.#armed.has('DelayOpenTimer');
  }

  /** Wait before the next dial: doubles with each failure up to ConnectRetryTime. ms */
  retryDelay(): number {
    const { connectRetryTime, firstRetryTime, dampPeerOscillations } = this.config;
    const doublings = dampPeerOscillations ? Math.min(Math.max(this.failures - 1, 0), 16) : 0;
    return Math.min(connectRetryTime, firstRetryTime * 2 ** doublings);
  }

  enter(state: SessionState): void {
    this.state = state;
  }

  arm(timer: TimerName, delay: number, jittered = false): void {
    this.#armed.add(timer);
    this.#ports.emit({ kind: 'arm', direction: this.direction, timer, delay, jittered });
  }

  cancel(timer: TimerName): void {
    if (!this.#armed.delete(timer)) return;
    this.#ports.emit({ kind: 'cancel', direction: this.direction, timer });
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
    this.connection = this.#ports.nextConnection();
    this.arm('ConnectRetryTimer', this.config.connectRetryTime, true);
    this.#ports.emit({ kind: 'dial', connection: this.connection });
  }

  /** Closes a connection: after what was sent, or with `abort` at once. */
  close(connection: number, abort = false): void {
    this.#ports.emit({ kind: 'close', connection, ...(abort ? { abort } : {}) });
  }

  /** Closes the machine's connection, if there is one. */
  dropConnection(abort = false): void {
    if (this.connection !== undefined) this.close(this.connection, abort);
    this.connection = undefined;
  }

  send(bytes: Uint8Array): void {
    if (this.connection !== undefined) {
      this.#ports.emit({ kind: 'send', connection: this.connection, bytes });
    }
  }

  /** TCP is up: sends OPEN at once, or waits for the peer's with DelayOpen (RFC 4271 §8.2.2, Connect and Active). */
  connectionUp(connection: number): void {
    this.connection = connection;
    this.cancel('ConnectRetryTimer');
    if (this.config.delayOpenTime > 0) this.arm('DelayOpenTimer', this.config.delayOpenTime);
    else this.openAndWait();
  }

  /** OPEN, the large hold time, OpenSent. */
  openAndWait(): void {
    this.sendOpen();
    this.#holdDeadline = this.now + LARGE_HOLD_TIME;
    this.arm('HoldTimer', LARGE_HOLD_TIME);
    this.enter('OpenSent');
  }

  sendOpen(): void {
    this.cancel('DelayOpenTimer');
    this.offered = this.#ports.offer.capabilities();
    this.send(buildOpen(this.config, this.offered));
  }

  /** The peer's OPEN is good: KEEPALIVE, the negotiated timers, OpenConfirm. */
  acceptOpen(negotiated: Negotiated): void {
    this.cancel('ConnectRetryTimer');
    this.negotiated = negotiated;
    this.#refreshes = new RefreshTracker(negotiated.gracefulRestart === undefined ? [] : negotiated.families);
    this.#keepaliveDue = 0;
    this.sendKeepalive();
    this.cancel('HoldTimer');
    if (negotiated.holdTime > 0) {
      this.touchHold();
      this.arm('HoldTimer', negotiated.holdTime * 1000);
      this.arm('KeepaliveTimer', this.keepaliveInterval(), true);
    }
    this.enter('OpenConfirm');
  }

  /** A third of the hold time; with the jitter of the timer still not under a second (RFC 4271 §4.4, §10). ms */
  keepaliveInterval(): number {
    return Math.max(MIN_KEEPALIVE_INTERVAL, (this.negotiated!.holdTime * 1000) / 3);
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

  /** The connection takes nothing: gives it the send hold time, which must exceed the hold time (RFC 9687 §4.4). */
  blocked(): void {
    if (this.state !== 'Established' || this.#armed.has('SendHoldTimer')) return;
    const holdTime = this.negotiated!.holdTime;
    const { sendHoldTime } = this.config;
    if (sendHoldTime === 0) return;
    const wanted = sendHoldTime ?? Math.max(DEFAULT_SEND_HOLD_TIME, 2 * holdTime);
    this.arm('SendHoldTimer', Math.max(wanted, holdTime + 1) * 1000);
  }

  /** Sends a NOTIFICATION, drops everything and goes to Idle; the session decides when to start again. */
  fail(body: NotificationBody, count = true, abort = false): void {
    this.notify(body);
    this.ending = { cause: 'sent', notification: body };
    this.toIdle(count, abort);
  }

  /** Sends a NOTIFICATION and reports it. */
  notify(body: NotificationBody): void {
    this.send(encodeNotification(body));
    this.#ports.emit({
      kind: 'error',
      source: 'sent',
      reason: `NOTIFICATION sent: ${describeNotification(body)}`,
      notification: body,
    });
  }

  /** A NOTIFICATION came in. It is never answered (RFC 4271 §6.4). */
  notified(message: NotificationMessage, count: boolean): void {
    const { code, subcode, data, fault } = message;
    const notification: NotificationBody = { code, subcode, data };
    this.#ports.emit({
      kind: 'error',
      source: 'received',
      reason: `NOTIFICATION received: ${fault ?? describeNotification(notification)}`,
      notification,
    });
    this.ending = { cause: 'received', notification };
    this.toIdle(count);
  }

  /** TCP is gone: reports it and forgets the connection. The state function says where to go. */
  connectionLost(reason: string): void {
    this.#ports.emit({ kind: 'error', source: 'transport', reason });
    this.connection = undefined;
    this.ending = { cause: 'transport' };
  }

  /** Releases connection and timers and goes to Idle; `count` raises ConnectRetryCounter. */
  toIdle(count: boolean, abort = false): void {
    for (const timer of [...this.#armed]) this.cancel(timer);
    this.dropConnection(abort);
    this.negotiated = undefined;
    this.offered = undefined;
    if (count) {
      this.connectRetryCounter += 1;
      this.failures += 1;
    }
    this.enter('Idle');
  }

  /** Stop events (RFC 4271 §8.2.2): with a Cease where `notify` and the event say so; a manual one clears the counter. */
  stop(event: FsmEvent & { readonly kind: 'ManualStop' | 'AutomaticStop' }, notify: boolean): void {
    const { cease } = event;
    const manual = event.kind === 'ManualStop';
    if (notify && cease !== undefined) this.notify(cease);
    const notification = notify ? cease : undefined;
    if (manual) this.ending = { cause: 'stopped', ...(notification === undefined ? {} : { notification }) };
    else if (notification !== undefined) this.ending = { cause: 'sent', notification };
    this.toIdle(!manual);
    if (manual) this.connectRetryCounter = 0;
  }

  /** FSM error for a message that the state does not take (RFC 6608 §4); the data is its type octet. */
  unexpected(subcode: number, messageType: number): void {
    this.fail({ code: FSM_ERROR, subcode, data: Uint8Array.of(messageType) });
  }

  emitEstablished(): void {
    this.#ports.emit({ kind: 'established', connection: this.connection!, negotiated: this.negotiated! });
  }

  emitUpdate(message: UpdateMessage): void {
    this.#refreshes.update(message);
    this.#ports.emit({ kind: 'update', message });
  }

  /** A ROUTE-REFRESH came in for a family and with a subtype that count. */
  emitRefresh(message: FsmEvent & { readonly kind: 'RouteRefreshMsg' }): void {
    const output = this.#refreshes.message(message.message, this.negotiated!);
    if (output !== undefined) this.#ports.emit(output);
  }
}
