import type { NodeAgentConfig } from '../../agents/node/config.ts';
import { formatPrefix, parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import { envName, type Lab, type LabNode } from '../file/model.ts';
import { suggest } from '../file/suggest.ts';
import { type LabPlan, PlanError, type PlanOptions, planLab } from '../plan/plan.ts';

/** BGP's port (RFC 4271 §8): containers may bind it. A BGPConfiguration's listenPort goes before it. */
const BGP_PORT = 179;

/** What a container knows about itself and the lab file does not. */
export interface ContainerNode {
  readonly node: string;
  readonly address: string;
  readonly prefixLength: number;
  /** MTU of the interface that has the address, where it is known. */
  readonly mtu?: number | undefined;
  /** `--name`: overrides the lab file's. */
  readonly name?: string | undefined;
  readonly linuxPods: PlanOptions['linuxPods'];
  /** Linux pods come over a socket. */
  readonly podSocket: boolean;
}

/**
 * The configuration of one agent whose address is given from outside, as containers have it.
 * @throws PlanError where the lab has no such node, or the node runs no agent.
 */
export function planContainerNode(lab: Lab, container: ContainerNode): NodeAgentConfig {
  const wanted = lab.nodes.find(({ name }) => name === container.node);
  if (wanted === undefined)
    throw new PlanError(`no node ${container.node} in the lab file${hint(lab, container)}`);
  if (wanted.kind === 'linux') {
    throw new PlanError(`node ${container.node} is of kind linux, which runs no agent`);
  }
  const [link] = lab.links;
  const { address, prefixLength } = container;
  const subnet = formatPrefix(parsePrefix(`${address}/${prefixLength}`, 'mask'));
  const nodes = lab.nodes.map(
    (node): LabNode => (node.name === container.node ? { ...node, address } : node),
  );
  const mtu = Math.min(link.mtu, container.mtu ?? link.mtu);
  const plan = planLab(
    { ...lab, nodes, links: [{ ...link, subnet, mtu }] },
    { ...options(subnet), name: container.name, linuxPods: container.linuxPods },
  );
  const planned = plan.nodes.find(({ name }) => name === container.node)!;
  // Checked above: only foreign nodes have none.
  const { config } = planned as Extract<typeof planned, { config: NodeAgentConfig }>;
  const labNodes = lab.nodes.flatMap(({ name, kind }) => (kind === 'linux' ? [] : [{ name, kind }]));
  return { ...config, labNodes, ...(container.podSocket ? { linuxPodsFrom: 'socket' } : {}) };
}

/**
 * The plan of a lab whose nodes have addresses that this process does not know, for the resources that go into the store.
 * @throws PlanError where a resource needs the address of a node to which the lab file gives none.
 */
export function planContainerResources(lab: Lab, name: string | undefined): LabPlan {
  for (const node of lab.nodes) {
    if (node.address !== undefined) continue;
    const variable = `PODWIRE_${envName(node.name)}_ADDRESS`;
    const user = lab.resources.find(({ spec }) => String(spec.peerIP).includes(`{${variable}}`));
    if (user === undefined && node.kind !== 'linux') continue;
    const why =
      user === undefined ? 'the lab writes its Node resource' : `${user.kind} ${user.metadata.name} names it`;
    throw new PlanError(`node ${node.name}: ${why}, expected a fixed address in the lab file`);
  }
  const { subnet } = lab.links[0];
  return planLab(lab, { ...options(subnet), name });
}

function options(subnet: string): PlanOptions {
  const loopback = subnet !== 'auto' && prefixContains(parsePrefix('127.0.0.0/8'), parsePrefix(subnet));
  return {
    runtime: loopback ? 'local' : 'netns',
    pods: 'auto',
    linuxPods: { possible: true },
    store: 'memory',
    bgpPort: BGP_PORT,
    usedUnderlays: [],
  };
}

function hint(lab: Lab, { node }: ContainerNode): string {
  const names = lab.nodes.map(({ name }) => name);
  const guess = suggest(node, names);
  return guess === undefined ? `, expected one of ${names.join(', ')}` : `, did you mean ${guess}?`;
}
