import { readUint16 } from '../../protocol/bgp/byte-writer.ts';
import type { CodecContext } from '../../protocol/bgp/context.ts';
import type { Field, FieldError } from '../../protocol/bgp/dissect/field.ts';
import type { DissectedMessage } from '../../protocol/bgp/dissect/session.ts';
import { isMalformed, worstError } from '../../protocol/bgp/dissect/worst-error.ts';
import { UPDATE } from '../../protocol/bgp/message/header.ts';
import { toHex } from '../../protocol/bytes/hex.ts';
import type { TcpEndpoint } from '../../protocol/tcp/follower.ts';

/** Where in a capture something stands; empty for messages that were given by themselves. */
export interface Place {
  /** Number of the frame, from 1, with which it was complete. */
  readonly frame?: number;
  /** Nanoseconds since the epoch. */
  readonly nanos?: bigint;
  /** Number of the TCP connection, from 1. */
  readonly connection?: number;
  readonly source?: TcpEndpoint;
  readonly destination?: TcpEndpoint;
}

/** One thing that `podwire bgp decode` tells. */
export type DecodeRecord =
  | {
      readonly kind: 'message';
      readonly number: number;
      readonly place: Place;
      readonly message: DissectedMessage;
      /** Octets that the end of the input left out. */
      readonly missing: number;
      readonly worst: FieldError | undefined;
      readonly malformed: boolean;
    }
  /** Octets of the connection that are not in the capture. */
  | { readonly kind: 'gap'; readonly place: Place; readonly octets: number }
  /** Octets that are in no message: the session's receiver would have ended it, or the capture begins in its middle. */
  | { readonly kind: 'skipped'; readonly place: Place; readonly octets: number };

/** The record of a message. @param cutIsFault whether a message that is cut off counts as malformed. */
export function messageRecord(
  number: number,
  place: Place,
  message: DissectedMessage,
  cutIsFault: boolean,
): DecodeRecord & { readonly kind: 'message' } {
  const { bytes, field } = message;
  const stated = bytes.length < 18 ? 19 : readUint16(bytes, 16);
  const worst = worstError(field);
  const broken = worst?.notification !== undefined;
  const missing = broken ? 0 : Math.max(0, stated - bytes.length);
  const malformed = isMalformed(worst) || (cutIsFault && missing > 0);
  return { kind: 'message', number, place, message, missing, worst, malformed };
}

/** A record as one line of JSON holds it; docs/bgp-decode.md describes it. */
export function jsonRecord(record: DecodeRecord): object {
  const { kind, place } = record;
  const where = {
    ...(place.frame === undefined ? {} : { frame: place.frame }),
    ...(place.nanos === undefined ? {} : { time: isoNanos(place.nanos) }),
    ...(place.connection === undefined ? {} : { connection: place.connection }),
    ...(place.source === undefined ? {} : { source: place.source }),
    ...(place.destination === undefined ? {} : { destination: place.destination }),
  };
  if (record.kind !== 'message') return { kind, ...where, octets: record.octets };
  const { message, number, missing, worst, malformed } = record;
  const { bytes, field, context, guessed } = message;
  return {
    kind,
    number,
    ...where,
    type: field.name,
    length: bytes.length,
    ...(missing === 0 ? {} : { missing }),
    malformed,
    outcome: worst?.outcome ?? null,
    notification: jsonNotification(worst?.notification) ?? null,
    // Nothing else depends on it.
    ...(bytes[18] === UPDATE ? { context: { ...jsonContext(context), guessed } } : {}),
    bytes: toHex(bytes),
    fields: (field.children ?? []).map(jsonField),
    ...(field.error === undefined ? {} : { error: jsonError(field.error) }),
  };
}

function jsonContext({
  fourOctetAs,
  extendedMessage,
  peerType,
  addPath,
  extendedNextHop,
}: CodecContext): object {
  return {
    fourOctetAs,
    extendedMessage,
    peerType,
    addPath: addPath ?? [],
    extendedNextHop: extendedNextHop ?? [],
  };
}

function jsonField({ name, offset, length, value, text, children, error }: Field): object {
  return {
    name,
    offset,
    length,
    ...(value === undefined ? {} : { value }),
    ...(text === undefined ? {} : { text }),
    ...(error === undefined ? {} : { error: jsonError(error) }),
    ...(children === undefined ? {} : { children: children.map(jsonField) }),
  };
}

function jsonError({ outcome, reason, rfc, notification }: FieldError): object {
  const answer = jsonNotification(notification);
  return { outcome, reason, rfc, ...(answer === undefined ? {} : { notification: answer }) };
}

function jsonNotification(notification: FieldError['notification']): object | undefined {
  if (notification === undefined) return undefined;
  const { code, subcode, data } = notification;
  return { code, subcode, data: toHex(data) };
}

/** `2026-01-31T12:00:00.123456789Z` */
export function isoNanos(nanos: bigint): string {
  const date = new Date(Number(nanos / 1_000_000n));
  if (Number.isNaN(date.getTime())) return String(nanos);
  const fraction = String(nanos % 1_000_000_000n).padStart(9, '0');
  return `${date.toISOString().slice(0, -5)}.${fraction}Z`;
}
