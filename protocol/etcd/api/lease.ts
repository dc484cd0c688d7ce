import { bool, bytes, int64, message, named, repeated, string } from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import { type Empty, empty, type HeaderOnly, header, headerOnly } from './header.ts';
import { type Method, streaming, unary } from './method.ts';

/** Service Lease and its messages (etcd `api/etcdserverpb/rpc.proto`). */

interface LeaseId {
  readonly id: bigint;
}

function idOnly(name: string): MessageType<LeaseId> {
  return defineMessage<LeaseId>(`etcdserverpb.${name}`, { id: named('ID', int64(1)) });
}

export interface LeaseGrantRequest {
  /** Seconds. */
  readonly ttl: bigint;
  readonly id: bigint;
}

const grantRequest: MessageType<LeaseGrantRequest> = defineMessage<LeaseGrantRequest>(
  'etcdserverpb.LeaseGrantRequest',
  { ttl: named('TTL', int64(1)), id: named('ID', int64(2)) },
);

export interface LeaseGrantResponse extends HeaderOnly {
  readonly id: bigint;
  readonly ttl: bigint;
  readonly error: string;
}

const grantResponse: MessageType<LeaseGrantResponse> = defineMessage<LeaseGrantResponse>(
  'etcdserverpb.LeaseGrantResponse',
  { header: header(), id: named('ID', int64(2)), ttl: named('TTL', int64(3)), error: string(4) },
);

export interface LeaseKeepAliveResponse extends HeaderOnly {
  readonly id: bigint;
  /** 0n: the lease is gone. */
  readonly ttl: bigint;
}

const keepAliveResponse: MessageType<LeaseKeepAliveResponse> = defineMessage<LeaseKeepAliveResponse>(
  'etcdserverpb.LeaseKeepAliveResponse',
  { header: header(), id: named('ID', int64(2)), ttl: named('TTL', int64(3)) },
);

export interface LeaseTimeToLiveRequest {
  readonly id: bigint;
  readonly keys: boolean;
}

const timeToLiveRequest: MessageType<LeaseTimeToLiveRequest> = defineMessage<LeaseTimeToLiveRequest>(
  'etcdserverpb.LeaseTimeToLiveRequest',
  { id: named('ID', int64(1)), keys: bool(2) },
);

export interface LeaseTimeToLiveResponse extends HeaderOnly {
  readonly id: bigint;
  readonly ttl: bigint;
  readonly grantedTtl: bigint;
  readonly keys: readonly Uint8Array[];
}

const timeToLiveResponse: MessageType<LeaseTimeToLiveResponse> = defineMessage<LeaseTimeToLiveResponse>(
  'etcdserverpb.LeaseTimeToLiveResponse',
  {
    header: header(),
    id: named('ID', int64(2)),
    ttl: named('TTL', int64(3)),
    grantedTtl: named('grantedTTL', int64(4)),
    keys: repeated(bytes(5)),
  },
);

const leaseStatus: MessageType<LeaseId> = idOnly('LeaseStatus');

export interface LeaseLeasesResponse extends HeaderOnly {
  readonly leases: readonly LeaseId[];
}

const leasesResponse: MessageType<LeaseLeasesResponse> = defineMessage<LeaseLeasesResponse>(
  'etcdserverpb.LeaseLeasesResponse',
  { header: header(), leases: repeated(message(2, () => leaseStatus)) },
);

interface LeaseMethods {
  readonly grant: Method<LeaseGrantRequest, LeaseGrantResponse>;
  readonly revoke: Method<LeaseId, HeaderOnly>;
  readonly keepAlive: Method<LeaseId, LeaseKeepAliveResponse>;
  readonly timeToLive: Method<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>;
  readonly leases: Method<Empty, LeaseLeasesResponse>;
}

export const lease: LeaseMethods = {
  grant: unary('/etcdserverpb.Lease/LeaseGrant', grantRequest, grantResponse, '/v3/lease/grant'),
  revoke: unary(
    '/etcdserverpb.Lease/LeaseRevoke',
    idOnly('LeaseRevokeRequest'),
    headerOnly('LeaseRevokeResponse'),
    '/v3/lease/revoke',
    '/v3/kv/lease/revoke',
  ),
  keepAlive: streaming(
    'both',
    '/etcdserverpb.Lease/LeaseKeepAlive',
    idOnly('LeaseKeepAliveRequest'),
    keepAliveResponse,
    '/v3/lease/keepalive',
  ),
  timeToLive: unary(
    '/etcdserverpb.Lease/LeaseTimeToLive',
    timeToLiveRequest,
    timeToLiveResponse,
    '/v3/lease/timetolive',
    '/v3/kv/lease/timetolive',
  ),
  leases: unary(
    '/etcdserverpb.Lease/LeaseLeases',
    empty('LeaseLeasesRequest'),
    leasesResponse,
    '/v3/lease/leases',
    '/v3/kv/lease/leases',
  ),
};
