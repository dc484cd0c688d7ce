import { maintenance } from '../../../protocol/etcd/api/maintenance.ts';
import { etcdError, INVALID_ARGUMENT } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import { answers, opens, type Route, unimplemented } from './route.ts';
import { SnapshotSender } from './snapshot.ts';
import { ETCD_VERSION } from './version.ts';

/** Service Maintenance (etcd `server/etcdserver/api/v3rpc/maintenance.go`). */
export const MAINTENANCE_ROUTES: readonly Route[] = [
  answers(maintenance.alarm, async ({ client }, { action }) => {
    if (action !== 'GET') await client.requireRoot();
    if (typeof action === 'number')
      throw new EtcdError(INVALID_ARGUMENT, `etcdserver: unknown alarm action ${action}`);
    if (action === 'ACTIVATE') throw unimplemented('raising an alarm');
    return { alarms: [] };
  }),
  answers(maintenance.status, async ({ client }) => {
    const { header, dbSize, dbSizeInUse, raftIndex, raftAppliedIndex } = await client.status();
    return {
      header,
      version: ETCD_VERSION,
      dbSize,
      dbSizeInUse,
      leader: header.memberId,
      raftIndex,
      raftTerm: header.raftTerm,
      raftAppliedIndex,
      errors: [],
      isLearner: false,
    };
  }),
  answers(maintenance.defragment, async ({ client }) => {
    await client.requireRoot();
    return {};
  }),
  answers(maintenance.hash, ({ client }) => client.hash()),
  answers(maintenance.hashKv, ({ client }, { revision }) => client.hashKv(revision)),
  answers(maintenance.moveLeader, async ({ client, store }, { targetId }) => {
    await client.requireRoot();
    const header = store.header();
    if (targetId !== header.memberId) {
      throw etcdError('badLeaderTransferee');
    }
    return { header };
  }),
  answers(maintenance.downgrade, async () => {
    throw unimplemented('a downgrade');
  }),
  opens(maintenance.snapshot, (served, out) => {
    const sender = new SnapshotSender(served.client, out);
    return {
      message: () => void sender.start(),
      halfClosed: () => {},
      drained: () => sender.drained(),
      closed: () => sender.stop(),
    };
  }),
];
