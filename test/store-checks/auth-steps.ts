import type { AuthPermission } from '../../protocol/etcd/auth/types.ts';
import { keyBytes } from '../../protocol/etcd/keys.ts';
import type { Dice } from './random.ts';
import type { StoreLike } from './store-like.ts';

/** A store as one of its users sees it; the token is the store's own. */
export interface Users {
  /** The store's process, or root: whoever may change users. */
  readonly root: () => StoreLike;
  readonly as: (token: string | undefined) => StoreLike;
  /** Tokens by user, as this store gave them. */
  readonly tokens: Map<string, string>;
}

/** A request about users, or by one of them. */
export interface AuthStep {
  readonly name: string;
  readonly run: (users: Users) => Promise<unknown>;
}

const USERS = ['ann', 'bob', 'root'] as const;
const ROLES = ['r1', 'r2', 'root'] as const;
const KEYS = ['a', 'b', 'c', 'd'].map(keyBytes);
const FROM_HERE = Uint8Array.of(0);
const PASSWORDS = ['x', 'y'] as const;

/** Random changes of users, roles and permissions, and requests by users that may or may not be permitted. */
export class AuthStepMaker {
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  #interval(): { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array } {
    const key = this.#dice.pick(...KEYS);
    const kind = this.#dice.below(4);
    if (kind < 2) return { key };
    return { key, rangeEnd: kind === 2 ? this.#dice.pick(...KEYS) : FROM_HERE };
  }

  next(): AuthStep {
    const dice = this.#dice;
    const user = dice.pick(...USERS);
    const role = dice.pick(...ROLES);
    const kind = dice.below(100);
    if (kind < 30) return this.#change(user, role);
    if (kind < 36) {
      const password = dice.pick(...PASSWORDS);
      return {
        name: `authenticate ${user} ${password}`,
        run: async (users) => {
          const { token } = await users.as(undefined).auth.authenticate(user, password);
          users.tokens.set(user, token);
        },
      };
    }
    if (kind < 38) return { name: 'enable', run: ({ root }) => root().auth.enable() };
    if (kind < 39) return { name: 'disable', run: ({ root }) => root().auth.disable() };
    return this.#request(dice.once(12) ? undefined : user);
  }

  #change(user: string, role: string): AuthStep {
    const dice = this.#dice;
    const permission: AuthPermission = {
      type: dice.pick('READ', 'WRITE', 'READWRITE'),
      ...this.#interval(),
    };
    const password = dice.pick(...PASSWORDS);
    const step = (name: string, run: (root: StoreLike['auth']) => Promise<unknown>): AuthStep => {
      return { name, run: ({ root }) => run(root().auth) };
    };
    const kind = dice.below(14);
    if (kind < 2) {
      const noPassword = dice.once(6);
      return step(`add ${user} ${password} ${noPassword}`, (auth) => {
        return auth.userAdd(user, password, { noPassword });
      });
    }
    if (kind === 2) return step(`delete user ${user}`, (auth) => auth.userDelete(user));
    if (kind === 3) return step(`password of ${user}`, (auth) => auth.userChangePassword(user, password));
    if (kind < 6) return step(`grant ${role} to ${user}`, (auth) => auth.userGrantRole(user, role));
    if (kind === 6) return step(`revoke ${role} of ${user}`, (auth) => auth.userRevokeRole(user, role));
    if (kind < 9) return step(`add role ${role}`, (auth) => auth.roleAdd(role));
    if (kind === 9) return step(`delete role ${role}`, (auth) => auth.roleDelete(role));
    if (kind === 10) {
      const { key, rangeEnd } = permission;
      return step(`revoke permission of ${role}`, (auth) => auth.roleRevokePermission(role, key, rangeEnd));
    }
    return step(`permit ${role}`, (auth) => auth.roleGrantPermission(role, permission));
  }

  /** What a user asks for; undefined: nobody. */
  #request(user: string | undefined): AuthStep {
    const dice = this.#dice;
    const { key, rangeEnd } = this.#interval();
    const interval = rangeEnd === undefined ? { key } : { key, rangeEnd };
    const prevKv = dice.once(2);
    const lease = dice.pick(0n, 0n, 5n);
    const role = dice.pick(...ROLES);
    const put = { key, value: keyBytes('v'), prevKv, lease };
    const step = (name: string, run: (store: StoreLike) => Promise<unknown>): AuthStep => ({
      name: `${user ?? 'nobody'} ${name}`,
      run: ({ as, tokens }) => run(as(user === undefined ? undefined : (tokens.get(user) ?? 'none.1'))),
    });
    const serializable = dice.once(2);
    const asked = dice.pick(...USERS);
    const kind = dice.below(12);
    if (kind < 3) return step('range', (store) => store.range({ ...interval, serializable }));
    if (kind < 5) return step('put', (store) => store.put(put));
    if (kind === 5) return step('delete', (store) => store.deleteRange({ ...interval, prevKv }));
    if (kind === 6) return step('grant', (store) => store.leaseGrant(1000n, 5n));
    if (kind === 7) return step('revoke', (store) => store.leaseRevoke(5n));
    if (kind === 8) return step('get user', (store) => store.auth.userGet(asked));
    if (kind === 9) return step('get role', (store) => store.auth.roleGet(role));
    if (kind === 10)
      return step('lists', (store) => (prevKv ? store.auth.userList() : store.auth.roleList()));
    // etcd 3.4 forgets to check what a put within a transaction reads or attaches (CVE-2026-33343); podwire does not.
    const write = { ...put, prevKv: false, lease: 0n };
    const other = this.#interval();
    return step('txn', (store) =>
      store.txn({
        compare: [{ ...interval, result: 'EQUAL', target: { kind: 'VERSION', operand: 0n } }],
        success: [{ kind: 'range', request: other }],
        failure: [
          { kind: 'txn', request: { compare: [], success: [{ kind: 'put', request: write }], failure: [] } },
        ],
      }),
    );
  }
}
