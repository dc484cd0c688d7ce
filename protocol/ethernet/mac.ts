import { readUint16, readUint32, writeUint16, writeUint32 } from '../bytes/uint.ts';

/**
 * MAC addresses as 48-bit unsigned integers held in a number (exact below 2^53): the form of tables. Text at the
 * edges only.
 */

/** ff:ff:ff:ff:ff:ff. */
export const BROADCAST_MAC = 0xffffffffffff;

/** `"66:f9:37:c3:7e:94"` → integer. Six pairs of hex digits, colon-separated. @throws RangeError on anything else. */
export function parseMac(text: string): number {
  const value = tryParseMac(text);
  if (value === undefined) {
    throw new RangeError(`not a MAC address (expected six hex pairs with colons): ${JSON.stringify(text)}`);
  }
  return value;
}

/** As {@link parseMac}, but `undefined` where the text is no MAC address. */
export function tryParseMac(text: string): number | undefined {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)) return undefined;
  return Number.parseInt(text.replaceAll(':', ''), 16);
}

/** Integer → `"66:f9:37:c3:7e:94"`, lower case. */
export function formatMac(mac: number): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?=.)/g, '$&:');
}

/** The six bytes at `at` as an integer. */
export function readMac(bytes: Uint8Array, at: number): number {
  return readUint16(bytes, at) * 0x100000000 + readUint32(bytes, at + 2);
}

/** Writes six bytes. */
export function writeMac(bytes: Uint8Array, at: number, mac: number): void {
  writeUint16(bytes, at, mac / 0x100000000);
  writeUint32(bytes, at + 2, mac % 0x100000000);
}

/** Group address (multicast or broadcast): lowest bit of the first octet (IEEE 802 §8.2). */
export function isGroupMac(mac: number): boolean {
  return (mac / 0x10000000000) % 2 >= 1;
}
