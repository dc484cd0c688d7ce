import {
  bool,
  bytes,
  type Field,
  message,
  named,
  openEnumeration,
  repeated,
  string,
  uint64,
} from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import type { AuthPermission } from '../auth/types.ts';
import { type Empty, empty, type HeaderOnly, header, headerOnly } from './header.ts';
import { type Method, unary } from './method.ts';

/** Service Auth and its messages (etcd `api/etcdserverpb/rpc.proto`, `api/authpb/auth.proto`). */

const permission: MessageType<AuthPermission> = defineMessage<AuthPermission>('authpb.Permission', {
  type: named('permType', openEnumeration(1, 'authpb.Permission_Type', ['READ', 'WRITE', 'READWRITE'])),
  key: bytes(2),
  rangeEnd: bytes(3),
});

export interface AuthStatusResponse extends HeaderOnly {
  readonly enabled: boolean;
  readonly authRevision: bigint;
}

const statusResponse: MessageType<AuthStatusResponse> = defineMessage<AuthStatusResponse>(
  'etcdserverpb.AuthStatusResponse',
  { header: header(), enabled: bool(2), authRevision: named('authRevision', uint64(3)) },
);

interface NameAndPassword {
  readonly name: string;
  readonly password: string;
}

function nameAndPassword(name: string): MessageType<NameAndPassword> {
  return defineMessage<NameAndPassword>(`etcdserverpb.${name}`, { name: string(1), password: string(2) });
}

export interface AuthenticateResponse extends HeaderOnly {
  readonly token: string;
}

const authenticateResponse: MessageType<AuthenticateResponse> = defineMessage<AuthenticateResponse>(
  'etcdserverpb.AuthenticateResponse',
  { header: header(), token: string(2) },
);

interface UserAddOptions {
  readonly noPassword: boolean;
}

const userAddOptions: MessageType<UserAddOptions> = defineMessage<UserAddOptions>('authpb.UserAddOptions', {
  noPassword: bool(1),
});

export interface AuthUserAddRequest extends NameAndPassword {
  readonly options?: UserAddOptions;
  /** A bcrypt hash that the client made, from etcd 3.6 on. */
  readonly hashedPassword: string;
}

const userAddRequest: MessageType<AuthUserAddRequest> = defineMessage<AuthUserAddRequest>(
  'etcdserverpb.AuthUserAddRequest',
  {
    name: string(1),
    password: string(2),
    options: message(3, () => userAddOptions) as Field<UserAddOptions>,
    hashedPassword: named('hashedPassword', string(4)),
  },
);

interface NameRequest {
  readonly name: string;
}

function nameRequest(name: string): MessageType<NameRequest> {
  return defineMessage<NameRequest>(`etcdserverpb.${name}`, { name: string(1) });
}

interface RoleRequest {
  readonly role: string;
}

function roleRequest(name: string): MessageType<RoleRequest> {
  return defineMessage<RoleRequest>(`etcdserverpb.${name}`, { role: string(1) });
}

export interface RolesResponse extends HeaderOnly {
  readonly roles: readonly string[];
}

function rolesResponse(name: string): MessageType<RolesResponse> {
  return defineMessage<RolesResponse>(`etcdserverpb.${name}`, {
    header: header(),
    roles: repeated(string(2)),
  });
}

export interface UsersResponse extends HeaderOnly {
  readonly users: readonly string[];
}

const usersResponse: MessageType<UsersResponse> = defineMessage<UsersResponse>(
  'etcdserverpb.AuthUserListResponse',
  {
    header: header(),
    users: repeated(string(2)),
  },
);

interface GrantRoleRequest {
  readonly user: string;
  readonly role: string;
}

interface RevokeRoleRequest {
  readonly name: string;
  readonly role: string;
}

export interface RoleGetResponse extends HeaderOnly {
  readonly permissions: readonly AuthPermission[];
}

const roleGetResponse: MessageType<RoleGetResponse> = defineMessage<RoleGetResponse>(
  'etcdserverpb.AuthRoleGetResponse',
  { header: header(), permissions: named('perm', repeated(message(2, () => permission))) },
);

export interface GrantPermissionRequest {
  readonly name: string;
  readonly permission?: AuthPermission;
}

interface RevokePermissionRequest {
  readonly role: string;
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

interface AuthMethods {
  readonly enable: Method<Empty, HeaderOnly>;
  readonly disable: Method<Empty, HeaderOnly>;
  readonly status: Method<Empty, AuthStatusResponse>;
  readonly authenticate: Method<NameAndPassword, AuthenticateResponse>;
  readonly userAdd: Method<AuthUserAddRequest, HeaderOnly>;
  readonly userGet: Method<NameRequest, RolesResponse>;
  readonly userList: Method<Empty, UsersResponse>;
  readonly userDelete: Method<NameRequest, HeaderOnly>;
  readonly userChangePassword: Method<NameAndPassword, HeaderOnly>;
  readonly userGrantRole: Method<GrantRoleRequest, HeaderOnly>;
  readonly userRevokeRole: Method<RevokeRoleRequest, HeaderOnly>;
  readonly roleAdd: Method<NameRequest, HeaderOnly>;
  readonly roleGet: Method<RoleRequest, RoleGetResponse>;
  readonly roleList: Method<Empty, RolesResponse>;
  readonly roleDelete: Method<RoleRequest, HeaderOnly>;
  readonly roleGrantPermission: Method<GrantPermissionRequest, HeaderOnly>;
  readonly roleRevokePermission: Method<RevokePermissionRequest, HeaderOnly>;
}

/** A method whose answer is a header: its messages and its gateway path follow from its name. */
function headerMethod<Request>(
  name: string,
  request: (name: string) => MessageType<Request>,
  http: string,
): Method<Request, HeaderOnly> {
  const base = name.startsWith('Auth') ? name : `Auth${name}`;
  return unary(
    `/etcdserverpb.Auth/${name}`,
    request(`${base}Request`),
    headerOnly(`${base}Response`),
    `/v3/auth/${http}`,
  );
}

function method<Request, Response>(
  name: string,
  request: MessageType<Request>,
  response: MessageType<Response>,
  http: string,
): Method<Request, Response> {
  return unary(`/etcdserverpb.Auth/${name}`, request, response, `/v3/auth/${http}`);
}

const defined =
  <T extends object>(fields: Parameters<typeof defineMessage<T>>[1]) =>
  (name: string): MessageType<T> =>
    defineMessage<T>(`etcdserverpb.${name}`, fields);

export const auth: AuthMethods = {
  enable: headerMethod('AuthEnable', () => empty('AuthEnableRequest'), 'enable'),
  disable: headerMethod('AuthDisable', () => empty('AuthDisableRequest'), 'disable'),
  status: method('AuthStatus', empty('AuthStatusRequest'), statusResponse, 'status'),
  authenticate: method(
    'Authenticate',
    nameAndPassword('AuthenticateRequest'),
    authenticateResponse,
    'authenticate',
  ),
  userAdd: headerMethod('UserAdd', () => userAddRequest, 'user/add'),
  userGet: method(
    'UserGet',
    nameRequest('AuthUserGetRequest'),
    rolesResponse('AuthUserGetResponse'),
    'user/get',
  ),
  userList: method('UserList', empty('AuthUserListRequest'), usersResponse, 'user/list'),
  userDelete: headerMethod('UserDelete', nameRequest, 'user/delete'),
  userChangePassword: headerMethod('UserChangePassword', nameAndPassword, 'user/changepw'),
  userGrantRole: headerMethod(
    'UserGrantRole',
    defined<GrantRoleRequest>({ user: string(1), role: string(2) }),
    'user/grant',
  ),
  userRevokeRole: headerMethod(
    'UserRevokeRole',
    defined<RevokeRoleRequest>({ name: string(1), role: string(2) }),
    'user/revoke',
  ),
  roleAdd: headerMethod('RoleAdd', nameRequest, 'role/add'),
  roleGet: method('RoleGet', roleRequest('AuthRoleGetRequest'), roleGetResponse, 'role/get'),
  roleList: method(
    'RoleList',
    empty('AuthRoleListRequest'),
    rolesResponse('AuthRoleListResponse'),
    'role/list',
  ),
  roleDelete: headerMethod('RoleDelete', roleRequest, 'role/delete'),
  roleGrantPermission: headerMethod(
    'RoleGrantPermission',
    defined<GrantPermissionRequest>({
      name: string(1),
      permission: named(
        'perm',
        message(2, () => permission),
      ) as Field<AuthPermission>,
    }),
    'role/grant',
  ),
  roleRevokePermission: headerMethod(
    'RoleRevokePermission',
    defined<RevokePermissionRequest>({ role: string(1), key: bytes(2), rangeEnd: bytes(3) }),
    'role/revoke',
  ),
};
