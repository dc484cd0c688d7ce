/**
 * Keys inside the store are strings with one character per byte (0-255): they hash and compare as fast as V8 can, and
 * `<` on them is the bytes order (memcmp) that etcd promises.
 */

const CHUNK = 4096;

/** `bytes` as a string of one character per byte. */
export function toKeyText(bytes: Uint8Array): string {
  if (bytes.length <= CHUNK) return String.fromCharCode.apply(null, bytes as unknown as number[]);
  let text = '';
  for (let i = 0; i < bytes.length; i += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + CHUNK) as unknown as number[]);
  }
  return text;
}

/** The bytes of a {@link toKeyText} string. */
export function fromKeyText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  copyKeyText(text, bytes);
  return bytes;
}

/** Writes the bytes of a {@link toKeyText} string to the beginning of `target`. */
export function copyKeyText(text: string, target: Uint8Array): void {
  for (let i = 0; i < text.length; i++) target[i] = text.charCodeAt(i);
}

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder();

/** UTF-8 bytes of a key or value. */
export function keyBytes(text: string): Uint8Array {
  return utf8.encode(text);
}

/** Text of UTF-8 bytes (invalid sequences become U+FFFD). */
export function keyText(bytes: Uint8Array): string {
  return utf8Decoder.decode(bytes);
}

/**
 * `rangeEnd` for "every key that starts with `prefix`": the last byte that is not 0xff plus one, cut there; `[0]`
 * (no end) for an empty prefix or one of 0xff bytes only. (etcd `client/v3/op.go`, WithPrefix.)
 */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const byte = prefix[i]!;
    if (byte < 0xff) {
      const end = prefix.slice(0, i + 1);
      end[i] = byte + 1;
      return end;
    }
  }
  return new Uint8Array([0]);
}

/** Keys `from <= key < to`; `to` undefined: no upper bound. */
export interface Interval {
  readonly from: string;
  readonly to: string | undefined;
}

/**
 * The interval that `key` and `rangeEnd` of a request mean: no `rangeEnd` is one key, `[0]` no upper bound, and a
 * `rangeEnd` not above `key` is an empty interval, which is no error.
 */
export function interval(key: Uint8Array, rangeEnd?: Uint8Array): Interval {
  const from = toKeyText(key);
  if (rangeEnd === undefined || rangeEnd.length === 0) return { from, to: `${from}\0` };
  const to = toKeyText(rangeEnd);
  if (to !== '\0') return { from, to };
  // No key is empty, so everything from NUL on is everything.
  return { from: from === '\0' ? '' : from, to: undefined };
}

/** Whether the interval is exactly one key. */
export function isSingle(range: Interval): boolean {
  return (
    range.to !== undefined && range.to.length === range.from.length + 1 && range.to === `${range.from}\0`
  );
}

export function isEmpty(range: Interval): boolean {
  return range.to !== undefined && range.to <= range.from;
}

export function contains(range: Interval, key: string): boolean {
  return key >= range.from && (range.to === undefined || key < range.to);
}

/** memcmp order: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
