/**
 * The same octets, not as a Buffer: a Buffer's slice() does not copy, so that who changes a copy would change what was
 * received. What comes from Node goes through this before it is handed on.
 */
export function plainBytes({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
