import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAgent } from '../../../agents/control/client.ts';
import type { LabControl } from '../../../agents/control/routes.ts';
import { type ControlServer, serveControl } from '../../../agents/control/server.ts';
import type { AgentControl, AgentStatus } from '../../../agents/control/types.ts';
import { aborted } from '../../../agents/wait.ts';

export const STATUS: AgentStatus = {
  node: 'host1',
  kind: 'host',
  pid: 4711,
  address: '127.9.1.1',
  asn: 64512,
  sessions: { total: 1, established: 1, synced: 1 },
  blocks: ['10.65.0.0/26'],
  reachable: [],
  remoteBlocks: [],
  pods: { total: 0, ready: 0 },
  ready: true,
  message: '',
};

/** An agent of which every method fails unless the test gives it. */
export function fakeAgent(node: string, methods: Partial<AgentControl> = {}): AgentControl {
  const missing = (what: string) => async (): Promise<never> => {
    throw new Error(`${node} has no ${what}`);
  };
  return {
    node,
    speaker: {
      summary: missing('bgp.summary'),
      neighbors: missing('bgp.neighbors'),
      paths: missing('bgp.paths'),
      dump: missing('bgp.dump'),
      explain: missing('bgp.explain'),
      announce: missing('bgp.announce'),
      withdraw: missing('bgp.withdraw'),
      sendRaw: missing('bgp.sendRaw'),
      clear: missing('bgp.clear'),
      refresh: missing('bgp.refresh'),
      shutdown: missing('bgp.shutdown'),
      enable: missing('bgp.enable'),
    },
    status: async () => ({ ...STATUS, node }),
    watchStatus: missing('watchStatus'),
    bgp: missing('bgp'),
    rib: missing('rib'),
    routes: missing('routes'),
    fdb: missing('fdb'),
    ipam: missing('ipam'),
    pods: missing('pods'),
    store: missing('store'),
    ping: missing('ping'),
    trace: missing('trace'),
    capture: missing('capture'),
    exec: missing('exec'),
    stop: missing('stop'),
    ...methods,
  };
}

/** A control server on a socket in a folder of its own, with its agents by name. */
export class Scene {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'podwire-control-'));
  readonly path: string = join(this.folder, 'c.sock');
  readonly #servers: ControlServer[] = [];

  async serve(agents: readonly AgentControl[], lab?: LabControl): Promise<ControlServer> {
    const byName = new Map(agents.map((agent) => [agent.node, agent]));
    const server = await serveControl(this.path, byName, lab);
    this.#servers.push(server);
    return server;
  }

  /** Serves one agent `host1` with these methods and connects to it. */
  async agent(methods: Partial<AgentControl>): Promise<AgentControl> {
    await this.serve([fakeAgent('host1', methods)]);
    return connectAgent(this.endpoint, 'host1');
  }

  get endpoint(): { readonly kind: 'unix'; readonly path: string } {
    return { kind: 'unix', path: this.path };
  }

  /** Any request, as curl would send it. */
  http(
    method: string,
    path: string,
    body?: string,
  ): Promise<{ readonly status: number; readonly json: unknown }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; json: unknown }>();
    const sent = request({ socketPath: this.path, method, path, agent: false }, async (response) => {
      try {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A signal that never aborts. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

/** A method that goes on until it is told to stop; `seen` resolves with the signal that it was given. */
export function endless(): {
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly seen: Promise<AbortSignal>;
  readonly ended: Promise<void>;
} {
  const seen = Promise.withResolvers<AbortSignal>();
  const ended = Promise.withResolvers<void>();
  return {
    run: async (signal) => {
      seen.resolve(signal);
      await aborted(signal);
      ended.resolve();
    },
    seen: seen.promise,
    ended: ended.promise,
  };
}
