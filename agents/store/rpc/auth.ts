import { auth } from '../../../protocol/etcd/api/auth.ts';
import type { AuthPermission } from '../../../protocol/etcd/auth/types.ts';
import { answers, type Route, type Served, unimplemented } from './route.ts';

/** What a request without a permission grants: an empty key, which is refused. */
const NO_PERMISSION: AuthPermission = { type: 'READ', key: new Uint8Array(0) };

/** Service Auth (etcd `server/etcdserver/api/v3rpc/auth.go`). */
export const AUTH_ROUTES: readonly Route[] = [
  answers(
    auth.enable,
    by((users) => users.enable()),
  ),
  answers(
    auth.disable,
    by((users) => users.disable()),
  ),
  answers(
    auth.status,
    by((users) => users.status()),
  ),
  answers(
    auth.authenticate,
    by((users, { name, password }) => users.authenticate(name, password)),
  ),
  answers(
    auth.userAdd,
    by(async (users, { name, password, options, hashedPassword }) => {
      if (hashedPassword !== '') throw unimplemented('a password that the client has hashed');
      return users.userAdd(name, password, { noPassword: options?.noPassword === true });
    }),
  ),
  answers(
    auth.userGet,
    by((users, { name }) => users.userGet(name)),
  ),
  answers(
    auth.userList,
    by((users) => users.userList()),
  ),
  answers(
    auth.userDelete,
    by((users, { name }) => users.userDelete(name)),
  ),
  answers(
    auth.userChangePassword,
    by((users, { name, password }) => users.userChangePassword(name, password)),
  ),
  answers(
    auth.userGrantRole,
    by((users, { user, role }) => users.userGrantRole(user, role)),
  ),
  answers(
    auth.userRevokeRole,
    by((users, { name, role }) => users.userRevokeRole(name, role)),
  ),
  answers(
    auth.roleAdd,
    by((users, { name }) => users.roleAdd(name)),
  ),
  answers(
    auth.roleGet,
    by((users, { role }) => users.roleGet(role)),
  ),
  answers(
    auth.roleList,
    by((users) => users.roleList()),
  ),
  answers(
    auth.roleDelete,
    by((users, { role }) => users.roleDelete(role)),
  ),
  answers(
    auth.roleGrantPermission,
    by((users, { name, permission = NO_PERMISSION }) => users.roleGrantPermission(name, permission)),
  ),
  answers(
    auth.roleRevokePermission,
    by((users, { role, key, rangeEnd }) => users.roleRevokePermission(role, key, rangeEnd)),
  ),
];

function by<Request, Response>(
  answer: (users: Served['client']['auth'], request: Request) => Promise<Response>,
): (served: Served, request: Request) => Promise<Response> {
  return ({ client }, request) => answer(client.auth, request);
}
