import { EtcdError } from './types.ts';

export type EtcdErrorName =
  | 'emptyKey'
  | 'keyNotFound'
  | 'valueProvided'
  | 'leaseProvided'
  | 'tooManyOps'
  | 'duplicateKey'
  | 'requestTooLarge'
  | 'compacted'
  | 'futureRevision'
  | 'noSpace'
  | 'leaseNotFound'
  | 'leaseExists'
  | 'leaseTtlTooLarge'
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
  requestTooLarge: [3, 'etcdserver: request is too large'],
  compacted: [11, 'etcdserver: mvcc: required revision has been compacted'],
  futureRevision: [11, 'etcdserver: mvcc: required revision is a future revision'],
  noSpace: [8, 'etcdserver: mvcc: database space exceeded'],
  leaseNotFound: [5, 'etcdserver: requested lease not found'],
  leaseExists: [9, 'etcdserver: lease already exists'],
  leaseTtlTooLarge: [11, 'etcdserver: too large lease TTL'],
  timeout: [14, 'etcdserver: request timed out'],
  noLeader: [14, 'etcdserver: no leader'],
};

/** gRPC status code Unavailable: the store could not be reached or did not answer in time. */
export const UNAVAILABLE = 14;
/** gRPC status code InvalidArgument: the request cannot be served as it stands. */
export const INVALID_ARGUMENT = 3;
/** gRPC status code Canceled: the caller closed its client. */
export const CANCELED = 1;

/** A new error of that name, with etcd's code and text. */
export function etcdError(name: EtcdErrorName): EtcdError {
  const [code, text] = ETCD_ERRORS[name];
  return new EtcdError(code, text);
}
