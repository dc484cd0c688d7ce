import { FieldError } from '../../protocol/calico/resources/field.ts';
import { parseResourceOf } from '../../protocol/calico/resources/parse.ts';
import { parseSelector } from '../../protocol/calico/selector/parser.ts';
import { SelectorError } from '../../protocol/calico/selector/tokenizer.ts';
import { prefixesOverlap } from '../../protocol/ip/prefix.ts';
import { envName, type LabLink, type LabNode } from './model.ts';
import { tryPrefix } from './prefix.ts';
import { list } from './read-pods.ts';
import type { PlacedResource } from './read-resources.ts';
import type { Path } from './source.ts';
import { didYouMean } from './suggest.ts';

const SELECTORS = ['nodeSelector', 'namespaceSelector', 'peerSelector'];

/** Checks that one resource alone and all together make sense for the lab's nodes and link. */
export function checkResources(
  placed: readonly PlacedResource[],
  nodes: readonly LabNode[],
  link: LabLink,
): void {
  for (const one of placed) {
    checkSelectors(one);
    if (one.resource.kind === 'IPPool') checkPool(one, link);
    if (one.resource.kind === 'BGPPeer') checkPeer(one, nodes);
    if (one.resource.kind === 'BGPFilter') checkFilter(one);
    if (one.resource.kind === 'BGPConfiguration') checkConfiguration(one, nodes);
  }
  checkFilterNames(placed);
  checkPoolOverlap(placed.filter(({ resource }) => resource.kind === 'IPPool'));
}

function at(one: PlacedResource, field: string): Path {
  return [...one.path, 'spec', field];
}

function checkSelectors(one: PlacedResource): void {
  for (const field of SELECTORS) {
    const text = one.resource.spec[field];
    if (typeof text !== 'string') continue;
    try {
      parseSelector(text);
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      one.report.value(at(one, field), `bad ${field}: ${error.message}`);
    }
  }
}

function checkPool(one: PlacedResource, link: LabLink): void {
  const { spec, metadata } = one.resource;
  const cidr = tryPrefix(String(spec.cidr))!;
  if (cidr.version === 6) {
    one.report.value(
      at(one, 'cidr'),
      `IPPool ${metadata.name} is IPv6, expected an IPv4 CIDR (pods have IPv4 addresses)`,
    );
    return;
  }
  const blockSize = (spec.blockSize as number | undefined) ?? 26;
  if (blockSize > 32) {
    one.report.value(at(one, 'blockSize'), `blockSize ${blockSize}, expected 20 to 32 for an IPv4 pool`);
  } else if (blockSize < cidr.length) {
    const message = `blockSize ${blockSize} is larger than the pool ${spec.cidr}, expected ${cidr.length} to 32`;
    one.report.value(at(one, spec.blockSize === undefined ? 'cidr' : 'blockSize'), message);
  }
  const vxlan = spec.vxlanMode !== undefined && spec.vxlanMode !== 'Never';
  if (spec.ipipMode !== undefined && spec.ipipMode !== 'Never') {
    const message = vxlan
      ? `ipipMode ${spec.ipipMode} together with vxlanMode ${spec.vxlanMode}, expected one of them to be Never`
      : `ipipMode ${spec.ipipMode}, expected Never (podwire carries VXLAN or plain packets)`;
    one.report.value(at(one, 'ipipMode'), message);
  }
  const subnet = tryPrefix(link.subnet);
  if (subnet !== undefined && prefixesOverlap(cidr, subnet)) {
    const message = `IPPool ${metadata.name} ${spec.cidr} overlaps the link ${link.name} ${link.subnet}, expected separate CIDRs`;
    one.report.value(at(one, 'cidr'), message);
  }
  const loopback = tryPrefix('127.0.0.0/8')!;
  if (prefixesOverlap(cidr, loopback)) {
    one.report.value(
      at(one, 'cidr'),
      `IPPool ${metadata.name} ${spec.cidr} overlaps 127.0.0.0/8, expected another CIDR`,
    );
  }
}

function checkPoolOverlap(pools: readonly PlacedResource[]): void {
  pools.forEach((later, i) => {
    const cidr = tryPrefix(String(later.resource.spec.cidr))!;
    const earlier = pools
      .slice(0, i)
      .find((one) => prefixesOverlap(cidr, tryPrefix(String(one.resource.spec.cidr))!));
    if (earlier === undefined) return;
    const { metadata, spec } = earlier.resource;
    const message = `IPPool ${later.resource.metadata.name} ${later.resource.spec.cidr} overlaps IPPool ${metadata.name} ${spec.cidr}, expected separate CIDRs`;
    later.report.value(at(later, 'cidr'), message);
  });
}

function checkPeer(one: PlacedResource, nodes: readonly LabNode[]): void {
  const { spec, metadata } = one.resource;
  const what = `BGPPeer ${metadata.name}`;
  if (spec.node !== undefined && spec.nodeSelector !== undefined) {
    one.report.value(at(one, 'nodeSelector'), `${what} has node and nodeSelector, expected one of them`);
  }
  if (spec.peerIP !== undefined && spec.peerSelector !== undefined) {
    one.report.value(at(one, 'peerSelector'), `${what} has peerIP and peerSelector, expected one of them`);
  }
  if (spec.peerIP === undefined && spec.peerSelector === undefined) {
    one.report.value(
      [...one.path, 'spec'],
      `${what} names no peer, expected peerIP with asNumber, or peerSelector`,
    );
  }
  if (spec.peerIP !== undefined && spec.asNumber === undefined) {
    one.report.value(at(one, 'peerIP'), `${what} has peerIP without asNumber, expected the peer's AS number`);
  }
  if (spec.peerSelector !== undefined && spec.asNumber !== undefined) {
    one.report.value(
      at(one, 'asNumber'),
      `${what} has asNumber with peerSelector, expected it only with peerIP`,
    );
  }
  if (typeof spec.node === 'string') checkNode(one, at(one, 'node'), spec.node, nodes);
  const variable = /^\$\{PODWIRE_([A-Z0-9_]+)_ADDRESS\}/.exec(String(spec.peerIP ?? ''))?.[1];
  if (variable !== undefined && !nodes.some((node) => envName(node.name) === variable)) {
    const names = nodes.map((node) => envName(node.name));
    const hint = didYouMean(variable, names) || `, expected one of ${list(names)}`;
    one.report.value(at(one, 'peerIP'), `PODWIRE_${variable}_ADDRESS: no node has that name${hint}`);
  }
}

function checkFilter(one: PlacedResource): void {
  try {
    parseResourceOf('BGPFilter', one.resource);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    one.report.value([...one.path, ...error.path], error.message);
  }
}

/** The filters that peers name must be in the lab: nobody else would bring them. */
function checkFilterNames(placed: readonly PlacedResource[]): void {
  const names = placed.flatMap(({ resource: { kind, metadata } }) =>
    kind === 'BGPFilter' ? metadata.name : [],
  );
  for (const one of placed) {
    const { kind, spec, metadata } = one.resource;
    if (kind !== 'BGPPeer' || !Array.isArray(spec.filters)) continue;
    for (const [i, name] of (spec.filters as string[]).entries()) {
      if (names.includes(name)) continue;
      const hint =
        didYouMean(name, names) ||
        `, expected ${names.length === 0 ? 'a BGPFilter' : `one of ${list(names)}`}`;
      one.report.value(
        [...at(one, 'filters'), i],
        `BGPPeer ${metadata.name} names the BGPFilter ${name}, which is not there${hint}`,
      );
    }
  }
}

function checkConfiguration(one: PlacedResource, nodes: readonly LabNode[]): void {
  const { name } = one.resource.metadata;
  if (name === 'default') return;
  const path = [...one.path, 'metadata', 'name'];
  if (!name.startsWith('node.')) {
    one.report.value(path, `BGPConfiguration ${name}, expected the name default or node.NODE`);
    return;
  }
  checkNode(one, path, name.slice('node.'.length), nodes);
  for (const field of ['nodeToNodeMeshEnabled', 'asNumber', 'listenPort']) {
    if (one.resource.spec[field] === undefined) continue;
    one.report.key(
      at(one, field),
      `${field} in BGPConfiguration ${name}, expected only in the one named default`,
    );
  }
}

function checkNode(one: PlacedResource, path: Path, name: string, nodes: readonly LabNode[]): void {
  if (nodes.some((node) => node.name === name)) return;
  const names = nodes.map((node) => node.name);
  const hint = didYouMean(name, names) || `, expected one of ${list(names)}`;
  one.report.value(path, `unknown node ${JSON.stringify(name)}${hint}`);
}
