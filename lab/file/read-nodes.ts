import type { ForeignCalicoNode, LabNode } from './model.ts';
import { expandNames, PatternError } from './names.ts';
import type { Report } from './report.ts';
import { LABEL, nodeSchema, type RawNode } from './schema.ts';
import type { Path } from './source.ts';

/** Cluster id of reflectors that set none, the one of Calico's documentation. */
const DEFAULT_CLUSTER_ID = '244.0.0.1';

/** A node and the place of its entry in the file. */
export interface PlacedNode {
  readonly node: LabNode;
  readonly path: Path;
}

/** Keys that only some kinds have. */
const KIND_KEYS: readonly { readonly key: keyof RawNode; readonly kinds: readonly LabNode['kind'][] }[] = [
  { key: 'clusterId', kinds: ['host', 'route-reflector'] },
  { key: 'exec', kinds: ['linux'] },
  { key: 'run', kinds: ['linux'] },
  { key: 'env', kinds: ['linux'] },
  { key: 'calico', kinds: ['linux'] },
];

/** Expands and checks the `nodes` of a file. */
export function readNodes(raw: Readonly<Record<string, RawNode | null>>, report: Report): PlacedNode[] {
  const placed: PlacedNode[] = [];
  const taken = new Set<string>();
  for (const [pattern, entry] of Object.entries(raw)) {
    const path = ['nodes', pattern];
    const node = entry ?? nodeSchema.parse({});
    checkKeys(node, path, report);
    const names = expandAt(pattern, path, report);
    if (node.address !== undefined && names.length > 1) {
      report.value(
        [...path, 'address'],
        `one address for ${names.length} nodes, expected an address on a single node`,
      );
    }
    for (const name of names) {
      if (!checkName(name, 'node', path, report)) continue;
      if (taken.has(name)) {
        report.key(path, `duplicate node ${name}, expected each node once`);
        continue;
      }
      taken.add(name);
      placed.push({ node: toNode(name, node), path });
    }
  }
  if (placed.length === 0 && report.problems.length === 0) {
    report.value(['nodes'], 'the lab has no nodes, expected at least one host');
  }
  return placed;
}

/** Names of a pattern; none and a problem at its key where it is malformed. */
export function expandAt(pattern: string, path: Path, report: Report): readonly string[] {
  try {
    return expandNames(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    report.key(path, error.message);
    return [];
  }
}

/** Whether a name may be used; a problem where not. */
export function checkName(name: string, what: string, path: Path, report: Report): boolean {
  if (LABEL.test(name)) return true;
  report.key(
    path,
    `${what} name ${JSON.stringify(name)}, expected lower-case letters, digits and -, at most 63`,
  );
  return false;
}

function checkKeys(node: RawNode, path: Path, report: Report): void {
  for (const { key, kinds } of KIND_KEYS) {
    if (node[key] === undefined || kinds.includes(node.kind)) continue;
    report.key([...path, key], `${key} on a ${node.kind} node, expected only on kind ${kinds.join(' or ')}`);
  }
}

function toNode(name: string, raw: RawNode): LabNode {
  const base = {
    name,
    labels: { 'kubernetes.io/hostname': name, ...raw.labels },
    asn: raw.asn,
    address: raw.address,
  };
  switch (raw.kind) {
    case 'host':
      return { ...base, kind: 'host', clusterId: raw.clusterId };
    case 'route-reflector':
      return { ...base, kind: 'route-reflector', clusterId: raw.clusterId ?? DEFAULT_CLUSTER_ID };
    case 'linux':
      return {
        ...base,
        kind: 'linux',
        exec: raw.exec ?? [],
        run: raw.run,
        env: raw.env ?? {},
        calico: raw.calico === undefined ? undefined : toForeign(raw.calico),
      };
  }
}

function toForeign(raw: NonNullable<RawNode['calico']>): ForeignCalicoNode {
  return {
    vxlanTunnelAddr: raw.vxlanTunnelAddr,
    vxlanTunnelMACAddr: raw.vxlanTunnelMACAddr?.toLowerCase(),
    blocks: raw.blocks ?? [],
  };
}
