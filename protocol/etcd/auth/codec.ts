import type { Reader, Writer } from '../binary.ts';
import type { AuthChange } from './state.ts';
import type { AuthPermission, AuthRole, AuthUser } from './types.ts';

/**
 * A change of users and roles in the log, and all of them in a snapshot:
 *
 *   enabled u8, revision, users (count, then name, password hash, no password u8, roles), deleted users, roles (count, then name,
 *   permissions: type u8, key, end; behind a type of 3 comes the number that it stands for), deleted roles
 *
 * Integers are varints; texts and bytes have their length in front.
 */
const TYPES = ['READ', 'WRITE', 'READWRITE'] as const;
/** Stands for any other number. */
const OTHER = TYPES.length;

/** Appends the change. */
export function writeAuthChange(writer: Writer, change: AuthChange): void {
  writer.byte(change.enabled ? 1 : 0);
  writer.varint(change.revision);
  writer.list(change.users, (user) => {
    writer.text(user.name);
    writer.text(user.passwordHash);
    writer.byte(user.noPassword ? 1 : 0);
    writer.list(user.roles, (role) => writer.text(role));
  });
  writer.list(change.deletedUsers, (name) => writer.text(name));
  writer.list(change.roles, (role) => {
    writer.text(role.name);
    writer.list(role.permissions, ({ type, key, rangeEnd = NO_BYTES }) => {
      if (typeof type === 'number') {
        writer.byte(OTHER);
        writer.varint(BigInt(type));
      } else writer.byte(TYPES.indexOf(type));
      writer.block(key);
      writer.block(rangeEnd);
    });
  });
  writer.list(change.deletedRoles, (name) => writer.text(name));
}

const NO_BYTES = new Uint8Array(0);

/** Reads what {@link writeAuthChange} wrote. @throws DecodeError. */
export function readAuthChange(reader: Reader): AuthChange {
  const texts = (): string[] => reader.list(() => reader.text());
  const user = (): AuthUser => ({
    name: reader.text(),
    passwordHash: reader.text(),
    noPassword: reader.byte() === 1,
    roles: texts(),
  });
  const type = (): AuthPermission['type'] => {
    const value = reader.byte();
    if (value === OTHER) return Number(reader.varint());
    return TYPES[value] ?? reader.fail('a permission type of 0 to 3');
  };
  const permission = (): AuthPermission => ({
    type: type(),
    key: reader.block(),
    rangeEnd: reader.block(),
  });
  const role = (): AuthRole => ({ name: reader.text(), permissions: reader.list(permission) });
  return {
    enabled: reader.byte() === 1,
    revision: reader.varint(),
    users: reader.list(user),
    deletedUsers: texts(),
    roles: reader.list(role),
    deletedRoles: texts(),
  };
}
