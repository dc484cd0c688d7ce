/** `struct ifreq` (linux/if.h): an interface name of 16 bytes, then a union of 24. */
export const IFREQ_SIZE = 40;
/** Where the union begins. */
export const IFREQ_DATA = 16;

/** Longest interface name: IFNAMSIZ is 16 with the closing zero. */
const NAME_MAX = 15;

/** Bytes of an interface name, zero-padded to 16. @throws RangeError above 15 bytes, or empty. */
export function encodeInterfaceName(name: string): Uint8Array {
  const text = new TextEncoder().encode(name);
  if (text.length === 0 || text.length > NAME_MAX) {
    throw new RangeError(`interface name ${JSON.stringify(name)} must have 1 to ${NAME_MAX} bytes`);
  }
  const bytes = new Uint8Array(NAME_MAX + 1);
  bytes.set(text);
  return bytes;
}

/** A request for the named interface, with its union zero. */
export function interfaceRequest(name: string): { readonly bytes: Uint8Array; readonly view: DataView } {
  const bytes = new Uint8Array(IFREQ_SIZE);
  bytes.set(encodeInterfaceName(name));
  return { bytes, view: new DataView(bytes.buffer) };
}

/** The interface name that the kernel left in a request. */
export function decodeInterfaceName(bytes: Uint8Array): string {
  const end = bytes.subarray(0, NAME_MAX + 1).indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end));
}
