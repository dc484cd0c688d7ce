// Octets with others around them that would change what a decoder says if it looked at them.
import { digest } from './digest.ts';

const MARGIN = 24;
/** What stands around the octets: nothing that makes sense, and what looks like more of the same. */
const FILLS = [0x00, 0xff, 0x01] as const;

/** What a decoder did with octets: a result, or an error. */
export type Outcome<T> =
  | { readonly value: T; readonly error?: never }
  | { readonly error: Error; readonly value?: never };

/**
 * Lets `decode` read the same octets twice, with different octets around them.
 * @returns what it did the second time.
 * @throws Error where the two differ, where the octets are different afterwards, or an error is none of `expected`.
 */
export function guarded<T>(
  bytes: Uint8Array,
  decode: (view: Uint8Array) => T,
  expected: readonly (new (...parts: never[]) => Error)[],
): Outcome<T> {
  const second = 1 + (bytes.length % 2);
  const one = attempt(bytes, FILLS[0], decode, expected);
  const other = attempt(bytes, FILLS[second]!, decode, expected);
  if (outcomeDigest(one) !== outcomeDigest(other)) {
    throw new Error(`reads past its end: ${outcomeText(one)} or ${outcomeText(other)}`);
  }
  return other;
}

function attempt<T>(
  bytes: Uint8Array,
  fill: number,
  decode: (view: Uint8Array) => T,
  expected: readonly (new (...parts: never[]) => Error)[],
): Outcome<T> {
  const whole = new Uint8Array(bytes.length + 2 * MARGIN).fill(fill);
  whole.set(bytes, MARGIN);
  const view = whole.subarray(MARGIN, MARGIN + bytes.length);
  let outcome: Outcome<T>;
  try {
    outcome = { value: decode(view) };
  } catch (error) {
    if (!expected.some((kind) => error instanceof kind)) throw error;
    outcome = { error: error as Error };
  }
  for (let i = 0; i < whole.length; i++) {
    const was = i < MARGIN || i >= MARGIN + bytes.length ? fill : bytes[i - MARGIN]!;
    if (whole[i] !== was) throw new Error(`octet ${i - MARGIN} was written to`);
  }
  return outcome;
}

function outcomeDigest(outcome: Outcome<unknown>): number {
  const { error } = outcome;
  return error === undefined ? digest(outcome.value) : digest({ ...error, message: error.message });
}

function outcomeText(outcome: Outcome<unknown>): string {
  const { error, value } = outcome;
  if (error !== undefined) return `${error.message}`;
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'bigint' ? member.toString() : member,
  ).slice(0, 2000);
}
