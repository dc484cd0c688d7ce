/** A port where Prometheus scrapes the speakers of this process. Loaded only where that is asked for. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BgpSpeaker } from '../bgp/speaker.ts';
import { formatEndpoint, portErrorFrom } from '../io/errors.ts';
import { http } from '../io/node-http.ts';
import { ProcessWatch } from '../io/process-figures.ts';
import type { Endpoint } from '../ports.ts';
import { EXPOSITION_TYPE, Exposition, type Labelled } from './exposition.ts';
import { addProcess } from './process-metrics.ts';
import { addSpeakers } from './speaker-metrics.ts';

export interface MetricsServer {
  /** Where it listens, with the port that the system chose for 0. */
  readonly local: Endpoint;
  close(): Promise<void>;
}

/**
 * Serves `/metrics`. Rejects with a PortError where it cannot listen.
 * @param speakers those that run at the time of a scrape, with labels where they are several.
 * @param version of podwire.
 */
export async function serveMetrics(
  { address, port }: Endpoint,
  speakers: () => readonly Labelled<BgpSpeaker>[],
  version: string,
): Promise<MetricsServer> {
  const watch = new ProcessWatch();
  const scrape = (): string => {
    const exposition = new Exposition();
    addProcess(exposition, watch.read(), version);
    addSpeakers(exposition, speakers());
    return exposition.text();
  };
  const server = http.createServer((request, response) => answer(request, response, scrape));
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port }, resolve);
    });
  } catch (error) {
    watch.close();
    throw portErrorFrom(`serve metrics at ${formatEndpoint({ address, port })}`, error);
  }
  const bound = server.address() as AddressInfo;
  return {
    local: { address: bound.address, port: bound.port },
    close: async () => {
      watch.close();
      await closeServer(server);
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, scrape: () => string): void {
  // A client that goes away is no error of ours.
  response.on('error', () => undefined);
  const [path] = (request.url ?? '').split('?');
  if (path !== '/metrics') refuse(response, 404, `no such path: ${path}; metrics are at /metrics`);
  else if (request.method === 'GET' || request.method === 'HEAD') sendText(response, scrape());
  else {
    response.setHeader('allow', 'GET, HEAD');
    refuse(response, 405, `/metrics takes GET, not ${request.method}`);
  }
}

function sendText(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': EXPOSITION_TYPE, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${message}\n`);
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
