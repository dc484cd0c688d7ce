import {
  addRole,
  addUser,
  changePassword,
  deleteRole,
  deleteUser,
  disableAuth,
  enableAuth,
  getRole,
  getUser,
  grantPermission,
  grantRole,
  revokePermission,
  revokeRole,
} from '../../protocol/etcd/auth/requests.ts';
import type { AuthChange, AuthState } from '../../protocol/etcd/auth/state.ts';
import { tokenPrefix } from '../../protocol/etcd/auth/tokens.ts';
import { etcdError } from '../../protocol/etcd/errors.ts';
import type { Session } from './local-client.ts';
import type { AuthClient, HeaderOnly } from './store.ts';

/** The Auth service's part of a client. */
export function authClient(session: Session): AuthClient {
  const { engine } = session;
  const change = async (evaluate: (state: AuthState) => AuthChange | undefined): Promise<HeaderOnly> => ({
    header: await session.request((draft, caller) => draft.changeAuth(evaluate, caller)),
  });
  /** A password's hash; not made for who may not use it. */
  const hash = async (password: string): Promise<string> => {
    await session.request((draft, caller) => {
      draft.guard(caller)?.root();
      return { response: undefined };
    });
    return engine.passwords.hash(password);
  };
  const read = <T>(
    permitted: 'root' | { readonly user: string } | { readonly role: string },
    get: (state: AuthState) => T,
  ): Promise<T & HeaderOnly> =>
    session.request((draft, caller) => {
      const guard = draft.guard(caller);
      if (permitted === 'root') guard?.root();
      else if ('user' in permitted) guard?.user(permitted.user);
      else guard?.role(permitted.role);
      return { response: { header: draft.header(), ...get(draft.auth) } };
    });
  return {
    // Asked by whoever wants to know whether to authenticate.
    status: () =>
      engine.request((draft) => {
        const { enabled, revision } = draft.auth;
        return { response: { header: draft.header(), enabled, authRevision: revision } };
      }),
    enable: () => change(enableAuth),
    disable: () => change(disableAuth),
    authenticate: (name, password) => authenticate(session, name, password),
    userAdd: async (name, password, options = {}) => {
      const noPassword = options.noPassword === true;
      const passwordHash = noPassword ? '' : await hash(password);
      return change((state) => addUser(state, { name, passwordHash, noPassword }));
    },
    userDelete: (name) => change((state) => deleteUser(state, name)),
    userChangePassword: async (name, password) => {
      const passwordHash = await hash(password);
      return change((state) => changePassword(state, name, passwordHash));
    },
    userGet: (name) => read({ user: name }, (state) => ({ roles: getUser(state, name) })),
    userList: () => read('root', ({ users }) => ({ users: [...users.keys()].sort() })),
    userGrantRole: (name, role) => change((state) => grantRole(state, name, role)),
    userRevokeRole: (name, role) => change((state) => revokeRole(state, name, role)),
    roleAdd: (name) => change((state) => addRole(state, name)),
    roleDelete: (name) => change((state) => deleteRole(state, name)),
    roleGet: (name) => read({ role: name }, (state) => ({ permissions: getRole(state, name) })),
    roleList: () => read('root', ({ roles }) => ({ roles: [...roles.keys()].sort() })),
    roleGrantPermission: (name, permission) => change((state) => grantPermission(state, name, permission)),
    roleRevokePermission: (name, key, rangeEnd) =>
      change((state) => revokePermission(state, name, key, rangeEnd)),
  };
}

/**
 * A token for who knows the password. Users and roles may change while the password is looked at: then it is looked at again.
 * @throws EtcdError 9 (not enabled), 3 (wrong user or password), 2 (the user takes no password).
 */
async function authenticate(
  { engine }: Session,
  name: string,
  password: string,
): Promise<HeaderOnly & { readonly token: string }> {
  for (;;) {
    const auth = await engine.request((draft) => ({ response: draft.auth }));
    if (!auth.enabled) throw etcdError('authNotEnabled');
    const user = auth.users.get(name);
    if (user === undefined) throw etcdError('authFailed');
    if (user.noPassword) throw etcdError('noPasswordUser');
    if (!(await engine.passwords.verify(password, user.passwordHash))) throw etcdError('authFailed');
    const prefix = tokenPrefix((below) => Math.floor(engine.random.float() * below));
    const assigned = await engine.request((draft) => draft.assignToken(name, prefix, auth.revision));
    if (assigned !== undefined) return assigned;
  }
}
