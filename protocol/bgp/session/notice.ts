/** NOTIFICATIONs that the machines send of their own accord, and what is in those of a peer beside code and subcode. */
import type { NotificationBody } from '../error.ts';
import {
  ADMINISTRATIVE_SHUTDOWN,
  CEASE,
  describeNotification,
  FSM_ERROR,
  HOLD_TIMER_EXPIRED,
} from '../message/notification.ts';
import type { FsmEvent } from './event.ts';

/** Subcodes of Cease beside those that the codec names (RFC 4486 §4, RFC 8538 §3). */
export const MAXIMUM_PREFIXES = 1;
export const ADMINISTRATIVE_RESET = 4;
export const HARD_RESET = 9;

const SEND_HOLD_TIMER_EXPIRED = 8;

/**
 * Longest shutdown communication that we send, octets. RFC 9003 §2 allows 255, but nothing tells whether a peer knows
 * more than the 128 of RFC 8203 §2, and one that does not would lose the whole text.
 */
const MAX_COMMUNICATION = 128;

const NO_DATA = new Uint8Array(0);

/** A Cease of `subcode` (RFC 4486). */
export function cease(subcode: number): NotificationBody {
  return { code: CEASE, subcode, data: NO_DATA };
}

/**
 * A Cease with a shutdown communication, where the subcode is one that has it: Administrative Shutdown and
 * Administrative Reset (RFC 9003 §2). Text beyond 128 octets is cut between characters.
 */
export function ceaseWithText(subcode: number, text: string | undefined): NotificationBody {
  if (text === undefined || (subcode !== ADMINISTRATIVE_SHUTDOWN && subcode !== ADMINISTRATIVE_RESET)) {
    return cease(subcode);
  }
  const octets = new TextEncoder().encode(text);
  let length = Math.min(octets.length, MAX_COMMUNICATION);
  // Never cut within a character: 10xxxxxx continues one.
  if (length < octets.length) while (length > 0 && (octets[length]! & 0xc0) === 0x80) length -= 1;
  const data = new Uint8Array(1 + length);
  data[0] = length;
  data.set(octets.subarray(0, length), 1);
  return { code: CEASE, subcode, data };
}

/** A Hard Reset around `body`: with it, the peer does not keep the routes (RFC 8538 §3.1). */
export function hardReset(body: NotificationBody): NotificationBody {
  const data = new Uint8Array(2 + body.data.length);
  data[0] = body.code;
  data[1] = body.subcode;
  data.set(body.data, 2);
  return { code: CEASE, subcode: HARD_RESET, data };
}

/** What a Hard Reset wraps (RFC 8538 §3.1); any other NOTIFICATION is itself. */
export function unwrapHardReset(body: NotificationBody): NotificationBody {
  if (body.code !== CEASE || body.subcode !== HARD_RESET || body.data.length < 2) return body;
  return { code: body.data[0]!, subcode: body.data[1]!, data: body.data.subarray(2) };
}

/**
 * The shutdown communication in a Cease (RFC 9003 §2), for people: it is never interpreted, and control characters are
 * escaped, since the peer chose them. `undefined` where there is none, or where it is no UTF-8.
 */
export function shutdownText(body: NotificationBody): string | undefined {
  const { code, subcode, data } = unwrapHardReset(body);
  if (code !== CEASE || (subcode !== ADMINISTRATIVE_SHUTDOWN && subcode !== ADMINISTRATIVE_RESET)) {
    return undefined;
  }
  const length = data[0] ?? 0;
  if (length === 0 || data.length < 1 + length) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(1, 1 + length));
    return text.replace(/\p{C}/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
  } catch {
    return undefined;
  }
}

/** One line about a NOTIFICATION, with what it wraps and its shutdown communication. */
export function noticeText(body: NotificationBody): string {
  const inner = unwrapHardReset(body);
  const text = shutdownText(body);
  const wrapped = inner === body ? '' : ` (${describeNotification(inner)})`;
  return `${describeNotification(body)}${wrapped}${text === undefined ? '' : `, ${JSON.stringify(text)}`}`;
}

/** Type octet of the message behind an event, for FSM errors; `undefined` where the event is no message. */
export function messageTypeOf(event: FsmEvent): number | undefined {
  switch (event.kind) {
    case 'BGPOpen':
    case 'BGPOpen_with_DelayOpenTimer_running':
    case 'BGPOpenMsgErr':
      return 1;
    case 'UpdateMsg':
    case 'UpdateMsgErr':
      return 2;
    case 'KeepAliveMsg':
      return 4;
    case 'RouteRefreshMsg':
    case 'RouteRefreshMsgErr':
      return 5;
    default:
      return undefined;
  }
}

/** An FSM error without subcode, for what has none of its own. */
export const FSM_ERROR_UNSPECIFIC: NotificationBody = { code: FSM_ERROR, subcode: 0, data: NO_DATA };

/** The hold timer ran out (RFC 4271 §6.5). */
export const HOLD_TIMER_NOTIFICATION: NotificationBody = {
  code: HOLD_TIMER_EXPIRED,
  subcode: 0,
  data: NO_DATA,
};

/** The peer read nothing for the send hold time (RFC 9687 §3.2). */
export const SEND_HOLD_TIMER_NOTIFICATION: NotificationBody = {
  code: SEND_HOLD_TIMER_EXPIRED,
  subcode: 0,
  data: NO_DATA,
};
