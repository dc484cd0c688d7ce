import { EtcdError } from './types.ts';

export type EtcdErrorName =
  | 'emptyKey'
  | 'keyNotFound'
  | 'valueProvided'
  | 'leaseProvided'
  | 'tooManyOps'
  | 'duplicateKey'
  | 'invalidSortOption'
  | 'requestTooLarge'
  | 'tooManyRequests'
  | 'compacted'
  | 'futureRevision'
  | 'noSpace'
  | 'leaseNotFound'
  | 'leaseExists'
  | 'leaseTtlTooLarge'
  | 'rootUserNotExist'
  | 'rootRoleNotExist'
  | 'userExists'
  | 'userEmpty'
  | 'userNotFound'
  | 'roleExists'
  | 'roleNotFound'
  | 'roleEmpty'
  | 'authFailed'
  | 'permissionNotGiven'
  | 'permissionDenied'
  | 'roleNotGranted'
  | 'permissionNotGranted'
  | 'authNotEnabled'
  | 'invalidAuthToken'
  | 'invalidAuthManagement'
  | 'authOldRevision'
  | 'noPasswordUser'
  | 'maintenanceDenied'
  | 'maintenanceUserEmpty'
  | 'maintenanceInvalidToken'
  | 'memberNotFound'
  | 'memberNotLearner'
  | 'memberNotEnoughStarted'
  | 'badLeaderTransferee'
  | 'notCapable'
  | 'stopped'
  | 'timeout'
  | 'noLeader';

/**
 * etcd's errors by name: gRPC code and exact text (etcd `api/v3rpc/rpctypes/error.go`). Clients tell errors apart by
 * the text, so a word must not change.
 */
export const ETCD_ERRORS: Readonly<Record<EtcdErrorName, readonly [code: number, text: string]>> = {
  emptyKey: [3, 'etcdserver: key is not provided'],
  keyNotFound: [3, 'etcdserver: key not found'],
  valueProvided: [3, 'etcdserver: value is provided'],
  leaseProvided: [3, 'etcdserver: lease is provided'],
  tooManyOps: [3, 'etcdserver: too many operations in txn request'],
  duplicateKey: [3, 'etcdserver: duplicate key given in txn request'],
  invalidSortOption: [3, 'etcdserver: invalid sort option'],
  requestTooLarge: [3, 'etcdserver: request is too large'],
  tooManyRequests: [8, 'etcdserver: too many requests'],
  compacted: [11, 'etcdserver: mvcc: required revision has been compacted'],
  futureRevision: [11, 'etcdserver: mvcc: required revision is a future revision'],
  noSpace: [8, 'etcdserver: mvcc: database space exceeded'],

  leaseNotFound: [5, 'etcdserver: requested lease not found'],
  leaseExists: [9, 'etcdserver: lease already exists'],
  leaseTtlTooLarge: [11, 'etcdserver: too large lease TTL'],

  rootUserNotExist: [9, 'etcdserver: root user does not exist'],
  rootRoleNotExist: [9, 'etcdserver: root user does not have root role'],
  userExists: [9, 'etcdserver: user name already exists'],
  userEmpty: [3, 'etcdserver: user name is empty'],
  userNotFound: [9, 'etcdserver: user name not found'],
  roleExists: [9, 'etcdserver: role name already exists'],
  roleNotFound: [9, 'etcdserver: role name not found'],
  roleEmpty: [3, 'etcdserver: role name is empty'],
  authFailed: [3, 'etcdserver: authentication failed, invalid user ID or password'],
  permissionNotGiven: [3, 'etcdserver: permission not given'],
  permissionDenied: [7, 'etcdserver: permission denied'],
  roleNotGranted: [9, 'etcdserver: role is not granted to the user'],
  permissionNotGranted: [9, 'etcdserver: permission is not granted to the role'],
  authNotEnabled: [9, 'etcdserver: authentication is not enabled'],
  invalidAuthToken: [16, 'etcdserver: invalid auth token'],
  invalidAuthManagement: [3, 'etcdserver: invalid auth management'],
  authOldRevision: [3, 'etcdserver: revision of auth store is old'],
  // 3.4 has no code for these and answers with its inner text.
  noPasswordUser: [2, 'auth: authentication failed, password was given for no password user'],
  maintenanceDenied: [2, 'auth: permission denied'],
  maintenanceUserEmpty: [2, 'auth: user name is empty'],
  maintenanceInvalidToken: [2, 'auth: invalid auth token'],

  memberNotFound: [5, 'etcdserver: member not found'],
  memberNotLearner: [9, 'etcdserver: can only promote a learner member'],
  memberNotEnoughStarted: [9, 'etcdserver: re-configuration failed due to not enough started members'],
  badLeaderTransferee: [9, 'etcdserver: bad leader transferee'],
  notCapable: [14, 'etcdserver: not capable'],
  stopped: [14, 'etcdserver: server stopped'],
  timeout: [14, 'etcdserver: request timed out'],
  noLeader: [14, 'etcdserver: no leader'],
};

/** gRPC status codes (grpc `doc/statuscodes.md`). Canceled: the caller closed its client. */
export const CANCELED = 1;
/** An error that says nothing but its text. */
export const UNKNOWN = 2;
/** The request cannot be served as it stands. */
export const INVALID_ARGUMENT = 3;
export const NOT_FOUND = 5;
/** A message above the limit. */
export const RESOURCE_EXHAUSTED = 8;
/** Nobody serves such a method, or not in this way. */
export const UNIMPLEMENTED = 12;
export const INTERNAL = 13;
/** The store could not be reached or did not answer in time. */
export const UNAVAILABLE = 14;

/** A new error of that name, with etcd's code and text. */
export function etcdError(name: EtcdErrorName): EtcdError {
  const [code, text] = ETCD_ERRORS[name];
  return new EtcdError(code, text);
}
