import { keysAt, problemsOf, valueText } from './issues.ts';
import type { CalicoResource } from './model.ts';
import { Report } from './report.ts';
import { resourceSchemas } from './schema.ts';
import { type Path, parseText } from './source.ts';
import { didYouMean } from './suggest.ts';

/** A resource, the document it stands in and where. */
export interface PlacedResource {
  readonly resource: CalicoResource;
  readonly report: Report;
  readonly path: Path;
}

/** Reads a file that the lab file names, relative to it; throws the operating system's error. */
export type ReadBeside = (name: string) => { readonly file: string; readonly text: string };

const KINDS = Object.keys(resourceSchemas);

/** Reads the `calico` list of a lab file: resources, and files of resources. */
export function readResources(
  entries: readonly unknown[],
  report: Report,
  readBeside: ReadBeside,
  env: Readonly<Record<string, string | undefined>>,
): PlacedResource[] {
  const placed = entries.flatMap((entry, i) => {
    const path = ['calico', i];
    return typeof entry === 'string'
      ? readFile(entry, path, report, readBeside, env)
      : readResource(entry, path, report);
  });
  const seen = new Set<string>();
  return placed.filter(({ resource, report: own, path }) => {
    const key = `${resource.kind} ${resource.metadata.name}`;
    if (!seen.has(key)) return seen.add(key);
    own.value([...path, 'metadata', 'name'], `duplicate ${key}, expected each resource once`);
    return false;
  });
}

function readFile(
  name: string,
  path: Path,
  report: Report,
  readBeside: ReadBeside,
  env: Readonly<Record<string, string | undefined>>,
): PlacedResource[] {
  let found: { readonly file: string; readonly text: string };
  try {
    found = readBeside(name);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    report.value(path, `resource file ${name} ${why}, expected a YAML file beside the lab file`);
    return [];
  }
  const { sources, problems } = parseText(found.file, found.text, env);
  report.problems.push(...problems);
  if (problems.length > 0) return [];
  return sources.flatMap((source) => {
    const value = source.value();
    if (value === null) return [];
    return readResource(value, [], new Report(source, report.problems));
  });
}

/** One resource, or the items of a List. */
function readResource(value: unknown, path: Path, report: Report): PlacedResource[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report.value(path, `${valueText(value)}, expected a projectcalico.org/v3 resource or the name of a file`);
    return [];
  }
  const { kind, items } = value as { kind?: unknown; items?: unknown };
  if (kind === 'List' && Array.isArray(items)) {
    return items.flatMap((item, i) => readResource(item, [...path, 'items', i], report));
  }
  if (!KINDS.includes(kind as string)) {
    const said = kind === undefined ? 'resource without a kind' : `unknown kind ${valueText(kind)}`;
    const hint = typeof kind === 'string' ? didYouMean(kind, KINDS) : '';
    report.value([...path, 'kind'], `${said}${hint || `, expected one of ${KINDS.join(', ')}`}`);
    return [];
  }
  const schema = resourceSchemas[kind as CalicoResource['kind']];
  const result = schema.safeParse(value);
  if (result.success) return [{ resource: result.data, report, path }];
  const keys = (inner: Path): readonly string[] => keysAt(schema, inner);
  report.problems.push(...problemsOf(result.error.issues, report.source, value, path, keys));
  return [];
}
