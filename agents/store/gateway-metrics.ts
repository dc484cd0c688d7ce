import type { HttpResponse } from './gateway-exchange.ts';
import type { Serving } from './grpc/server.ts';
import { ETCD_VERSION } from './rpc/version.ts';

/** A few of etcd's own metrics (Prometheus text format), under etcd's names, so that dashboards find them. */
export async function sendMetrics({ store }: Serving, response: HttpResponse): Promise<void> {
  const client = store.client();
  const status = await client.status().catch(() => undefined);
  await client.close();
  const { rss, heapUsed } = process.memoryUsage();
  const lines = [
    metric('etcd_server_has_leader', 'gauge', store.available ? 1 : 0),
    metric('etcd_server_is_leader', 'gauge', store.available ? 1 : 0),
    `# TYPE etcd_server_version gauge\netcd_server_version{server_version="${ETCD_VERSION}"} 1`,
    metric('etcd_debugging_store_current_revision', 'gauge', store.header().revision),
    ...(status === undefined
      ? []
      : [
          metric('etcd_mvcc_db_total_size_in_bytes', 'gauge', status.dbSize),
          metric('etcd_mvcc_db_total_size_in_use_in_bytes', 'gauge', status.dbSizeInUse),
          metric('etcd_server_proposals_applied_total', 'gauge', status.raftAppliedIndex),
        ]),
    metric('process_resident_memory_bytes', 'gauge', rss),
    metric('nodejs_heap_size_used_bytes', 'gauge', heapUsed),
  ];
  response
    .writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    .end(`${lines.join('\n')}\n`);
}

function metric(name: string, type: 'gauge' | 'counter', value: number | bigint): string {
  return `# TYPE ${name} ${type}\n${name} ${value}`;
}
