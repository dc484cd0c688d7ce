import type { AuthPermission } from '../../protocol/etcd/auth/types.ts';
import { keyBytes } from '../../protocol/etcd/keys.ts';
import type { Dice } from './random.ts';
import type { StoreLike } from './store-like.ts';
import { line } from './text.ts';

/** A store as its users see it; the tokens are the store's own. */
export interface Users {
  /** With a token; without one as nobody. */
  readonly as: (token: string | undefined) => StoreLike;
  /** Tokens by user, as this store gave them. */
  readonly tokens: Map<string, string>;
}

/** The store as a user sees it that authenticates if it can; else as nobody does, which suffices until authentication is enabled. */
async function login(users: Users, name: string): Promise<StoreLike> {
  const known = users.tokens.get(name);
  if (known !== undefined) return users.as(known);
  const nobody = users.as(undefined);
  const token = await nobody.auth.authenticate(name, PASSWORDS[0]).then(
    (answer) => answer.token,
    () => undefined,
  );
  if (token === undefined) return nobody;
  users.tokens.set(name, token);
  return users.as(token);
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
/** One interval for each key: in what order etcd keeps several of one key depends on its sort, which is not stable. */
const PERMITTED = [
  { key: keyBytes('a') },
  { key: keyBytes('b'), rangeEnd: keyBytes('d') },
  { key: keyBytes('c'), rangeEnd: FROM_HERE },
  { key: keyBytes('d') },
] as const;
const PASSWORDS = ['x', 'y'] as const;

/** Random changes of users, roles and permissions, and requests by users that may or may not be permitted. */
export class AuthStepMaker {
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** Mostly the same, and root's always, so that not everybody is locked out. */
  #passwordOf(user: string): string {
    return user === 'root' || !this.#dice.once(6) ? PASSWORDS[0] : PASSWORDS[1];
  }

  #interval(): { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array } {
    const key = this.#dice.pick(...KEYS);
    const kind = this.#dice.below(4);
    if (kind < 2) return { key };
    // What etcd says of intervals that end before they begin depends on the shape of its tree: none of these.
    const behind = KEYS.filter((each) => each[0]! > key[0]!);
    return { key, rangeEnd: kind === 2 && behind.length > 0 ? this.#dice.pick(...behind) : FROM_HERE };
  }

  next(): AuthStep {
    const dice = this.#dice;
    const user = dice.pick(...USERS);
    const role = dice.pick(...ROLES);
    const kind = dice.below(100);
    if (kind < 30) return this.#change(user, role);
    if (kind < 48) {
      const password = this.#passwordOf(user);
      return {
        name: `authenticate ${user} ${password}`,
        run: async (users) => {
          const { token } = await users.as(undefined).auth.authenticate(user, password);
          users.tokens.set(user, token);
        },
      };
    }
    if (kind < 50)
      return { name: 'enable', run: async (users) => (await login(users, 'root')).auth.enable() };
    if (kind < 51)
      return { name: 'disable', run: async (users) => (await login(users, 'root')).auth.disable() };
    return this.#request(dice.once(12) ? undefined : user);
  }

  #change(user: string, role: string): AuthStep {
    const dice = this.#dice;
    const permission: AuthPermission = {
      type: dice.pick('READ', 'WRITE', 'READWRITE'),
      ...dice.pick(...PERMITTED),
    };
    const password = this.#passwordOf(user);
    const step = (name: string, run: (root: StoreLike['auth']) => Promise<unknown>): AuthStep => {
      return { name, run: async (users) => run((await login(users, 'root')).auth) };
    };
    const kind = dice.below(14);
    if (kind < 2) {
      const noPassword = user !== 'root' && dice.once(6);
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
      const { key, rangeEnd } = permission as { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array };
      return step(`revoke permission of ${role}`, (auth) => auth.roleRevokePermission(role, key, rangeEnd));
    }
    return step(`permit ${role} ${line(permission)}`, (auth) => auth.roleGrantPermission(role, permission));
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
      name: `${user ?? 'nobody'} ${name} ${line(interval)}`,
      run: async (users) => run(user === undefined ? users.as(undefined) : await login(users, user)),
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
