import type { AuthRole, AuthUser } from './types.ts';

/** Users, roles and whether they matter. Never changed: every change gives a new state, so that one can be evaluated ahead. */
export interface AuthState {
  readonly enabled: boolean;
  /** Grows with every change of users and roles, and when authentication is disabled. */
  readonly revision: bigint;
  readonly users: ReadonlyMap<string, AuthUser>;
  readonly roles: ReadonlyMap<string, AuthRole>;
}

/** A new store's: etcd counts from 1. */
export const NO_AUTH: AuthState = { enabled: false, revision: 1n, users: new Map(), roles: new Map() };

/** What a request of the Auth service comes to, as it is logged. */
export interface AuthChange {
  readonly enabled: boolean;
  readonly revision: bigint;
  /** New or changed ones, whole. */
  readonly users: readonly AuthUser[];
  readonly deletedUsers: readonly string[];
  readonly roles: readonly AuthRole[];
  readonly deletedRoles: readonly string[];
}

/** `state` after `change`. */
export function applyAuthChange(state: AuthState, change: AuthChange): AuthState {
  const users = new Map(state.users);
  const roles = new Map(state.roles);
  for (const user of change.users) users.set(user.name, user);
  for (const name of change.deletedUsers) users.delete(name);
  for (const role of change.roles) roles.set(role.name, role);
  for (const name of change.deletedRoles) roles.delete(name);
  return { enabled: change.enabled, revision: change.revision, users, roles };
}

/** The change that makes a new store's state `state`. */
export function wholeAuthChange({ enabled, revision, users, roles }: AuthState): AuthChange {
  return {
    enabled,
    revision,
    users: [...users.values()],
    deletedUsers: [],
    roles: [...roles.values()],
    deletedRoles: [],
  };
}

/** Users whose tokens are over with the change: deleted, or with another password. */
export function revokedUsers(state: AuthState, change: AuthChange): string[] {
  const changed = change.users.filter(({ name, passwordHash }) => {
    const before = state.users.get(name);
    return before !== undefined && before.passwordHash !== passwordHash;
  });
  return [...change.deletedUsers, ...changed.map(({ name }) => name)];
}
