import { formatAddress, parseAddress } from '../../protocol/ip/prefix.ts';

/** Text of an address in its one canonical form, IPv4-mapped ones (of dual-stack sockets) as IPv4. */
export function plainAddress(address: string): string {
  const bytes = parseAddress(address);
  return bytes === undefined ? address : formatAddress(unmapped(bytes));
}

/** Octets of an address, IPv4-mapped ones (of dual-stack sockets) as IPv4. @throws RangeError where it is none. */
export function addressBytes(address: string): Uint8Array {
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new RangeError(`${JSON.stringify(address)} is no IP address`);
  return unmapped(bytes);
}

function unmapped(bytes: Uint8Array): Uint8Array {
  const mapped =
    bytes.length === 16 && bytes[10] === 0xff && bytes[11] === 0xff && !bytes.subarray(0, 10).some(Boolean);
  return mapped ? bytes.subarray(12) : bytes;
}
