import { CANCELED, etcdError } from '../../protocol/etcd/errors.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import type { KvClient } from './client.ts';
import { encodeDeleteRange, encodePut, encodeRange, encodeTxn } from './gateway-requests.ts';
import {
  decodeDeleteRangeResponse,
  decodePutResponse,
  decodeRangeResponse,
  decodeTxnResponse,
} from './gateway-responses.ts';
import { asObject, field, fromInt64, type JsonObject, toInt64 } from './gateway-values.ts';
import { Gateway, type GatewayPorts } from './http-gateway.ts';
import { HttpWatch } from './http-watch.ts';

/**
 * A client of an etcd store over the JSON gateway: podwire's own or a real etcd (3.4 or later). `endpoint` is
 * `http://host:port` or `unix:/path`. It connects when first used and again whenever the connection is lost: requests wait
 * for that up to `patience` and then fail with Unavailable (14), watches go on where they stopped. A write whose
 * answer was lost fails with 14 too, and may have happened.
 * @throws RangeError on another kind of endpoint.
 */
export function connectStore(endpoint: string, ports: GatewayPorts): KvClient {
  const gateway = new Gateway(endpoint, ports);
  const watches = new Set<HttpWatch>();
  const read = (path: string, body: JsonObject): Promise<JsonObject> => gateway.call(path, body, true);
  const write = (path: string, body: JsonObject): Promise<JsonObject> => gateway.call(path, body, false);
  return {
    range: async (request) => decodeRangeResponse(await read('/v3/kv/range', encodeRange(request))),
    put: async (request) => decodePutResponse(await write('/v3/kv/put', encodePut(request))),
    deleteRange: async (request) =>
      decodeDeleteRangeResponse(await write('/v3/kv/deleterange', encodeDeleteRange(request))),
    txn: async (request) => decodeTxnResponse(await write('/v3/kv/txn', encodeTxn(request))),
    compact: async (revision) => {
      await write('/v3/kv/compaction', { revision: revision.toString() });
    },
    leaseGrant: async (ttl, id) => {
      const granted = await write('/v3/lease/grant', { TTL: ttl.toString(), ID: fromInt64(id) });
      return { id: toInt64(field(granted, 'ID')), ttl: toInt64(field(granted, 'TTL')) };
    },
    leaseRevoke: async (id) => {
      await write('/v3/lease/revoke', { ID: id.toString() });
    },
    leaseKeepAlive: async (id) => {
      const answer = await read('/v3/lease/keepalive', { ID: id.toString() });
      const ttl = toInt64(field(asObject(field(answer, 'result')), 'TTL'));
      if (ttl <= 0n) throw etcdError('leaseNotFound');
      return ttl;
    },
    watch: (request, handler) => {
      gateway.checkOpen();
      const watch = new HttpWatch(gateway, request, {
        ...(handler.onCreated === undefined
          ? {}
          : { onCreated: (revision) => handler.onCreated?.(revision) }),
        onResponse: (response) => handler.onResponse(response),
        onEnd: (error) => {
          watches.delete(watch);
          handler.onEnd(error);
        },
      });
      watches.add(watch);
      watch.open();
      return {
        cancel: () => {
          watches.delete(watch);
          watch.cancel();
        },
      };
    },
    close: async () => {
      gateway.close();
      for (const watch of [...watches]) watch.end(new EtcdError(CANCELED, 'the store client is closed'));
    },
  };
}
