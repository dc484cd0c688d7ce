import { decodeDeleteRange, decodePut, decodeRange, decodeTxn } from './gateway-requests.ts';
import {
  encodeDeleteRangeResponse,
  encodeHeader,
  encodePutResponse,
  encodeRangeResponse,
  encodeTxnResponse,
} from './gateway-responses.ts';
import { field, fromBytes, fromInt64, type JsonObject, toBool, toInt64 } from './gateway-values.ts';
import type { Served } from './http-server.ts';

/** Answers one request; throws EtcdError. */
type Unary = (served: Served, request: JsonObject) => Promise<JsonObject>;

const leaseRevoke: Unary = async ({ store, client }, request) => {
  await client.leaseRevoke(toInt64(field(request, 'ID')));
  return { header: encodeHeader(store.header()) };
};

const leaseTimeToLive: Unary = async ({ store }, request) => {
  const id = toInt64(field(request, 'ID'));
  const { ttl, grantedTtl, keys } = await store.leaseTimeToLive(id);
  const wanted = toBool(field(request, 'keys')) && keys.length > 0;
  return {
    header: encodeHeader(store.header()),
    ID: fromInt64(id),
    TTL: fromInt64(ttl),
    grantedTTL: fromInt64(grantedTtl),
    keys: wanted ? keys.map((key) => fromBytes(key)) : undefined,
  };
};

const leases: Unary = async ({ store }) => {
  const ids = await store.leases();
  return {
    header: encodeHeader(store.header()),
    leases: ids.length === 0 ? undefined : ids.map((id) => ({ ID: fromInt64(id) })),
  };
};

/** The gateway's paths that take one request and give one response (etcd `api/etcdserverpb/rpc.proto`, google.api.http). */
export const UNARY: Readonly<Record<string, Unary>> = {
  '/v3/kv/range': async ({ client }, request) =>
    encodeRangeResponse(await client.range(decodeRange(request))),
  '/v3/kv/put': async ({ client }, request) => encodePutResponse(await client.put(decodePut(request))),
  '/v3/kv/deleterange': async ({ client }, request) =>
    encodeDeleteRangeResponse(await client.deleteRange(decodeDeleteRange(request))),
  '/v3/kv/txn': async ({ client }, request) => encodeTxnResponse(await client.txn(decodeTxn(request))),
  '/v3/kv/compaction': async ({ store, client }, request) => {
    await client.compact(toInt64(field(request, 'revision')));
    return { header: encodeHeader(store.header()) };
  },
  '/v3/lease/grant': async ({ store, client }, request) => {
    const { id, ttl } = await client.leaseGrant(
      toInt64(field(request, 'TTL')),
      toInt64(field(request, 'ID')),
    );
    return { header: encodeHeader(store.header()), ID: fromInt64(id), TTL: fromInt64(ttl) };
  },
  '/v3/lease/revoke': leaseRevoke,
  '/v3/kv/lease/revoke': leaseRevoke,
  '/v3/lease/timetolive': leaseTimeToLive,
  '/v3/kv/lease/timetolive': leaseTimeToLive,
  '/v3/lease/leases': leases,
  '/v3/kv/lease/leases': leases,
};
