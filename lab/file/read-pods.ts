import { type LabNode, type LabPod, podKey } from './model.ts';
import { expandNames, PatternError } from './names.ts';
import { checkName, expandAt, type PlacedNode } from './read-nodes.ts';
import type { Report } from './report.ts';
import { podSchema, type RawLab, type RawPod } from './schema.ts';
import type { Path } from './source.ts';
import { didYouMean } from './suggest.ts';

/** A pod and the place of its entry in the file. */
export interface PlacedPod {
  readonly pod: LabPod;
  readonly path: Path;
}

/** Expands and checks `pods` and `podsPerNode` of a file. */
export function readPods(raw: RawLab, nodes: readonly PlacedNode[], report: Report): PlacedPod[] {
  const byName = new Map(nodes.map(({ node }) => [node.name, node]));
  const hosts = nodes.flatMap(({ node }) => (node.kind === 'host' ? [node.name] : []));
  const placed: PlacedPod[] = [];
  const taken = new Set<string>();
  const add = (pod: LabPod, path: Path): void => {
    const key = podKey(pod);
    if (taken.has(key)) {
      report.key(path, `duplicate pod ${key}, expected each pod once`);
      return;
    }
    taken.add(key);
    placed.push({ pod, path });
  };
  for (const [pattern, entry] of Object.entries(raw.pods ?? {})) {
    for (const pod of expandEntry(pattern, entry ?? podSchema.parse({}), byName, hosts, report)) {
      add(pod, ['pods', pattern]);
    }
  }
  for (const pod of perNode(raw, hosts)) add(pod, ['podsPerNode']);
  return placed;
}

function expandEntry(
  pattern: string,
  entry: RawPod,
  byName: ReadonlyMap<string, LabNode>,
  hosts: readonly string[],
  report: Report,
): LabPod[] {
  const path = ['pods', pattern];
  const { namespace, namePattern } = splitKey(pattern, entry, report);
  const names = expandAt(namePattern, path, report).filter((name) => checkName(name, 'pod', path, report));
  if (entry.address !== undefined && names.length > 1) {
    report.value(
      [...path, 'address'],
      `one address for ${names.length} pods, expected an address on a single pod`,
    );
  }
  const nodes = hostsOf(entry.node, byName, hosts, path, report);
  if (nodes.length === 0) return [];
  return names.map((name, i) => ({
    namespace,
    name,
    node: nodes[i % nodes.length]!,
    labels: entry.labels ?? {},
    kind: entry.kind,
    address: entry.address,
    pool: entry.pool,
  }));
}

function splitKey(
  pattern: string,
  entry: RawPod,
  report: Report,
): { namespace: string; namePattern: string } {
  const slash = pattern.indexOf('/');
  if (slash < 0) return { namespace: entry.namespace ?? 'default', namePattern: pattern };
  const namespace = pattern.slice(0, slash);
  const path = ['pods', pattern];
  checkName(namespace, 'namespace', path, report);
  if (entry.namespace !== undefined && entry.namespace !== namespace) {
    const message = `namespace ${entry.namespace} of pod ${pattern}, expected ${namespace} as in its name`;
    report.value([...path, 'namespace'], message);
  }
  return { namespace, namePattern: pattern.slice(slash + 1) };
}

/** The hosts that an entry's `node` names, all hosts where it names none. */
function hostsOf(
  pattern: string | undefined,
  byName: ReadonlyMap<string, LabNode>,
  hosts: readonly string[],
  path: Path,
  report: Report,
): readonly string[] {
  if (pattern === undefined) {
    if (hosts.length === 0) report.key(path, 'pod without a host to run on, expected a node of kind host');
    return hosts;
  }
  const at = [...path, 'node'];
  const names = expandNodePattern(pattern, at, report);
  const wrong = names.find((name) => byName.get(name)?.kind !== 'host');
  if (wrong === undefined) return names;
  const kind = byName.get(wrong)?.kind;
  if (kind === undefined) {
    const hint = didYouMean(wrong, hosts) || `, expected one of ${list(hosts)}`;
    report.value(at, `unknown node ${JSON.stringify(wrong)}${hint}`);
  } else {
    report.value(at, `node ${wrong} is a ${kind}, expected a host, which alone runs pods`);
  }
  return [];
}

function expandNodePattern(pattern: string, path: Path, report: Report): readonly string[] {
  try {
    return expandNames(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    report.value(path, error.message);
    return [];
  }
}

function perNode(raw: RawLab, hosts: readonly string[]): LabPod[] {
  if (raw.podsPerNode === undefined) return [];
  const entry =
    typeof raw.podsPerNode === 'number'
      ? { ...podSchema.parse({}), count: raw.podsPerNode }
      : raw.podsPerNode;
  return hosts.flatMap((node) =>
    Array.from({ length: entry.count }, (_, i) => ({
      namespace: entry.namespace ?? 'default',
      name: `${node}-pod-${i + 1}`,
      node,
      labels: entry.labels ?? {},
      kind: entry.kind,
      address: undefined,
      pool: entry.pool,
    })),
  );
}

/** The first few of a list of names. */
export function list(names: readonly string[], limit = 5): string {
  if (names.length === 0) return '(none)';
  return names.length <= limit
    ? names.join(', ')
    : `${names.slice(0, limit).join(', ')}, ... (${names.length} in all)`;
}
