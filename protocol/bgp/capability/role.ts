/** BGP Role, code 9, RFC 9234 §4.1: 0: 1 role of the sender */
import type { CapabilityCodec } from './codec.ts';

export interface RoleCapability {
  readonly kind: 'role';
  /** As on the wire; {@link ROLE_NAMES} has the known ones. */
  readonly role: number;
}

/** By value, RFC 9234 §4.1. */
export const ROLE_NAMES = ['provider', 'rs-server', 'rs-client', 'customer', 'peer'] as const;

export const role: CapabilityCodec<RoleCapability> = {
  code: 9,
  kind: 'role',
  name: 'BGP Role',
  rfc: 'RFC 9234 §4.1',
  malformed: 'session-reset',
  decode: (value) => (value.length === 1 ? { kind: 'role', role: value[0]! } : undefined),
  encode: (capability, writer) => writer.uint8(capability.role),
  text: (capability) => roleText(capability.role),
  fields: (value, offset) => [
    { name: 'role', offset, length: 1, value: value[0]!, text: roleText(value[0]!) },
  ],
};

/** `"customer"`, or the number of a role that is not known. */
export function roleText(value: number): string {
  return ROLE_NAMES[value] ?? `role ${value}`;
}
