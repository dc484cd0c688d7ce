import { bool, type Field, message, named, repeated, string, uint64 } from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import { type HeaderOnly, header } from './header.ts';
import { type Method, unary } from './method.ts';

/** Service Cluster and its messages (etcd `api/etcdserverpb/rpc.proto`). */

export interface Member {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

const member: MessageType<Member> = defineMessage<Member>('etcdserverpb.Member', {
  id: named('ID', uint64(1)),
  name: string(2),
  peerUrls: named('peerURLs', repeated(string(3))),
  clientUrls: named('clientURLs', repeated(string(4))),
  isLearner: named('isLearner', bool(5)),
});

export interface MembersResponse extends HeaderOnly {
  readonly members: readonly Member[];
}

export interface MemberAddResponse extends MembersResponse {
  readonly member?: Member;
}

interface MemberAddRequest {
  readonly peerUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface MemberIdRequest {
  readonly id: bigint;
}

interface MemberUpdateRequest extends MemberIdRequest {
  readonly peerUrls: readonly string[];
}

interface MemberListRequest {
  readonly linearizable: boolean;
}

function membersResponse(name: string): MessageType<MembersResponse> {
  const members = repeated(message(2, () => member));
  return defineMessage<MembersResponse>(`etcdserverpb.${name}`, { header: header(), members });
}

function idRequest(name: string): MessageType<MemberIdRequest> {
  return defineMessage<MemberIdRequest>(`etcdserverpb.${name}`, { id: named('ID', uint64(1)) });
}

const addRequest: MessageType<MemberAddRequest> = defineMessage<MemberAddRequest>(
  'etcdserverpb.MemberAddRequest',
  {
    peerUrls: named('peerURLs', repeated(string(1))),
    isLearner: named('isLearner', bool(2)),
  },
);

const addResponse: MessageType<MemberAddResponse> = defineMessage<MemberAddResponse>(
  'etcdserverpb.MemberAddResponse',
  {
    header: header(),
    member: message(2, () => member) as Field<Member>,
    members: repeated(message(3, () => member)),
  },
);

const updateRequest: MessageType<MemberUpdateRequest> = defineMessage<MemberUpdateRequest>(
  'etcdserverpb.MemberUpdateRequest',
  { id: named('ID', uint64(1)), peerUrls: named('peerURLs', repeated(string(2))) },
);

interface ClusterMethods {
  readonly add: Method<MemberAddRequest, MemberAddResponse>;
  readonly remove: Method<MemberIdRequest, MembersResponse>;
  readonly update: Method<MemberUpdateRequest, MembersResponse>;
  readonly list: Method<MemberListRequest, MembersResponse>;
  readonly promote: Method<MemberIdRequest, MembersResponse>;
}

const service = '/etcdserverpb.Cluster';

export const cluster: ClusterMethods = {
  add: unary(`${service}/MemberAdd`, addRequest, addResponse, '/v3/cluster/member/add'),
  remove: unary(
    `${service}/MemberRemove`,
    idRequest('MemberRemoveRequest'),
    membersResponse('MemberRemoveResponse'),
    '/v3/cluster/member/remove',
  ),
  update: unary(
    `${service}/MemberUpdate`,
    updateRequest,
    membersResponse('MemberUpdateResponse'),
    '/v3/cluster/member/update',
  ),
  list: unary(
    `${service}/MemberList`,
    defineMessage<MemberListRequest>('etcdserverpb.MemberListRequest', { linearizable: bool(1) }),
    membersResponse('MemberListResponse'),
    '/v3/cluster/member/list',
  ),
  promote: unary(
    `${service}/MemberPromote`,
    idRequest('MemberPromoteRequest'),
    membersResponse('MemberPromoteResponse'),
    '/v3/cluster/member/promote',
  ),
};
