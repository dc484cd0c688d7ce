/** Message padding shared by SHA-1 and SHA-256 (FIPS 180-4 §5.1.1, §5.2.1). */

const encoder = new TextEncoder();

/** Bytes of the message: text is taken as UTF-8. */
export function messageBytes(message: string | Uint8Array): Uint8Array {
  return typeof message === 'string' ? encoder.encode(message) : message;
}

/**
 * The padded message as big-endian 32-bit words, a multiple of 16: the message, one bit 1, zeros, and the length in
 * bits as 64 bits.
 */
export function paddedWords(message: Uint8Array): Uint32Array {
  const blocks = Math.ceil((message.length + 9) / 64);
  const padded = new Uint8Array(blocks * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x20000000));
  view.setUint32(padded.length - 4, (message.length << 3) >>> 0);
  const words = new Uint32Array(blocks * 16);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(4 * i);
  return words;
}

/** Bytes of big-endian 32-bit words. */
export function wordBytes(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setUint32(4 * i, word);
  });
  return bytes;
}
