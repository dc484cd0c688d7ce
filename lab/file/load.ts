import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { checkNodeAddresses, checkPodAddresses } from './check-addresses.ts';
import { checkForeignNodes } from './check-foreign.ts';
import { checkResources } from './check-resources.ts';
import { keysAt, problemsOf } from './issues.ts';
import type { CalicoResource, Lab, LabLink } from './model.ts';
import { LabFileError, type Problem } from './problem.ts';
import { readNodes } from './read-nodes.ts';
import { readPods } from './read-pods.ts';
import { type ReadBeside, readResources } from './read-resources.ts';
import { Report } from './report.ts';
import { labSchema, type RawLab } from './schema.ts';
import { type LabSource, type Path, parseText } from './source.ts';

/** Seconds that Calico's BIRD offers when nothing is set. */
const DEFAULT_HOLD_TIME = 240;

/** The pool of a lab that declares none: Calico's own name and CIDR, in VXLAN mode. */
const DEFAULT_POOL: CalicoResource = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'IPPool',
  metadata: { name: 'default-ipv4-ippool' },
  spec: { cidr: '192.168.0.0/16', blockSize: 26, vxlanMode: 'Always', natOutgoing: true },
};

/** How a lab file reaches the world beside its text. */
export interface LoadOptions {
  /** Environment variables for `${NAME}`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readBeside: ReadBeside;
}

/**
 * Reads and checks a lab file.
 * @throws LabFileError with every problem that was found, also where the file cannot be read.
 */
export function loadLab(path: string, env: LoadOptions['env'] = process.env): Lab {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new LabFileError([
      { file: path, line: 1, column: 1, message: unreadable(error as NodeJS.ErrnoException) },
    ]);
  }
  const readBeside: ReadBeside = (name) => {
    const file = isAbsolute(name) ? name : join(dirname(path), name);
    return { file, text: readFileSync(file, 'utf8') };
  };
  return parseLab(text, path, { env, readBeside });
}

function unreadable(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'no such file, expected a lab file';
  if (error.code === 'EISDIR') return 'is a folder, expected a lab file';
  return `cannot be read (${error.code ?? error.message}), expected a lab file`;
}

/** Checks the text of a lab file. @throws LabFileError with every problem that was found, in file order. */
export function parseLab(text: string, file: string, options: LoadOptions): Lab {
  if (text.includes('\0')) {
    throw failure([{ file, line: 1, column: 1, message: 'is no text, expected a lab file in YAML' }]);
  }
  const { sources, problems, readable } = parseText(file, text, options.env);
  const [source, second] = sources;
  if (!readable) throw failure(problems);
  if (source === undefined || source.value() === null) {
    throw failure([
      ...problems,
      { file, line: 1, column: 1, message: 'empty file, expected a lab with name and nodes' },
    ]);
  }
  const report = new Report(source, [...problems]);
  if (second !== undefined)
    report.problems.push(second.problem([], 'second YAML document, expected one lab per file'));
  const raw = checkShape(source, report);
  // Which of two duplicates was meant is unknown, so nothing can be said about their sense.
  const lab = raw === undefined || problems.length > 0 ? undefined : build(raw, file, report, options);
  if (lab === undefined || report.problems.length > 0) throw failure(report.problems);
  return lab;
}

function failure(problems: readonly Problem[]): LabFileError {
  return new LabFileError(
    problems.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column),
  );
}

/**
 * Checks against the schema. What is wrong is reported and left out, so that the rest can still be checked for sense;
 * `undefined` where too little remains for that.
 */
function checkShape(source: LabSource, report: Report): RawLab | undefined {
  const value = source.value();
  const result = labSchema.safeParse(value);
  if (result.success) return result.data;
  const keys = (path: Path): readonly string[] => keysAt(labSchema, path);
  report.problems.push(...problemsOf(result.error.issues, source, value, [], keys));
  const rest = structuredClone(value);
  for (const issue of result.error.issues) {
    const paths =
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    for (const path of paths) prune(rest, path as Path);
  }
  if (typeof rest === 'object' && rest !== null && !Array.isArray(rest))
    Object.assign(rest, { name: 'unnamed', ...rest });
  const second = labSchema.safeParse(rest);
  return second.success ? second.data : undefined;
}

function prune(root: unknown, path: Path): void {
  // Without its kind nothing else of a node can be judged.
  const whole = path[0] === 'nodes' && path[2] === 'kind';
  const target = whole ? path.slice(0, 2) : path;
  let parent = root as Record<string | number, unknown>;
  for (const segment of target.slice(0, -1)) {
    if (typeof parent !== 'object' || parent === null) return;
    parent = parent[segment] as Record<string | number, unknown>;
  }
  if (typeof parent !== 'object' || parent === null) return;
  if (whole) parent[target.at(-1)!] = null;
  else delete parent[target.at(-1)!];
}

function build(raw: RawLab, file: string, report: Report, options: LoadOptions): Lab {
  const link = readLink(raw, report);
  const nodes = readNodes(raw.nodes, report);
  const pods = readPods(raw, nodes, report);
  const placed = readResources(raw.calico ?? [], report, options.readBeside, options.env);
  const plainNodes = nodes.map(({ node }) => node);
  checkResources(placed, plainNodes, link);
  const declared = placed.map(({ resource }) => withDefaults(resource));
  const resources = declared.some(({ kind }) => kind === 'IPPool') ? declared : [DEFAULT_POOL, ...declared];
  checkNodeAddresses(nodes, link, report);
  if (report.problems.length === 0) {
    checkForeignNodes(nodes, resources, report);
    checkPodAddresses(pods, plainNodes, resources, report);
  }
  return {
    name: raw.name,
    cni: raw.cni,
    file,
    links: [link],
    nodes: plainNodes,
    pods: pods.map(({ pod }) => pod),
    bgp: { holdTime: raw.bgp?.holdTime ?? DEFAULT_HOLD_TIME },
    resources,
  };
}

function readLink(raw: RawLab, report: Report): LabLink {
  if ((raw.links?.length ?? 0) > 1) {
    report.value(['links', 1], 'second link, expected one link, which all nodes are on');
  }
  return raw.links?.[0] ?? { name: 'underlay', subnet: 'auto', mtu: 1500 };
}

function withDefaults(resource: CalicoResource): CalicoResource {
  if (resource.kind !== 'IPPool') return resource;
  return { ...resource, spec: { blockSize: 26, vxlanMode: 'Never', ipipMode: 'Never', ...resource.spec } };
}
