import { formatIpv4, parseIpv4 } from '../../protocol/ip/ipv4.ts';
import {
  formatPrefix,
  type Prefix,
  parsePrefix,
  prefixContains,
  prefixesOverlap,
} from '../../protocol/ip/prefix.ts';
import type { Lab, LabLink, LabNode } from '../file/model.ts';
import { PlanError, type PlannedLink, type PlanOptions } from './types.ts';

/**
 * Where automatic subnets are taken from. Local labs use loopback addresses, each lab its own network, but not the
 * first /16, where other programs (resolvers, Debian's own host name) have theirs.
 */
const RANGES = {
  local: Array.from({ length: 254 }, (_, i) => `127.${i + 1}.0.0/16`),
  netns: ['172.30.0.0/16', '172.31.0.0/16', '10.213.0.0/16'],
} as const;

/**
 * The underlay of a lab: the link's own subnet, or a free one. The search starts at a place that the lab's name
 * decides, so a lab gets the same addresses every time unless another lab has them.
 * @throws PlanError where the subnet does not suit the runtime or collides, or none is free.
 */
export function planLink(lab: Lab, options: PlanOptions): PlannedLink {
  const [link] = lab.links;
  const used = options.usedUnderlays.map((cidr) => parsePrefix(cidr, 'mask'));
  const subnet =
    link.subnet === 'auto'
      ? freeSubnet(lab, options, used)
      : checkSubnet(link, parsePrefix(link.subnet), options, used);
  return { name: link.name, subnet: formatPrefix(subnet), prefixLength: subnet.length, mtu: link.mtu };
}

function checkSubnet(link: LabLink, subnet: Prefix, options: PlanOptions, used: readonly Prefix[]): Prefix {
  const loopback = prefixContains(parsePrefix('127.0.0.0/8'), subnet);
  if (options.runtime === 'local' && !loopback) {
    throw new PlanError(
      `link ${link.name}: subnet ${link.subnet} in runtime local, expected auto or one inside 127.0.0.0/8`,
    );
  }
  if (options.runtime === 'netns' && loopback) {
    throw new PlanError(
      `link ${link.name}: subnet ${link.subnet} in runtime netns, expected auto or one outside 127.0.0.0/8`,
    );
  }
  const taken = used.find((other) => prefixesOverlap(other, subnet));
  if (taken !== undefined) {
    throw new PlanError(
      `link ${link.name}: subnet ${link.subnet} overlaps ${formatPrefix(taken)}, which is in use on this machine`,
    );
  }
  return subnet;
}

function freeSubnet(lab: Lab, options: PlanOptions, used: readonly Prefix[]): Prefix {
  const length = subnetLength(lab.nodes.length);
  const pools = lab.resources.flatMap(({ kind, spec }) =>
    kind === 'IPPool' ? [parsePrefix(String(spec.cidr))] : [],
  );
  const ranges = RANGES[options.runtime];
  const perRange = 2 ** (length - 16);
  // A local lab starts anywhere; in netns the first range is preferred, the others are for machines that use it.
  const candidates = ranges.length * perRange;
  const start = fnv1a(options.name ?? lab.name) % (options.runtime === 'local' ? candidates : perRange);
  for (let i = 0; i < candidates; i++) {
    const at = (start + i) % candidates;
    const range = ranges[Math.floor(at / perRange)]!;
    const base = parseIpv4(range.split('/')[0]!) + (at % perRange) * 2 ** (32 - length);
    const subnet = parsePrefix(`${formatIpv4(base)}/${length}`);
    if (![...used, ...pools].some((other) => prefixesOverlap(other, subnet))) return subnet;
  }
  throw new PlanError(
    `no free /${length} for the underlay in ${ranges[0]} to ${ranges.at(-1)}, expected a fixed subnet of the link`,
  );
}

/** A /24, or the longest prefix with an address for each node. */
function subnetLength(nodes: number): number {
  let length = 24;
  while (length > 16 && 2 ** (32 - length) - 2 < nodes) length--;
  return length;
}

/** FNV-1a, 32 bits: spreads names. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** Addresses by node name: the fixed ones, and for the others the lowest free ones in file order. */
export function planAddresses(nodes: readonly LabNode[], link: PlannedLink): ReadonlyMap<string, string> {
  const base = parseIpv4(link.subnet.split('/')[0]!);
  const fixed = new Set(nodes.flatMap(({ address }) => address ?? []));
  let next = link.prefixLength >= 31 ? base : base + 1;
  const addresses = nodes.map((node): [string, string] => {
    if (node.address !== undefined) return [node.name, node.address];
    while (fixed.has(formatIpv4(next))) next++;
    return [node.name, formatIpv4(next++)];
  });
  return new Map(addresses);
}
