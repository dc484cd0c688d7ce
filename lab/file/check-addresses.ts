import { selectorMatches } from '../../protocol/calico/selector/evaluate.ts';
import { parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import { type CalicoResource, type LabLink, type LabNode, podKey } from './model.ts';
import { tryPrefix } from './prefix.ts';
import type { PlacedNode } from './read-nodes.ts';
import { list, type PlacedPod } from './read-pods.ts';
import type { Report } from './report.ts';
import type { Path } from './source.ts';
import { didYouMean } from './suggest.ts';

/** Checks the fixed addresses of nodes against the link and each other, and that the link has room. */
export function checkNodeAddresses(placed: readonly PlacedNode[], link: LabLink, report: Report): void {
  const subnet = tryPrefix(link.subnet);
  const owners = new Map<string, string>();
  for (const { node, path } of placed) {
    if (node.address === undefined) continue;
    const at = [...path, 'address'];
    const owner = owners.get(node.address);
    if (owner !== undefined) {
      report.value(
        at,
        `nodes ${owner} and ${node.name} both have the address ${node.address}, expected different ones`,
      );
    }
    owners.set(node.address, node.name);
    checkOnLink(node.address, subnet, link, at, report);
  }
  if (subnet !== undefined && hostCount(subnet.length) < placed.length) {
    const message = `link ${link.name} ${link.subnet} has ${hostCount(subnet.length)} addresses for ${placed.length} nodes, expected a larger subnet`;
    report.value(['links', 0, 'subnet'], message);
  }
}

function checkOnLink(
  address: string,
  subnet: ReturnType<typeof tryPrefix>,
  link: LabLink,
  at: Path,
  report: Report,
): void {
  if (subnet === undefined) {
    report.value(
      at,
      `address ${address} on an automatic subnet, expected a fixed subnet of the link ${link.name}`,
    );
    return;
  }
  const offset = addressOffset(address, subnet);
  if (offset === undefined) {
    report.value(
      at,
      `address ${address} is outside the link ${link.name} ${link.subnet}, expected one inside`,
    );
  } else if (subnet.length < 31 && (offset === 0 || offset === 2 ** (32 - subnet.length) - 1)) {
    report.value(
      at,
      `address ${address} is the network or broadcast address of ${link.subnet}, expected a host address`,
    );
  }
}

/** Usable addresses of a subnet. */
function hostCount(length: number): number {
  return length >= 31 ? 2 ** (32 - length) : 2 ** (32 - length) - 2;
}

function addressOffset(
  address: string,
  subnet: NonNullable<ReturnType<typeof tryPrefix>>,
): number | undefined {
  const own = parsePrefix(address);
  if (!prefixContains(subnet, own)) return undefined;
  const view = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return view(own.bytes) - view(subnet.bytes);
}

/** Checks pods' pools and fixed addresses, and that the pools hold all pods and tunnels. */
export function checkPodAddresses(
  placed: readonly PlacedPod[],
  nodes: readonly LabNode[],
  resources: readonly CalicoResource[],
  report: Report,
): void {
  const pools = resources.filter((resource) => resource.kind === 'IPPool');
  const owners = new Map<string, string>();
  for (const one of placed) {
    checkPodPool(one, nodes, pools, report);
    const { address } = one.pod;
    if (address === undefined) continue;
    const owner = owners.get(address);
    const at = [...one.path, 'address'];
    if (owner !== undefined) {
      report.value(
        at,
        `pods ${owner} and ${podKey(one.pod)} both have the address ${address}, expected different ones`,
      );
    }
    owners.set(address, podKey(one.pod));
    checkPodAddress(address, one, pools, at, report);
  }
  if (report.problems.length === 0) checkCapacity(placed, nodes, pools, report);
}

function checkPodPool(
  { pod, path }: PlacedPod,
  nodes: readonly LabNode[],
  pools: readonly CalicoResource[],
  report: Report,
): void {
  if (pod.pool === undefined) return;
  const at = [...path, 'pool'];
  const pool = pools.find(({ metadata }) => metadata.name === pod.pool);
  if (pool === undefined) {
    const names = pools.map(({ metadata }) => metadata.name);
    const hint = didYouMean(pod.pool, names) || `, expected one of ${list(names)}`;
    report.value(at, `unknown IPPool ${JSON.stringify(pod.pool)}${hint}`);
  } else if (pool.spec.disabled === true) {
    report.value(at, `IPPool ${pod.pool} is disabled, expected an enabled one`);
  } else if (!usable(pool, nodes.find(({ name }) => name === pod.node)!)) {
    report.value(
      at,
      `IPPool ${pod.pool} does not select node ${pod.node}, expected a pool whose nodeSelector does`,
    );
  }
}

function checkPodAddress(
  address: string,
  { pod }: PlacedPod,
  pools: readonly CalicoResource[],
  at: Path,
  report: Report,
): void {
  const inside = (pool: CalicoResource): boolean =>
    prefixContains(parsePrefix(String(pool.spec.cidr)), parsePrefix(address));
  const wanted = pod.pool === undefined ? pools : pools.filter(({ metadata }) => metadata.name === pod.pool);
  if (wanted.length === 0 || wanted.some(inside)) return;
  const cidrs = wanted.map(({ metadata, spec }) => `${metadata.name} ${spec.cidr}`);
  report.value(
    at,
    `address ${address} of pod ${podKey(pod)} is in no pool, expected one inside ${list(cidrs)}`,
  );
}

/** Whether pods of a node may take addresses from a pool. */
function usable(pool: CalicoResource, node: LabNode): boolean {
  const { disabled, nodeSelector, allowedUses } = pool.spec;
  if (disabled === true) return false;
  if (Array.isArray(allowedUses) && !allowedUses.includes('Workload')) return false;
  return typeof nodeSelector !== 'string' || selectorMatches(nodeSelector, node.labels);
}

/**
 * Whether there are addresses for all: each pod draws from the pools that it may use, one tunnel address per host
 * from the VXLAN pools. Pods with the same choice are weighed together against what that choice holds in all.
 */
function checkCapacity(
  placed: readonly PlacedPod[],
  nodes: readonly LabNode[],
  pools: readonly CalicoResource[],
  report: Report,
): void {
  const size = (pool: CalicoResource): number => 2 ** (32 - parsePrefix(String(pool.spec.cidr)).length);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const demand = new Map<string, { choice: CalicoResource[]; pods: PlacedPod[] }>();
  for (const one of placed) {
    const node = byName.get(one.pod.node)!;
    const choice = pools.filter(
      (pool) => usable(pool, node) && (one.pod.pool ?? pool.metadata.name) === pool.metadata.name,
    );
    const key = choice.map(({ metadata }) => metadata.name).join(' ');
    const entry = demand.get(key) ?? { choice, pods: [] };
    entry.pods.push(one);
    demand.set(key, entry);
  }
  const hosts = nodes.filter(({ kind }) => kind === 'host').length;
  for (const { choice, pods } of demand.values()) {
    const first = pods[0]!;
    if (choice.length === 0) {
      report.key(
        first.path,
        `pod ${podKey(first.pod)} on ${first.pod.node} has no IPPool, expected an enabled pool that selects the node`,
      );
      continue;
    }
    const tunnels = choice.some(({ spec }) => spec.vxlanMode !== undefined && spec.vxlanMode !== 'Never')
      ? hosts
      : 0;
    const room = choice.reduce((sum, pool) => sum + size(pool), 0) - tunnels;
    if (pods.length <= room) continue;
    const names = list(choice.map(({ metadata, spec }) => `${metadata.name} ${spec.cidr}`));
    const beyond = pods[Math.max(0, room)]!;
    const reserved = tunnels > 0 ? ` beside ${tunnels} tunnel addresses` : '';
    report.key(
      beyond.path,
      `${pods.length} pods in ${names}, expected at most ${Math.max(0, room)}${reserved}`,
    );
  }
}
