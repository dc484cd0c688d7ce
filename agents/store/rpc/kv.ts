import { kv } from '../../../protocol/etcd/api/kv.ts';
import { fromTxnMessage, toTxnResponseMessage } from '../../../protocol/etcd/api/txn.ts';
import { answers, type Route } from './route.ts';

/** Service KV (etcd `server/etcdserver/api/v3rpc/key.go`). */
export const KV_ROUTES: readonly Route[] = [
  answers(kv.range, ({ client }, request) => client.range(request)),
  answers(kv.put, ({ client }, request) => client.put(request)),
  answers(kv.deleteRange, ({ client }, request) => client.deleteRange(request)),
  answers(kv.txn, async ({ client }, request) =>
    toTxnResponseMessage(await client.txn(fromTxnMessage(request))),
  ),
  answers(kv.compact, ({ client }, { revision, physical }) => client.compact(revision, { physical })),
];
