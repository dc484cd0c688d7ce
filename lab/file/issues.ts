import type { z } from 'zod';
import type { Problem } from './problem.ts';
import type { LabSource, Path } from './source.ts';
import { didYouMean } from './suggest.ts';

/** `nodes.host1.asn`, for messages; `the file` for the root. */
export function pathText(path: Path): string {
  if (path.length === 0) return 'the file';
  return path
    .map((segment, i) => (typeof segment === 'number' ? `[${segment}]` : `${i === 0 ? '' : '.'}${segment}`))
    .join('');
}

/** A value as a person would recognise it in the file, cut to one short line. */
export function valueText(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}..."` : text;
}

/**
 * What zod found wrong, each at its place in the file. Unknown keys are reported at the key itself with the known key
 * they resemble.
 * @param base path in `source` of the value that was checked.
 * @param knownKeys keys of the strict object at a path below `base`, for the suggestion.
 */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  source: LabSource,
  value: unknown,
  base: Path,
  knownKeys: (path: Path) => readonly string[],
): Problem[] {
  return issues
    .flatMap((issue) => flatten(issue))
    .flatMap((issue) => {
      const inner = issue.path as Path;
      const path = [...base, ...inner];
      if (issue.code === 'unrecognized_keys') {
        const known = knownKeys(inner);
        return issue.keys.map((key) => {
          const hint =
            didYouMean(key, known) || (known.length > 0 ? `, expected one of ${known.join(', ')}` : '');
          return source.keyProblem([...path, key], `unknown key ${JSON.stringify(key)}${hint}`);
        });
      }
      const found = lookUp(value, inner);
      const expected = expectation(issue);
      if (found === undefined)
        return [source.problem(path, `${pathText(path)} is missing, expected ${expected}`)];
      const guess =
        issue.code === 'invalid_value' && typeof found === 'string'
          ? didYouMean(found, issue.values.map(String))
          : '';
      return [source.problem(path, `${pathText(path)} is ${valueText(found)}, expected ${expected}${guess}`)];
    });
}

/** A union that said nothing itself speaks through the alternative that got furthest. */
function flatten(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || !issue.message.startsWith('Invalid input')) return [issue];
  const depth = (issues: readonly z.core.$ZodIssue[]): number =>
    Math.max(...issues.map((one) => one.path.length + (one.code === 'unrecognized_keys' ? 1 : 0)));
  const best = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
  return best.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }) as z.core.$ZodIssue);
}

function expectation(issue: z.core.$ZodIssue): string {
  if (!issue.message.startsWith('Invalid input') && !issue.message.startsWith('Invalid key'))
    return issue.message;
  if (issue.code === 'invalid_type')
    return issue.expected === 'object' || issue.expected === 'record' ? 'a mapping' : `a ${issue.expected}`;
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ');
  return issue.message;
}

function lookUp(value: unknown, path: Path): unknown {
  let found = value;
  for (const segment of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string | number, unknown>)[segment];
  }
  return found;
}

/**
 * The keys that a schema knows at a path: of a strict object, through optional and default wrappers, records, arrays,
 * unions and schemas that are given later (`z.lazy`).
 */
export function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  let schemas: z.ZodType[] = unwrap(schema);
  for (const segment of path) {
    schemas = schemas.flatMap((one) => step(one, segment)).flatMap(unwrap);
  }
  return [...new Set(schemas.flatMap((one) => Object.keys(shapeOf(one) ?? {})))];
}

interface Definition {
  readonly type: string;
  readonly shape?: Record<string, z.ZodType>;
  readonly innerType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly getter?: () => z.ZodType;
}

function definition(schema: z.ZodType): Definition {
  return schema.def as unknown as Definition;
}

function unwrap(schema: z.ZodType): z.ZodType[] {
  const { innerType, options, getter } = definition(schema);
  if (getter !== undefined) return unwrap(getter());
  if (innerType !== undefined) return unwrap(innerType);
  if (options !== undefined) return options.flatMap(unwrap);
  return [schema];
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  return definition(schema).shape;
}

function step(schema: z.ZodType, segment: string | number): z.ZodType[] {
  const { valueType, element } = definition(schema);
  const next = shapeOf(schema)?.[segment] ?? valueType ?? element;
  return next === undefined ? [] : [next];
}
