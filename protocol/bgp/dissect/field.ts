/**
 * One piece of a message as a person inspects it: where it stands, what it means, and what is wrong with it. A whole
 * message is a tree of these (`podwire bgp decode`); children stand inside their parent, in the order of the bytes.
 */

import { toHex } from '../../bytes/hex.ts';
import type { NotificationBody } from '../error.ts';

/** A value that JSON holds as it is. */
export type FieldValue = string | number | boolean | readonly (string | number)[];

/**
 * What a receiver does about a fault: end the session (RFC 4271 §6), withdraw the routes or drop the attribute
 * (RFC 7606 §2), or drop just the piece and go on. `none`: worth telling, with no consequence.
 */
export type FieldOutcome = 'session-reset' | 'treat-as-withdraw' | 'attribute-discard' | 'ignored' | 'none';

export interface FieldError {
  readonly outcome: FieldOutcome;
  /** What the session would be ended with. */
  readonly notification?: NotificationBody;
  /** One line: what was found and what was expected. */
  readonly reason: string;
  /** The clause that says so, such as `RFC 7606 §7.1`. */
  readonly rfc: string;
}

export interface Field {
  /** As the RFC names it. */
  readonly name: string;
  /** Octets from the start of the message (its marker). */
  readonly offset: number;
  readonly length: number;
  readonly value?: FieldValue;
  /** How a person reads the value. */
  readonly text?: string;
  readonly children?: readonly Field[];
  readonly error?: FieldError;
}

/** A field with a value. @param text where a person reads it otherwise than JSON holds it. */
export function leaf(name: string, offset: number, length: number, value: FieldValue, text?: string): Field {
  return text === undefined ? { name, offset, length, value } : { name, offset, length, value, text };
}

/** A field made of others. */
export function group(
  name: string,
  offset: number,
  length: number,
  children: readonly Field[],
  text?: string,
): Field {
  return text === undefined ? { name, offset, length, children } : { name, offset, length, text, children };
}

/** Octets that are not looked into, as hex. */
export function opaque(name: string, bytes: Uint8Array, offset: number): Field {
  return leaf(name, offset, bytes.length, toHex(bytes));
}

/** What is left of `bytes` from `at` on as one opaque field; none where nothing is left. @param offset of `bytes`. */
export function rest(bytes: Uint8Array, at: number, offset: number): Field[] {
  return at >= bytes.length ? [] : [opaque('undecoded', bytes.subarray(at), offset + at)];
}
