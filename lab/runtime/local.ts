import { systemRandom } from '../../agents/io/random.ts';
import { nodeTcp } from '../../agents/io/tcp.ts';
import { nodeUdp } from '../../agents/io/udp.ts';
import { NodeAgent } from '../../agents/node/node-agent.ts';
import { podFactories } from '../../agents/pod/factories.ts';
import type { Clock, Log } from '../../agents/ports.ts';
import type { Store } from '../../agents/store/store.ts';
import type { PlannedNode } from '../plan/plan.ts';
import type { RunningNode, Runtime } from './runtime.ts';

/** All agents in this process, each on its own loopback address, on real sockets. */
export class LocalRuntime implements Runtime {
  readonly kind = 'local';
  readonly fabric = null;
  readonly #ports: {
    readonly clock: Clock;
    readonly log: Log;
    readonly store: Store;
    readonly application: string;
  };

  constructor(ports: {
    readonly clock: Clock;
    readonly log: Log;
    readonly store: Store;
    readonly application: string;
  }) {
    this.#ports = ports;
  }

  async prepare(): Promise<void> {
    // Loopback has every address that the nodes need.
  }

  async start(node: PlannedNode, signal: AbortSignal): Promise<RunningNode> {
    if (node.kind === 'linux')
      throw new Error(`node ${node.name} is of kind linux, which needs --runtime netns`);
    const { clock, log, store, application } = this.#ports;
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
    });
    const exited = Promise.withResolvers<undefined>();
    const end = async (how: 'stop' | 'kill'): Promise<void> => {
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

  async close(): Promise<void> {
    // Nothing is shared beyond the process.
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
