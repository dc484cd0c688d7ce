import { kv } from '../../protocol/etcd/api/kv.ts';
import { lease } from '../../protocol/etcd/api/lease.ts';
import type { Method } from '../../protocol/etcd/api/method.ts';
import { fromTxnResponseMessage, toTxnMessage } from '../../protocol/etcd/api/txn.ts';
import { etcdError } from '../../protocol/etcd/errors.ts';
import { toJson } from '../../protocol/protobuf/json.ts';
import type { KvClient } from './client.ts';
import { fromAnswer, Gateway, type GatewayPorts } from './http-gateway.ts';
import { openHttpWatch } from './http-watch.ts';
import { closedError } from './local-client.ts';
import { Watches, type WatchTransport } from './resuming-watch.ts';

/**
 * A client of an etcd store over the JSON gateway: podwire's own or a real etcd (3.4 or later). `endpoint` is
 * `http://host:port` or `unix:/path`. It connects when first used and again whenever the connection is lost: requests wait
 * for that up to `patience` and then fail with Unavailable (14), watches go on where they stopped. A write whose
 * answer was lost fails with 14 too, and may have happened.
 * @throws RangeError on another kind of endpoint.
 */
export function connectStore(endpoint: string, ports: GatewayPorts): KvClient {
  const gateway = new Gateway(endpoint, ports);
  const watches = new Watches();
  const transport: WatchTransport = {
    endpoint,
    clock: ports.clock,
    log: ports.log,
    openWatch: (create, events) => openHttpWatch(gateway, create, events),
  };
  const call = async <Request, Response>(
    { http, request, response }: Method<Request, Response>,
    message: Request,
    repeatable = false,
  ): Promise<Response> =>
    fromAnswer(response, await gateway.call(http[0]!, toJson(request, message), repeatable));
  return {
    range: (request) => call(kv.range, request, true),
    put: (request) => call(kv.put, request),
    deleteRange: (request) => call(kv.deleteRange, request),
    txn: async (request) => fromTxnResponseMessage(await call(kv.txn, toTxnMessage(request))),
    compact: async (revision) => {
      await call(kv.compact, { revision, physical: false });
    },
    leaseGrant: async (ttl, id = 0n) => {
      const granted = await call(lease.grant, { ttl, id });
      return { id: granted.id, ttl: granted.ttl };
    },
    leaseRevoke: async (id) => {
      await call(lease.revoke, { id });
    },
    leaseKeepAlive: async (id) => {
      const { http, request, response } = lease.keepAlive;
      const answer = await gateway.call(http[0]!, toJson(request, { id }), true);
      const { ttl } = fromAnswer(response, answer.result ?? {});
      if (ttl <= 0n) throw etcdError('leaseNotFound');
      return ttl;
    },
    watch: (request, handler) => {
      gateway.checkOpen();
      return watches.start(transport, request, handler);
    },
    close: async () => {
      gateway.close();
      watches.endAll(closedError());
    },
  };
}
