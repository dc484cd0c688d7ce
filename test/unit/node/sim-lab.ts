import { Ipam } from '../../../agents/calico/ipam.ts';
import { ResourceClient } from '../../../agents/calico/resources.ts';
import type { PingResult } from '../../../agents/control/types.ts';
import type { NodeAgentConfig } from '../../../agents/node/config.ts';
import { NodeAgent, type NodeAgentPorts } from '../../../agents/node/node-agent.ts';
import { emulatedPods } from '../../../agents/pod/emulated.ts';
import type { PodFactory, PodSpec } from '../../../agents/pod/types.ts';
import type { Random } from '../../../agents/ports.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import { parseResource } from '../../../protocol/calico/resources/parse.ts';
import { SimClock, SimNet, seededRandom } from '../../support/sim-net.ts';
import { keptLog, type LogLine } from './support.ts';

const noLinuxPods: PodFactory = {
  create: async () => {
    throw new Error('linux pods are not for simulations');
  },
};

/** A pod to run. */
export function podSpec(name: string, more: Partial<PodSpec> = {}): PodSpec {
  return { namespace: 'default', name, labels: {}, kind: 'emulated', ...more };
}

/** A Calico cluster whose agents, store and network are in memory, in virtual time. */
export class SimLab {
  readonly clock: SimClock = new SimClock();
  readonly random: Random;
  readonly net: SimNet;
  readonly store: Store;
  readonly kv: KvClient;
  readonly resources: ResourceClient;
  readonly ipam: Ipam;
  readonly agents: Map<string, NodeAgent> = new Map();
  readonly log: LogLine[] = [];

  constructor(seed = 1) {
    this.random = seededRandom(seed);
    this.net = new SimNet(this.clock);
    this.store = createMemoryStore({ clock: this.clock, random: this.random });
    this.kv = this.store.client();
    const ports = { clock: this.clock, random: this.random };
    this.resources = new ResourceClient(this.kv, ports);
    this.ipam = new Ipam(this.kv, ports);
  }

  /** Applies a resource of `projectcalico.org/v3`; the agents hear of it when time passes. */
  async apply(kind: string, name: string, spec: object): Promise<void> {
    const resource = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec };
    await this.resources.apply(parseResource(resource));
  }

  /** The pool that every test needs. */
  async pool(more: object = {}): Promise<void> {
    await this.apply('IPPool', 'default', { cidr: '10.65.0.0/16', vxlanMode: 'Always', ...more });
  }

  /** An agent at 127.9.0.`index` that was not started. */
  agent(
    name: string,
    index: number,
    more: Partial<NodeAgentConfig> = {},
    ports: Partial<NodeAgentPorts> = {},
  ): NodeAgent {
    const address = `127.9.0.${index}`;
    const config: NodeAgentConfig = {
      lab: 'x',
      node: name,
      kind: 'host',
      address,
      prefixLength: 24,
      link: 'underlay',
      mtu: 1500,
      bgpPort: 179,
      labels: {},
      pods: [],
      ...more,
    };
    const agent = new NodeAgent(config, {
      clock: this.clock,
      random: this.random,
      tcp: this.net.tcp(address),
      udp: this.net.udp(address),
      kv: this.store.client(),
      pods: { emulated: emulatedPods(this.clock), linux: noLinuxPods },
      log: keptLog(this.log),
      ...ports,
    });
    this.agents.set(name, agent);
    return agent;
  }

  /** A host at 127.9.0.`index` with these pods, started. */
  async host(name: string, index: number, pods: readonly PodSpec[] = []): Promise<NodeAgent> {
    const agent = this.agent(name, index, { pods });
    await this.clock.outcome(agent.start());
    return agent;
  }

  /** host1 with pod a and host2 with pod b, started. */
  async pair(): Promise<readonly [NodeAgent, NodeAgent]> {
    await this.pool();
    return [await this.host('host1', 1, [podSpec('a')]), await this.host('host2', 2, [podSpec('b')])];
  }

  /** Lets time pass until what the agents say of themselves satisfies `look`. */
  async until(look: (lines: readonly string[]) => boolean, limit?: number): Promise<void> {
    let lines: readonly string[] = [];
    const abort = new AbortController();
    let changed = true;
    const watches = [...this.agents.values()].map((agent) =>
      agent.watchStatus(() => {
        changed = true;
      }, abort.signal),
    );
    try {
      for (const end = this.clock.now() + (limit ?? 60_000); !look(lines); ) {
        changed = false;
        lines = await this.summary();
        if (look(lines)) return;
        const left = end - this.clock.now();
        await this.clock
          .until(() => changed, left)
          .catch(() => {
            throw new Error(`not within ${limit ?? 60_000} ms, but: ${lines.join('; ')}`);
          });
      }
    } finally {
      abort.abort();
      await Promise.all(watches);
    }
  }

  /** Each running agent: its sessions, and to how many blocks of others it has a way. */
  async summary(): Promise<string[]> {
    const lines = [...this.agents.values()].map(async (agent) => {
      const { node, sessions, reachable } = await agent.status();
      return `${node} ${sessions.synced}/${sessions.total} ${reachable.length}`;
    });
    return Promise.all(lines);
  }

  /** Lets time pass until the agents' summaries are these. */
  async becomes(...wanted: readonly string[]): Promise<void> {
    await this.until((lines) => lines.join() === wanted.join());
  }

  /** Address of a pod. */
  async address(agent: NodeAgent, pod: string): Promise<string> {
    const found = (await agent.pods()).find(({ name }) => name === pod);
    if (found === undefined) throw new Error(`${agent.node} runs no pod ${pod}`);
    return found.addresses[0]!;
  }

  /** Sends one echo request from a pod to an address. */
  async ping(agent: NodeAgent, pod: string, destination: string): Promise<PingResult> {
    const results: PingResult[] = [];
    const request = {
      pod: `default/${pod}`,
      destination,
      count: 1,
      intervalMs: 0,
      timeoutMs: 4000,
      size: 56,
      ttl: 64,
    };
    const signal = new AbortController().signal;
    await this.clock.outcome(agent.ping(request, (result) => results.push(result), signal));
    return results[0]!;
  }

  /** Warnings and errors that were logged. */
  complaints(): readonly LogLine[] {
    return this.log.filter(([level]) => level === 'warn' || level === 'error');
  }

  /** Stops all agents and the store. */
  async close(): Promise<void> {
    for (const agent of this.agents.values()) await this.clock.outcome(agent.stop());
    await this.store.close();
  }
}
