import type { PathView } from '../bgp/types.ts';
import type { BgpControl, BgpExplanation, BgpNeighbor, BgpSummary } from './bgp.ts';
import type { ControlEndpoint } from './routes.ts';
import { call, lines, stream } from './transport.ts';

/** The BGP speaker of a node over HTTP: the same methods as in its process. */
export function connectBgp(endpoint: ControlEndpoint, node: string): BgpControl {
  const base = `/v1/nodes/${encodeURIComponent(node)}/bgp`;
  const act = async (what: string, body: object): Promise<void> => {
    await call(endpoint, 'POST', `${base}/${what}`, body);
  };
  return {
    summary: () => call(endpoint, 'GET', `${base}/summary`) as Promise<BgpSummary>,
    neighbors: () => call(endpoint, 'GET', `${base}/neighbors`) as Promise<BgpNeighbor[]>,
    paths: (query, onPath, signal) =>
      lines<PathView>(endpoint, 'POST', `${base}/paths`, query, onPath, signal),
    dump: (request, onBytes, signal, onReady) =>
      stream(endpoint, 'POST', `${base}/dump`, request, onBytes, signal, onReady),
    explain: (query) => call(endpoint, 'POST', `${base}/explain`, query) as Promise<BgpExplanation>,
    announce: (request) => act('announce', request),
    withdraw: (request) => act('withdraw', request),
    sendRaw: (request) => act('raw', request),
    clear: (request) => act('clear', request),
    refresh: (request) => act('refresh', request),
    shutdown: (request) => act('shutdown', request),
    enable: (request) => act('enable', request),
  };
}
