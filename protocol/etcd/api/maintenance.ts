import {
  bool,
  bytes,
  enumeration,
  int64,
  message,
  named,
  openEnumeration,
  repeated,
  string,
  uint32,
  uint64,
} from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import type { ResponseHeader } from '../types.ts';
import { type Empty, empty, type HeaderOnly, header, headerOnly } from './header.ts';
import { type Method, streaming, unary } from './method.ts';

/** Service Maintenance and its messages (etcd `api/etcdserverpb/rpc.proto`). */

export interface AlarmRequest {
  /** A number: one that etcd does not know. */
  readonly action: 'GET' | 'ACTIVATE' | 'DEACTIVATE' | number;
  readonly memberId: bigint;
  readonly alarm: 'NONE' | 'NOSPACE' | 'CORRUPT';
}

const ALARMS = ['NONE', 'NOSPACE', 'CORRUPT'] as const;

const alarmRequest: MessageType<AlarmRequest> = defineMessage<AlarmRequest>('etcdserverpb.AlarmRequest', {
  action: openEnumeration(1, 'etcdserverpb.AlarmRequest_AlarmAction', ['GET', 'ACTIVATE', 'DEACTIVATE']),
  memberId: named('memberID', uint64(2)),
  alarm: enumeration(3, 'etcdserverpb.AlarmType', ALARMS),
});

/** A response whose header may be left out, as those of Alarm and Defragment. */
export interface MaybeHeader {
  readonly header?: ResponseHeader;
}

interface AlarmMember {
  readonly memberId: bigint;
  readonly alarm: AlarmRequest['alarm'];
}

const alarmMember: MessageType<AlarmMember> = defineMessage<AlarmMember>('etcdserverpb.AlarmMember', {
  memberId: named('memberID', uint64(1)),
  alarm: enumeration(2, 'etcdserverpb.AlarmType', ALARMS),
});

export interface AlarmResponse extends MaybeHeader {
  readonly alarms: readonly AlarmMember[];
}

const alarmResponse: MessageType<AlarmResponse> = defineMessage<AlarmResponse>('etcdserverpb.AlarmResponse', {
  header: header(),
  alarms: repeated(message(2, () => alarmMember)),
});

export interface StatusResponse extends HeaderOnly {
  readonly version: string;
  readonly dbSize: bigint;
  readonly leader: bigint;
  readonly raftIndex: bigint;
  readonly raftTerm: bigint;
  readonly raftAppliedIndex: bigint;
  readonly errors: readonly string[];
  readonly dbSizeInUse: bigint;
  readonly isLearner: boolean;
}

const statusResponse: MessageType<StatusResponse> = defineMessage<StatusResponse>(
  'etcdserverpb.StatusResponse',
  {
    header: header(),
    version: string(2),
    dbSize: named('dbSize', int64(3)),
    leader: uint64(4),
    raftIndex: named('raftIndex', uint64(5)),
    raftTerm: named('raftTerm', uint64(6)),
    raftAppliedIndex: named('raftAppliedIndex', uint64(7)),
    errors: repeated(string(8)),
    dbSizeInUse: named('dbSizeInUse', int64(9)),
    isLearner: named('isLearner', bool(10)),
  },
);

export interface HashResponse extends HeaderOnly {
  readonly hash: number;
}

const hashResponse: MessageType<HashResponse> = defineMessage<HashResponse>('etcdserverpb.HashResponse', {
  header: header(),
  hash: uint32(2),
});

interface HashKvRequest {
  readonly revision: bigint;
}

export interface HashKvResponse extends HeaderOnly {
  readonly hash: number;
  readonly compactRevision: bigint;
}

const hashKvResponse: MessageType<HashKvResponse> = defineMessage<HashKvResponse>(
  'etcdserverpb.HashKVResponse',
  {
    header: header(),
    hash: uint32(2),
    compactRevision: int64(3),
  },
);

export interface SnapshotResponse extends MaybeHeader {
  /** Bytes that follow behind this blob. */
  readonly remainingBytes: bigint;
  readonly blob: Uint8Array;
}

const snapshotResponse: MessageType<SnapshotResponse> = defineMessage<SnapshotResponse>(
  'etcdserverpb.SnapshotResponse',
  { header: header(), remainingBytes: uint64(2), blob: bytes(3) },
);

interface MoveLeaderRequest {
  readonly targetId: bigint;
}

export interface DowngradeRequest {
  readonly action: 'VALIDATE' | 'ENABLE' | 'CANCEL';
  readonly version: string;
}

interface DowngradeResponse extends HeaderOnly {
  readonly version: string;
}

interface MaintenanceMethods {
  readonly alarm: Method<AlarmRequest, AlarmResponse>;
  readonly status: Method<Empty, StatusResponse>;
  readonly defragment: Method<Empty, MaybeHeader>;
  readonly hash: Method<Empty, HashResponse>;
  readonly hashKv: Method<HashKvRequest, HashKvResponse>;
  readonly snapshot: Method<Empty, SnapshotResponse>;
  readonly moveLeader: Method<MoveLeaderRequest, HeaderOnly>;
  readonly downgrade: Method<DowngradeRequest, DowngradeResponse>;
}

const service = '/etcdserverpb.Maintenance';

export const maintenance: MaintenanceMethods = {
  alarm: unary(`${service}/Alarm`, alarmRequest, alarmResponse, '/v3/maintenance/alarm'),
  status: unary(`${service}/Status`, empty('StatusRequest'), statusResponse, '/v3/maintenance/status'),
  defragment: unary(
    `${service}/Defragment`,
    empty('DefragmentRequest'),
    headerOnly('DefragmentResponse') as MessageType<MaybeHeader>,
    '/v3/maintenance/defragment',
  ),
  hash: unary(`${service}/Hash`, empty('HashRequest'), hashResponse, '/v3/maintenance/hash'),
  hashKv: unary(
    `${service}/HashKV`,
    defineMessage<HashKvRequest>('etcdserverpb.HashKVRequest', { revision: int64(1) }),
    hashKvResponse,
    '/v3/maintenance/hash',
  ),
  snapshot: streaming(
    'server',
    `${service}/Snapshot`,
    empty('SnapshotRequest'),
    snapshotResponse,
    '/v3/maintenance/snapshot',
  ),
  moveLeader: unary(
    `${service}/MoveLeader`,
    defineMessage<MoveLeaderRequest>('etcdserverpb.MoveLeaderRequest', {
      targetId: named('targetID', uint64(1)),
    }),
    headerOnly('MoveLeaderResponse'),
    '/v3/maintenance/transfer-leadership',
  ),
  downgrade: unary(
    `${service}/Downgrade`,
    defineMessage<DowngradeRequest>('etcdserverpb.DowngradeRequest', {
      action: enumeration(1, 'etcdserverpb.DowngradeRequest_DowngradeAction', [
        'VALIDATE',
        'ENABLE',
        'CANCEL',
      ]),
      version: string(2),
    }),
    defineMessage<DowngradeResponse>('etcdserverpb.DowngradeResponse', {
      header: header(),
      version: string(2),
    }),
    '/v3/maintenance/downgrade',
  ),
};
