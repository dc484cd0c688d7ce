import { type ControlServer, serveControl } from './control/server.ts';
import { systemClock } from './io/clock.ts';
import type { FdServer } from './io/linux/scm-rights.ts';
import { systemRandom } from './io/random.ts';
import { boundRegExpTime } from './io/regexp-time.ts';
import { nodeTcp } from './io/tcp.ts';
import { nodeUdp } from './io/udp.ts';
import { type LogLevel, openLog } from './log.ts';
import type { MetricsServer } from './metrics/server.ts';
import type { NodeBmp } from './node/bmp.ts';
import type { NodeAgentConfig } from './node/config.ts';
import { NodeAgent } from './node/node-agent.ts';
import { podFactories } from './pod/factories.ts';
import type { Endpoint, Log } from './ports.ts';
import { connectStore } from './store/http-client.ts';

/** How to run one agent as a process of its own: in a network namespace or in a container. */
export interface AgentProcessOptions {
  readonly config: NodeAgentConfig;
  /** Endpoint of the store: `http://host:port` or `unix:/path`. */
  readonly store: string;
  /** Unix socket on which to serve the control interface. */
  readonly control: string;
  /** Unix socket on which pods of other containers hand over their TAP. */
  readonly podSocket?: string;
  /** Where Prometheus scrapes the agent, and the version of podwire that it is told; absent: nowhere. */
  readonly metrics?: { readonly at: Endpoint; readonly version: string };
  /** BMP collector that is told of its speaker. */
  readonly bmp?: NodeBmp;
  readonly log: { readonly file: string } | 'stderr';
  readonly logLevel: LogLevel;
}

/** A running agent process; `stop` ends it in order. */
export interface AgentProcess {
  readonly agent: NodeAgent;
  stop(): Promise<void>;
}

/** Starts the agent with real ports and serves its control interface. Rejects with one line naming the cause. */
export async function runAgentProcess(options: AgentProcessOptions): Promise<AgentProcess> {
  const { config, podSocket } = options;
  boundRegExpTime();
  const { log, flush } = openLog(options.log, options.logLevel, { lab: config.lab });
  const clock = systemClock();
  // The agent puts its node's name on what it logs itself.
  const kv = connectStore(options.store, { log: log.child({ node: config.node }), clock });
  const agent = new NodeAgent(config, {
    clock,
    random: systemRandom(),
    tcp: nodeTcp(),
    udp: nodeUdp(),
    kv,
    pods: podFactories(clock),
    log,
    ...(options.bmp === undefined ? {} : { bmp: options.bmp }),
  });
  let control: ControlServer | undefined;
  let podServer: FdServer | undefined;
  let metrics: MetricsServer | undefined;
  const stop = async (): Promise<void> => {
    try {
      await agent.stop();
    } finally {
      podServer?.close();
      await metrics?.close();
      await control?.close();
      await kv.close();
      flush();
    }
  };
  try {
    control = await serveControl(options.control, new Map([[config.node, agent]]));
    if (options.metrics !== undefined) metrics = await listenForScrapes(agent, options.metrics);
    await agent.start();
    if (podSocket !== undefined) podServer = await listenForPods(podSocket, agent, config, log);
  } catch (error) {
    // Why it did not start says more than why it did not stop.
    await stop().catch(() => undefined);
    throw error;
  }
  return { agent, stop };
}

/** Loaded only where somebody wants metrics. */
async function listenForScrapes(
  agent: NodeAgent,
  { at, version }: NonNullable<AgentProcessOptions['metrics']>,
): Promise<MetricsServer> {
  const { serveMetrics } = await import('./metrics/server.ts');
  return serveMetrics(at, () => agent.speakers(), version);
}

/** The Linux calls are loaded only where pods come over a socket. */
async function listenForPods(
  path: string,
  agent: NodeAgent,
  { node, pods }: NodeAgentConfig,
  log: Log,
): Promise<FdServer> {
  const { servePodSocket } = await import('./pod/socket.ts');
  return servePodSocket({
    path,
    node,
    specs: pods.filter(({ kind }) => kind === 'linux'),
    pods: agent.podSet,
    onChange: () => agent.podsChanged(),
    log: log.child({ node }),
  });
}
