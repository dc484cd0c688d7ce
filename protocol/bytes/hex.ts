/** Lower-case hex of `bytes`, without separators. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/**
 * Bytes of a hex string; spaces, newlines, colons and vertical bars between digits are ignored, so that dumps and
 * layouts from RFCs can be pasted as they stand.
 * @throws RangeError on an odd number of digits or any other character.
 */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/[\s:|]/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) throw new RangeError(`not hex: ${text}`);
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
