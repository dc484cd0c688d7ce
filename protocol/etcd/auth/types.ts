/** etcd's users and roles (etcd `api/authpb/auth.proto`). */

/** What a role may do with the keys of an interval. */
export interface AuthPermission {
  /** A number: a type that etcd does not know; it is kept and permits nothing. */
  readonly type: 'READ' | 'WRITE' | 'READWRITE' | number;
  readonly key: Uint8Array;
  /** Absent or empty: one key. `[0]`: every key from `key` on. */
  readonly rangeEnd?: Uint8Array;
}

export interface AuthRole {
  readonly name: string;
  /** In order of key, then of end. */
  readonly permissions: readonly AuthPermission[];
}

export interface AuthUser {
  readonly name: string;
  /** What the store's password port made of the password; empty: none was ever set. */
  readonly passwordHash: string;
  /** True: no password is accepted, only a certificate with the user's name. */
  readonly noPassword: boolean;
  /** Sorted. */
  readonly roles: readonly string[];
}

/** The user and the role that may everything. */
export const ROOT = 'root';
