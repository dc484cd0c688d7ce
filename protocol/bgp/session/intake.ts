/** From received bytes to events of the machine: messages are cut out, read and counted, and faulty ones reported. */
import type { CodecContext } from '../context.ts';
import { routeTexts } from '../dissect/route-texts.ts';
import { BgpError } from '../error.ts';
import { MAX_MESSAGE_LENGTH, NOTIFICATION, OPEN, ROUTE_REFRESH, UPDATE } from '../message/header.ts';
import { decodeMessage } from '../message/message.ts';
import { unreadableNotification } from '../message/notification.ts';
import { MessageStream } from '../message/stream.ts';
import type { UpdateMessage } from '../message/update.ts';
import { countMessage, type SessionCounters } from './counters.ts';
import type { FaultOutcome, FsmEvent, SessionOutput } from './event.ts';
import type { Fsm } from './fsm.ts';
import { negotiate, OPENING_CONTEXT } from './negotiate.ts';
import type { Offer } from './offer.ts';
import { checkRefresh } from './refresh-tracker.ts';

/** Subcode of a header error: without its marker nothing in a header can be believed. */
const NOT_SYNCHRONIZED = 1;

/** What an intake needs from its session. */
export interface IntakePorts {
  readonly counters: SessionCounters;
  readonly offer: Offer;
  emit(output: SessionOutput): void;
  /** Takes the event of one message, or of an error in it. */
  event(fsm: Fsm, event: FsmEvent): void;
}

/** The receiving side of a machine's connection. */
export class Intake {
  readonly #fsm: Fsm;
  readonly #ports: IntakePorts;
  #stream = new MessageStream();

  constructor(fsm: Fsm, ports: IntakePorts) {
    this.#fsm = fsm;
    this.#ports = ports;
  }

  /** Forgets the octets of an earlier connection. */
  restart(): void {
    this.#stream = new MessageStream();
  }

  /** Takes octets of `connection`; what follows the end of the connection in them is dropped. */
  receive(connection: number, bytes: Uint8Array): void {
    const fsm = this.#fsm;
    const stream = this.#stream;
    try {
      stream.push(
        bytes,
        () => this.#context(),
        (message) => {
          this.#message(message);
          return fsm.connection === connection;
        },
      );
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      const bytes = stream.pending.slice(0, MAX_MESSAGE_LENGTH);
      this.#reset(bytes, error);
      this.#ports.event(fsm, headerErrorEvent(bytes[18]!, error));
    }
  }

  #context(): CodecContext {
    return this.#fsm.negotiated?.context ?? OPENING_CONTEXT;
  }

  #message(bytes: Uint8Array): void {
    countMessage(this.#ports.counters.received, bytes);
    try {
      this.#ports.event(this.#fsm, this.#read(bytes));
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      this.#reset(bytes.slice(), error);
      this.#ports.event(this.#fsm, errorEvent(bytes[18]!, error));
    }
  }

  /** @throws BgpError with the NOTIFICATION that answers the message. */
  #read(bytes: Uint8Array): FsmEvent {
    const fsm = this.#fsm;
    if (bytes[18] === ROUTE_REFRESH) checkRefresh(bytes, fsm.config.capabilities, fsm.negotiated);
    const message = decodeMessage(bytes, this.#context());
    switch (message.kind) {
      case 'open': {
        const negotiated = negotiate(fsm.config, fsm.offered ?? this.#ports.offer.capabilities(), message);
        const kind = fsm.delayOpenRunning ? 'BGPOpen_with_DelayOpenTimer_running' : 'BGPOpen';
        return { kind, open: message, negotiated };
      }
      case 'update':
        if (message.faults.length + message.faultyRoutes.length > 0) this.#faults(bytes, message);
        return { kind: 'UpdateMsg', message };
      case 'keepalive':
        return { kind: 'KeepAliveMsg' };
      case 'route-refresh':
        return { kind: 'RouteRefreshMsg', message };
      case 'notification':
        return { kind: isVersionError(message) ? 'NotifMsgVerErr' : 'NotifMsg', message };
    }
  }

  /** A message that ends the connection. */
  #reset(bytes: Uint8Array, error: BgpError): void {
    this.#fault('session-reset', bytes, [error.message]);
  }

  /** Faults that the session survives (RFC 7606 §2); the strongest says what became of the message (§3 h). */
  #faults(bytes: Uint8Array, message: UpdateMessage): void {
    const { faults, faultyRoutes } = message;
    const reasons = [
      ...faults.map(({ reason }) => reason),
      ...faultyRoutes.map(
        ({ family, offset, reason, rfc }) => `${family} route, offset ${offset}: ${reason} (${rfc})`,
      ),
    ];
    this.#fault(outcomeOf(message), bytes.slice(), reasons);
  }

  #fault(outcome: FaultOutcome, bytes: Uint8Array, reasons: readonly string[]): void {
    this.#ports.counters.faults[outcome] += 1;
    this.#ports.emit({ kind: 'fault', outcome, bytes, reasons, routes: routeTexts(bytes, this.#context()) });
  }
}

/** The strongest of what became of a message's attributes and of single routes (RFC 7606 §3 h). */
function outcomeOf({ treatAsWithdraw, faults, faultyRoutes }: UpdateMessage): FaultOutcome {
  const withdrawn = faultyRoutes.some(({ outcome }) => outcome === 'treat-as-withdraw');
  if (treatAsWithdraw || withdrawn) return 'treat-as-withdraw';
  return faults.length > 0 ? 'attribute-discard' : 'ignored';
}

function isVersionError(message: { readonly code: number; readonly subcode: number }): boolean {
  return message.code === 2 && message.subcode === 1;
}

/** A bad header is answered (RFC 4271 §6.1), but not that of a NOTIFICATION, which just ends the session (§6.4). */
function headerErrorEvent(type: number, error: BgpError): FsmEvent {
  const isMarker = error.notification.subcode === NOT_SYNCHRONIZED;
  if (type !== NOTIFICATION || isMarker) return { kind: 'BGPHeaderErr', error };
  return { kind: 'NotifMsg', message: unreadableNotification(error.message) };
}

/** The event for a message of `type` that could not be read or is not acceptable. */
function errorEvent(type: number, error: BgpError): FsmEvent {
  // A ROUTE-REFRESH of a peer that was not told we take them is a message of unknown type.
  if (error.notification.code === 1) return { kind: 'BGPHeaderErr', error };
  switch (type) {
    case UPDATE:
      return { kind: 'UpdateMsgErr', error };
    case ROUTE_REFRESH:
      return { kind: 'RouteRefreshMsgErr', error };
    case OPEN:
    case NOTIFICATION:
      return { kind: 'BGPOpenMsgErr', error };
    default:
      return { kind: 'BGPHeaderErr', error };
  }
}
