import { cluster, type Member, type MembersResponse } from '../../../protocol/etcd/api/cluster.ts';
import { etcdError } from '../../../protocol/etcd/errors.ts';
import { answers, type Route, type Served, unimplemented } from './route.ts';

/** Service Cluster (etcd `server/etcdserver/api/v3rpc/member.go`): the store is a cluster of one member that stays so. */
export const CLUSTER_ROUTES: readonly Route[] = [
  answers(cluster.list, async (served) => members(served)),
  answers(cluster.add, async () => {
    throw unimplemented('adding a member');
  }),
  answers(cluster.remove, async (served, { id }) => {
    checkMember(served, id);
    throw unimplemented('removing its only member');
  }),
  answers(cluster.update, async (served, { id }) => {
    checkMember(served, id);
    throw unimplemented('moving a member to other peer URLs');
  }),
  answers(cluster.promote, async (served, { id }) => {
    checkMember(served, id);
    throw etcdError('memberNotLearner');
  }),
];

/** etcd's answer has no revision in its header. */
function members({ store, clientUrls }: Served): MembersResponse {
  const header = { ...store.header(), revision: 0n };
  const member: Member = {
    id: header.memberId,
    name: 'podwire',
    peerUrls: [],
    clientUrls,
    isLearner: false,
  };
  return { header, members: [member] };
}

function checkMember({ store }: Served, id: bigint): void {
  if (id !== store.header().memberId) throw etcdError('memberNotFound');
}
