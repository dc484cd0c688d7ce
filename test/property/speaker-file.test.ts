/** The quick check of a speaker's file against zod's: what it accepts must be what zod makes of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { conform, type JsonSchema } from '../../lab/file/json-schema.ts';
import { speakerSchemaFile } from '../../lab/schema/generate.ts';
import { FORMATS } from '../../lab/speaker/formats.ts';
import { speakerSchema } from '../../lab/speaker/schema.ts';

const schema = JSON.parse(speakerSchemaFile.text()) as JsonSchema;
const quick = (value: unknown): unknown => conform(schema, value, FORMATS);

/** What zod makes of a value; `undefined`: nothing. */
function thorough(value: unknown): unknown {
  const { success, data } = speakerSchema.safeParse(value);
  return success ? data : undefined;
}

/** The YAML blocks of the manual that are files, or parts of one. */
const manual = readFileSync(join(import.meta.dirname, '../../docs/speaker-file.md'), 'utf8');
const blocks = [...manual.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => parse(text!) as object);
const FILES = blocks.map((block) => ({ asn: 65000, routerId: '192.0.2.1', ...block }));

/** Values that are right in some place of a file, and wrong in others. */
const odd = fc.constantFrom<unknown>(
  ...[null, true, false, 0, 1, 2, 3, 179, 256, 65536, 4294967296, -1, 1.5, '', 'x', 'any', 'all', 'default'],
  ...['0.0.0.0', '192.0.2.1', '2001:db8::1', '192.0.2.0/24', '192.0.2.1/24', '%Y', '%q', [], ['x'], [1], {}],
  ...[{ id: 1 }, { send: 2 }, { ebgp: 2 }, { prefix: '192.0.2.0/24' }, ['ipv4-unicast']],
);

type Path = readonly (string | number)[];

/** Every place of a value. */
function placesOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key]))];
}

/** A copy with something else at a place, or without it. */
function changed(value: unknown, [key, ...rest]: Path, to: unknown): unknown {
  if (key === undefined) return to;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value)
    ? [...value]
    : { ...(value as object) };
  const entries = copy as Record<string, unknown>;
  const inner = changed(entries[key], rest, to);
  if (inner === undefined && !Array.isArray(copy)) delete entries[key];
  else entries[key] = inner ?? null;
  return copy;
}

const file = fc.constantFrom(...FILES);
const mutated = file.chain((whole) =>
  fc
    .array(
      fc.tuple(fc.constantFrom(...placesOf(whole)), fc.oneof(odd, fc.constant(undefined)), fc.boolean()),
      {
        minLength: 1,
        maxLength: 3,
      },
    )
    .map((changes) =>
      changes.reduce<unknown>((value, [path, to, below]) => {
        const found = path.reduce<unknown>(
          (at, key) => (at as Record<string, unknown> | undefined)?.[key],
          value,
        );
        if (found === undefined) return value;
        return changed(value, below && isMapping(found) ? [...path, 'extra'] : path, to);
      }, whole),
    ),
);

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

describe('the quick check of a speaker’s file', () => {
  test('accepts what the manual shows', () => {
    expect(FILES.length).toBeGreaterThan(5);
    for (const value of FILES) {
      expect(thorough(value)).toBeDefined();
      expect(quick(value)).toEqual(thorough(value));
    }
  });

  test('leaves to zod what JavaScript would not take for an entry', () => {
    const [plain] = FILES;
    expect(quick({ ...plain, asPathSets: JSON.parse('{"__proto__":["x"]}') })).toBeUndefined();
  });

  test('says the same as zod about a file with some things changed', () => {
    let accepted = 0;
    fc.assert(
      fc.property(mutated, (value) => {
        const expected = thorough(value);
        if (expected !== undefined) accepted++;
        expect(quick(value)).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(300);
  });
});

/** Schemas inside a schema, itself among them. */
function* schemasOf(one: z.ZodType, seen = new Set<z.ZodType>()): Generator<z.ZodType> {
  if (seen.has(one)) return;
  seen.add(one);
  yield one;
  const { shape, innerType, valueType, keyType, element, options, getter } = one.def as unknown as {
    readonly shape?: Readonly<Record<string, z.ZodType>>;
    readonly options?: readonly z.ZodType[];
    readonly getter?: () => z.ZodType;
  } & Readonly<Record<'innerType' | 'valueType' | 'keyType' | 'element', z.ZodType | undefined>>;
  const inner = [...Object.values(shape ?? {}), innerType, valueType, keyType, element, ...(options ?? [])];
  for (const next of [...inner, getter?.()]) if (next !== undefined) yield* schemasOf(next, seen);
}

test('the JSON Schema says in its own words what zod checks by functions', () => {
  const checked = [...schemasOf(speakerSchema)].filter((one) =>
    one.def.checks?.some((check) => check._zod.def.check === 'custom'),
  );
  expect(checked.length).toBeGreaterThan(5);
  for (const one of checked) {
    const { format, not } = (one.meta() ?? {}) as { readonly format?: string; readonly not?: object };
    expect(format === undefined ? not : FORMATS[format as keyof typeof FORMATS]).toBeDefined();
  }
});
