/** A value checked against a JSON Schema, as far as the schemas of our files go. */

/** Part of a JSON Schema (draft 7). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What texts of a `format` have to look like. */
export type Formats = Readonly<Record<string, (text: string) => boolean>>;

/** Where a value is not what the schema says. No error: nobody is told why. */
const UNFIT = Symbol('unfit');

type Mapping = Readonly<Record<string, unknown>>;

/**
 * Returns the value with the defaults of the schema worked in, or `undefined` where it does not fit, or where the schema
 * uses something that is not known here. That makes it quick to say yes, and leaves the reasons for a no to others: a
 * valid file needs no zod, whose loading and schemas are a third of the start of a speaker.
 */
export function conform(schema: JsonSchema, value: unknown, formats: Formats): unknown {
  const found = new Checker(schema, formats).check(schema, value);
  return found === UNFIT ? undefined : found;
}

/** Keywords that say nothing about the value. */
const SILENT = ['$schema', 'title', 'description', 'definitions'];

class Checker {
  readonly #definitions: Readonly<Record<string, JsonSchema>>;
  readonly #formats: Formats;

  constructor(schema: JsonSchema, formats: Formats) {
    this.#definitions = (schema.definitions ?? {}) as Readonly<Record<string, JsonSchema>>;
    this.#formats = formats;
  }

  /** The value, with defaults; or UNFIT. */
  check(schema: JsonSchema, value: unknown): unknown {
    let found = value;
    for (const keyword in schema) {
      found = this.#keyword(keyword, schema, found);
      if (found === UNFIT) return UNFIT;
    }
    return found;
  }

  #keyword(keyword: string, schema: JsonSchema, value: unknown): unknown {
    const wanted = schema[keyword];
    switch (keyword) {
      case '$ref':
        return this.check(this.#resolved(schema), value);
      case 'allOf':
        return this.#all(wanted as readonly JsonSchema[], value);
      case 'anyOf':
        return this.#any(wanted as readonly JsonSchema[], value);
      case 'properties':
        return isMapping(value) ? this.#properties(wanted as Record<string, JsonSchema>, value) : value;
      case 'additionalProperties':
        return isMapping(value) ? this.#others(schema, wanted as JsonSchema | false, value) : value;
      case 'propertyNames':
        return !isMapping(value) || this.#fit(wanted as JsonSchema, Object.keys(value)) ? value : UNFIT;
      case 'items':
        return Array.isArray(value) ? this.#items(wanted as JsonSchema, value) : value;
      default:
        return SILENT.includes(keyword) || keyword === 'default' || this.#holds(keyword, wanted, value)
          ? value
          : UNFIT;
    }
  }

  /** Whether a keyword that changes nothing in the value holds; not where it is unknown. */
  #holds(keyword: string, wanted: unknown, value: unknown): boolean {
    switch (keyword) {
      case 'type':
        return isOfType(value, wanted);
      case 'const':
        return value === wanted;
      case 'enum':
        return (wanted as readonly unknown[]).includes(value);
      case 'not':
        return this.check(wanted as JsonSchema, value) === UNFIT;
      case 'minimum':
        return typeof value !== 'number' || value >= (wanted as number);
      case 'maximum':
        return typeof value !== 'number' || value <= (wanted as number);
      case 'minLength':
        return typeof value !== 'string' || value.length >= (wanted as number);
      case 'maxLength':
        return typeof value !== 'string' || value.length <= (wanted as number);
      case 'minItems':
        return !Array.isArray(value) || value.length >= (wanted as number);
      case 'required':
        return !isMapping(value) || (wanted as readonly string[]).every((name) => Object.hasOwn(value, name));
      case 'format':
        return typeof value !== 'string' || this.#formats[wanted as string]?.(value) === true;
      default:
        return false;
    }
  }

  /** What a schema refers to, or itself. */
  #resolved(schema: JsonSchema): JsonSchema {
    const { $ref } = schema;
    if (typeof $ref !== 'string') return schema;
    return this.#resolved(this.#definitions[$ref.slice('#/definitions/'.length)]!);
  }

  #fit(schema: JsonSchema, values: readonly unknown[]): boolean {
    return values.every((value) => this.check(schema, value) !== UNFIT);
  }

  #all(schemas: readonly JsonSchema[], value: unknown): unknown {
    let found = value;
    for (const schema of schemas) {
      found = this.check(schema, found);
      if (found === UNFIT) return UNFIT;
    }
    return found;
  }

  /** As the first that fits says. */
  #any(schemas: readonly JsonSchema[], value: unknown): unknown {
    for (const schema of schemas) {
      const found = this.check(schema, value);
      if (found !== UNFIT) return found;
    }
    return UNFIT;
  }

  #properties(schemas: Readonly<Record<string, JsonSchema>>, value: Mapping): unknown {
    const found: Record<string, unknown> = { ...value };
    for (const name in schemas) {
      const schema = schemas[name]!;
      if (!Object.hasOwn(value, name)) {
        const { default: otherwise } = this.#resolved(schema);
        if (otherwise !== undefined) found[name] = otherwise;
        continue;
      }
      const inner = this.check(schema, value[name]);
      if (inner === UNFIT) return UNFIT;
      found[name] = inner;
    }
    return found;
  }

  /** Entries that `properties` does not name. */
  #others(schema: JsonSchema, others: JsonSchema | false, value: Mapping): unknown {
    const named = (schema.properties ?? {}) as Mapping;
    const found: Record<string, unknown> = { ...value };
    for (const name of Object.keys(value)) {
      if (Object.hasOwn(named, name)) continue;
      // JavaScript would not take that one for an entry.
      const inner = others === false || name === '__proto__' ? UNFIT : this.check(others, value[name]);
      if (inner === UNFIT) return UNFIT;
      found[name] = inner;
    }
    return found;
  }

  #items(schema: JsonSchema, values: readonly unknown[]): unknown {
    const found = values.map((value) => this.check(schema, value));
    return found.includes(UNFIT) ? UNFIT : found;
  }
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'object':
      return isMapping(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return Number.isSafeInteger(value);
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    default:
      return false;
  }
}
