import { kv } from '../../../protocol/etcd/api/kv.ts';
import { lease } from '../../../protocol/etcd/api/lease.ts';
import { fromTxnResponseMessage, toTxnMessage } from '../../../protocol/etcd/api/txn.ts';
import { etcdError } from '../../../protocol/etcd/errors.ts';
import type { KvClient } from '../client.ts';
import { parseEtcdUrl } from '../etcd-url.ts';
import { closedError } from '../local-client.ts';
import { Watches } from '../resuming-watch.ts';
import { Channel, type EtcdClientPorts } from './channel.ts';

/**
 * A client of an etcd over gRPC; for `url` see etcd-url.ts. It connects when first used and again whenever the connection
 * is lost, to another member where there are several: requests wait for that up to `patience` and then fail with Unavailable (14),
 * watches go on where they stopped. A write whose answer was lost fails with 14 too, and may have happened. A password or a
 * certificate that is not taken fails each request with one line that says so.
 * @throws RangeError on another kind of URL, Error where a file for TLS cannot be used.
 */
export function connectEtcd(url: string, ports: EtcdClientPorts): KvClient {
  const channel = new Channel(parseEtcdUrl(url), ports);
  const watches = new Watches();
  return {
    range: (request) => channel.call(kv.range, request, true),
    put: (request) => channel.call(kv.put, request),
    deleteRange: (request) => channel.call(kv.deleteRange, request),
    txn: async (request) => fromTxnResponseMessage(await channel.call(kv.txn, toTxnMessage(request))),
    compact: (revision) => channel.call(kv.compact, { revision, physical: false }),
    leaseGrant: (ttl, id = 0n) => channel.call(lease.grant, { ttl, id }),
    leaseRevoke: (id) => channel.call(lease.revoke, { id }),
    leaseKeepAlive: async (id) => {
      const { ttl } = await channel.first(lease.keepAlive, { id });
      if (ttl <= 0n) throw etcdError('leaseNotFound');
      return ttl;
    },
    watch: (request, handler) => {
      channel.checkOpen();
      return watches.start(channel, request, handler);
    },
    close: async () => {
      channel.close();
      watches.endAll(closedError());
    },
  };
}
