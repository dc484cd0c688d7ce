/** Readers that turn unknown JSON into typed values, with errors that name the field and what it must be. */

/** Keys and indices from the root of the value, `['spec', 'serviceClusterIPs', 0, 'cidr']`. */
export type FieldPath = readonly (string | number)[];

/** A field that is not what its resource demands. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
  readonly path: FieldPath;
  /** What the field must be and what it is, `"expected an integer from 20 to 32, got 40"`. */
  readonly problem: string;

  constructor(path: FieldPath, problem: string, subject?: string) {
    super(`${subject === undefined ? '' : `${subject}: `}${formatFieldPath(path)}: ${problem}`);
    this.path = path;
    this.problem = problem;
  }
}

/** The error for a value of the wrong kind or out of range. */
export function unexpected(path: FieldPath, expected: string, actual: unknown): FieldError {
  return new FieldError(path, `expected ${expected}, got ${describe(actual)}`);
}

/** `spec.serviceClusterIPs[0].cidr`; `(root)` for the value itself. */
export function formatFieldPath(path: FieldPath): string {
  if (path.length === 0) return '(root)';
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** What to do with fields that the type does not have: refuse what people write, tolerate what other versions store. */
export type UnknownFields = 'reject' | 'ignore';

/** Reads a value found at `path`. @throws FieldError */
export type Reader<T> = (value: unknown, path: FieldPath, unknownFields: UnknownFields) => T;

type Readers<T> = { readonly [K in keyof T]-?: Reader<Exclude<T[K], undefined>> };

/**
 * Reads an object. Readers under `required` see `undefined` where the field is missing, and refuse it or supply the
 * default; fields under `optional` are left out where missing or null (Go writes null for unset fields).
 */
export function object<R extends object, O extends object>(
  required: Readers<R>,
  optional: Readers<O>,
): Reader<R & Partial<O>> {
  const known = new Set([...Object.keys(required), ...Object.keys(optional)]);
  return (value, path, unknownFields) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw unexpected(path, 'an object', value);
    const source = value as Record<string, unknown>;
    const result: Record<string, unknown> = {};
    for (const [key, read] of Object.entries<Reader<unknown>>(required)) {
      result[key] = read(own(source, key) ?? undefined, [...path, key], unknownFields);
    }
    for (const [key, read] of Object.entries<Reader<unknown>>(optional)) {
      const field = own(source, key) ?? undefined;
      if (field !== undefined) result[key] = read(field, [...path, key], unknownFields);
    }
    if (unknownFields === 'reject') {
      for (const key of Object.keys(source)) {
        if (!known.has(key))
          throw new FieldError([...path, key], `unknown field, expected one of ${[...known].join(', ')}`);
      }
    }
    return result as R & Partial<O>;
  };
}

/** Text that satisfies `test`; `expected` says so in words. */
export function text(expected = 'text', test: (value: string) => boolean = () => true): Reader<string> {
  return (value, path) => {
    if (typeof value !== 'string' || !test(value)) throw unexpected(path, expected, value);
    return value;
  };
}

/** Text on which `parse` succeeds; its error message becomes the expectation. */
export function parsedText(parse: (value: string) => unknown): Reader<string> {
  return (value, path) => {
    if (typeof value !== 'string') throw unexpected(path, 'text', value);
    try {
      parse(value);
    } catch (error) {
      throw unexpected(path, `valid text (${(error as Error).message})`, value);
    }
    return value;
  };
}

export function integer(minimum: number, maximum: number): Reader<number> {
  return (value, path) => {
    if (!Number.isInteger(value) || (value as number) < minimum || (value as number) > maximum) {
      throw unexpected(path, `an integer from ${minimum} to ${maximum}`, value);
    }
    return value as number;
  };
}

export const boolean: Reader<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw unexpected(path, 'true or false', value);
  return value;
};

/** One of the given texts. */
export function oneOf<const T extends string>(...choices: readonly T[]): Reader<T> {
  return (value, path) => {
    if (!choices.includes(value as T)) throw unexpected(path, `one of ${choices.join(', ')}`, value);
    return value as T;
  };
}

export function list<T>(item: Reader<T>): Reader<T[]> {
  return (value, path, unknownFields) => {
    if (!Array.isArray(value)) throw unexpected(path, 'a list', value);
    return value.map((element, i) => item(element, [...path, i], unknownFields));
  };
}

/** An object used as a map from text to text, as labels are. */
export const textMap: Reader<Record<string, string>> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unexpected(path, 'an object', value);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (typeof item !== 'string') throw unexpected([...path, key], 'text', item);
      return [key, item];
    }),
  );
};

/** Supplies `value` where the field is missing. */
export function withDefault<T>(read: Reader<T>, value: T): Reader<T> {
  return (field, path, unknownFields) => (field === undefined ? value : read(field, path, unknownFields));
}

function own(source: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(source, key) ? source[key] : undefined;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return String(value);
  const json = JSON.stringify(value) ?? typeof value;
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}
