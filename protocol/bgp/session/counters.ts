/** What a session counts over all its connections. Plain data, to be shown. */
import { KEEPALIVE, NOTIFICATION, OPEN, ROUTE_REFRESH, UPDATE } from '../message/header.ts';
import type { FaultOutcome } from './event.ts';

/** Whole messages by type. */
export interface MessageCounters {
  open: number;
  update: number;
  notification: number;
  keepalive: number;
  routeRefresh: number;
}

export interface SessionCounters {
  readonly received: MessageCounters;
  readonly sent: MessageCounters;
  /** Received messages with faults, by what came of them (RFC 7606 §2). */
  readonly faults: Record<FaultOutcome, number>;
  /** How often the session was Established. */
  established: number;
}

const NAMES: Readonly<Record<number, keyof MessageCounters>> = {
  [OPEN]: 'open',
  [UPDATE]: 'update',
  [NOTIFICATION]: 'notification',
  [KEEPALIVE]: 'keepalive',
  [ROUTE_REFRESH]: 'routeRefresh',
};

/** Counters that start at 0. */
export function newCounters(): SessionCounters {
  return {
    received: { open: 0, update: 0, notification: 0, keepalive: 0, routeRefresh: 0 },
    sent: { open: 0, update: 0, notification: 0, keepalive: 0, routeRefresh: 0 },
    faults: { 'session-reset': 0, 'treat-as-withdraw': 0, 'attribute-discard': 0, ignored: 0 },
    established: 0,
  };
}

/** Counts a whole message by its type octet. */
export function countMessage(counters: MessageCounters, message: Uint8Array): void {
  const name = NAMES[message[18]!];
  if (name !== undefined) counters[name] += 1;
}

/** All messages together. */
export function totalMessages(counters: MessageCounters): number {
  return counters.open + counters.update + counters.notification + counters.keepalive + counters.routeRefresh;
}
