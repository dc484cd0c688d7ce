import { etcdError } from '../errors.ts';
import { compareBytes } from '../keys.ts';
import type { AuthChange, AuthState } from './state.ts';
import type { AuthPermission, AuthRole, AuthUser } from './types.ts';
import { ROOT } from './types.ts';

/**
 * The requests of the Auth service, evaluated on a state (etcd `server/auth/store.go`): each gives the change to log, or undefined
 * where there is nothing to change. They throw etcd's errors; whether the caller may is checked elsewhere.
 */

/** A change of the state by one revision. */
function change(state: AuthState, parts: Partial<AuthChange>): AuthChange {
  const none = { users: [], deletedUsers: [], roles: [], deletedRoles: [] };
  return { enabled: state.enabled, revision: state.revision + 1n, ...none, ...parts };
}

function userOf(state: AuthState, name: string): AuthUser {
  const user = state.users.get(name);
  if (user === undefined) throw etcdError('userNotFound');
  return user;
}

function roleOf(state: AuthState, name: string): AuthRole {
  const role = state.roles.get(name);
  if (role === undefined) throw etcdError('roleNotFound');
  return role;
}

/** @throws EtcdError 9: there is no user root, or it has no role root. */
export function enableAuth(state: AuthState): AuthChange | undefined {
  if (state.enabled) return undefined;
  const root = state.users.get(ROOT);
  if (root === undefined) throw etcdError('rootUserNotExist');
  if (!root.roles.includes(ROOT)) throw etcdError('rootRoleNotExist');
  return change(state, { enabled: true, revision: state.revision });
}

export function disableAuth(state: AuthState): AuthChange | undefined {
  return state.enabled ? change(state, { enabled: false }) : undefined;
}

/** @throws EtcdError 3 (empty name), 9 (exists already). */
export function addUser(state: AuthState, user: Omit<AuthUser, 'roles'>): AuthChange {
  if (user.name === '') throw etcdError('userEmpty');
  if (state.users.has(user.name)) throw etcdError('userExists');
  return change(state, { users: [{ ...user, roles: [] }] });
}

/** @throws EtcdError 3 (root while enabled), 9 (not found). */
export function deleteUser(state: AuthState, name: string): AuthChange {
  if (state.enabled && name === ROOT) throw etcdError('invalidAuthManagement');
  userOf(state, name);
  return change(state, { deletedUsers: [name] });
}

/** A user that takes no password keeps none. @throws EtcdError 9 (not found). */
export function changePassword(state: AuthState, name: string, passwordHash: string): AuthChange {
  const user = userOf(state, name);
  return change(state, { users: [user.noPassword ? user : { ...user, passwordHash }] });
}

/** @throws EtcdError 9 (user or role not found). */
export function grantRole(state: AuthState, name: string, role: string): AuthChange | undefined {
  const user = userOf(state, name);
  // The role root is always there.
  if (role !== ROOT) roleOf(state, role);
  if (user.roles.includes(role)) return undefined;
  return change(state, { users: [{ ...user, roles: [...user.roles, role].sort() }] });
}

/** @throws EtcdError 3 (root's role root while enabled), 9 (user not found, role not granted). */
export function revokeRole(state: AuthState, name: string, role: string): AuthChange {
  if (state.enabled && name === ROOT && role === ROOT) throw etcdError('invalidAuthManagement');
  const user = userOf(state, name);
  if (!user.roles.includes(role)) throw etcdError('roleNotGranted');
  return change(state, { users: [{ ...user, roles: user.roles.filter((each) => each !== role) }] });
}

/** @throws EtcdError 3 (empty name), 9 (exists already). */
export function addRole(state: AuthState, name: string): AuthChange {
  if (name === '') throw etcdError('roleEmpty');
  if (state.roles.has(name)) throw etcdError('roleExists');
  return change(state, { roles: [{ name, permissions: [] }] });
}

/** Deletes a role and takes it from all users. @throws EtcdError 3 (root while enabled), 9 (not found). */
export function deleteRole(state: AuthState, name: string): AuthChange {
  if (state.enabled && name === ROOT) throw etcdError('invalidAuthManagement');
  roleOf(state, name);
  const users = [...state.users.values()]
    .filter(({ roles }) => roles.includes(name))
    .map((user) => ({ ...user, roles: user.roles.filter((each) => each !== name) }));
  return change(state, { users, deletedRoles: [name] });
}

function sameInterval(a: AuthPermission, key: Uint8Array, rangeEnd: Uint8Array): boolean {
  return compareBytes(a.key, key) === 0 && compareBytes(a.rangeEnd ?? NO_BYTES, rangeEnd) === 0;
}

const NO_BYTES = new Uint8Array(0);

/** Gives a role a permission, in place of the one for the same interval. @throws EtcdError 9 (not found). */
export function grantPermission(state: AuthState, name: string, wanted: AuthPermission): AuthChange {
  const role = roleOf(state, name);
  const rangeEnd = wanted.rangeEnd ?? NO_BYTES;
  const permission = {
    type: wanted.type,
    key: new Uint8Array(wanted.key),
    rangeEnd: new Uint8Array(rangeEnd),
  };
  // etcd looks at the first permission of this key only, and so may come to have several for one interval.
  const known = role.permissions.findIndex((each) => compareBytes(each.key, wanted.key) >= 0);
  const first = role.permissions[known];
  const permissions =
    first !== undefined && sameInterval(first, wanted.key, rangeEnd)
      ? role.permissions.with(known, permission)
      : [...role.permissions, permission].sort((a, b) => compareBytes(a.key, b.key));
  return change(state, { roles: [{ name, permissions }] });
}

/** @throws EtcdError 9 (role not found, permission not granted). */
export function revokePermission(
  state: AuthState,
  name: string,
  key: Uint8Array,
  rangeEnd: Uint8Array = NO_BYTES,
): AuthChange {
  const role = roleOf(state, name);
  const permissions = role.permissions.filter((each) => !sameInterval(each, key, rangeEnd));
  if (permissions.length === role.permissions.length) throw etcdError('permissionNotGranted');
  return change(state, { roles: [{ name, permissions }] });
}

/** A user's roles, sorted. @throws EtcdError 9 (not found). */
export function getUser(state: AuthState, name: string): readonly string[] {
  return userOf(state, name).roles;
}

/** A role's permissions. @throws EtcdError 9 (not found). */
export function getRole(state: AuthState, name: string): readonly AuthPermission[] {
  return roleOf(state, name).permissions;
}
