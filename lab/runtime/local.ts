import { systemRandom } from '../../agents/io/random.ts';
import { boundRegExpTime } from '../../agents/io/regexp-time.ts';
import { nodeTcp } from '../../agents/io/tcp.ts';
import { nodeUdp } from '../../agents/io/udp.ts';
import type { MetricsServer } from '../../agents/metrics/server.ts';
import type { NodeBmp } from '../../agents/node/bmp.ts';
import { NodeAgent } from '../../agents/node/node-agent.ts';
import { podFactories } from '../../agents/pod/factories.ts';
import type { Clock, Endpoint, Log } from '../../agents/ports.ts';
import type { PlannedNode } from '../plan/plan.ts';
import type { LabStore } from './lab-store.ts';
import type { RunningNode, Runtime } from './runtime.ts';

export interface LocalOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<LabStore, 'client'>;
  readonly application: string;
  /** Where metrics of all agents are served, and the version of podwire that is told there. */
  readonly metrics?: { readonly at: Endpoint; readonly version: string };
  /** BMP collector that all agents tell of their speakers. */
  readonly bmp?: NodeBmp;
}

/** All agents in this process, each on its own loopback address, on real sockets. */
export class LocalRuntime implements Runtime {
  readonly kind = 'local';
  readonly fabric = null;
  readonly #options: LocalOptions;
  readonly #agents = new Map<string, NodeAgent>();
  #metrics: MetricsServer | undefined;

  constructor(options: LocalOptions) {
    this.#options = options;
  }

  /** Loopback has every address that the nodes need. */
  async prepare(): Promise<void> {
    boundRegExpTime();
    const { metrics } = this.#options;
    if (metrics === undefined) return;
    const { serveMetrics } = await import('../../agents/metrics/server.ts');
    const speakers = (): ReturnType<NodeAgent['speakers']> =>
      [...this.#agents.values()].flatMap((agent) => agent.speakers());
    this.#metrics = await serveMetrics(metrics.at, speakers, metrics.version);
  }

  async start(node: PlannedNode, signal: AbortSignal): Promise<RunningNode> {
    if (node.kind === 'linux')
      throw new Error(`node ${node.name} is of kind linux, which needs --runtime netns`);
    const { clock, log, store, application, bmp } = this.#options;
    const kv = store.client();
    const agent = new NodeAgent(node.config, {
      clock,
      log,
      application,
      kv,
      random: systemRandom(),
      tcp: nodeTcp(),
      udp: nodeUdp(),
      pods: podFactories(clock),
      ...(bmp === undefined ? {} : { bmp }),
    });
    const exited = Promise.withResolvers<undefined>();
    this.#agents.set(node.name, agent);
    const end = async (how: 'stop' | 'kill'): Promise<void> => {
      this.#agents.delete(node.name);
      await agent[how]();
      await kv.close();
      exited.resolve(undefined);
    };
    try {
      await Promise.race([agent.start(), aborted(signal, node.name)]);
    } catch (error) {
      await end('kill');
      throw error;
    }
    return {
      control: agent,
      endpoint: undefined,
      pid: process.pid,
      netns: null,
      stop: () => end('stop'),
      kill: () => end('kill'),
      exited: exited.promise,
    };
  }

  /** But for metrics, nothing is shared beyond the process. */
  async close(): Promise<void> {
    await this.#metrics?.close();
  }
}

/** Rejects when `signal` aborts: a store that does not answer must not keep a lab from being taken down. */
function aborted(signal: AbortSignal, node: string): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(new Error(`node ${node} is not up yet`));
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp, { once: true });
  return promise;
}
