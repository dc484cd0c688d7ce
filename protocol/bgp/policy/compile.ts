/** Compiles policies from their definitions. */
import { compileAsPathRegex } from './as-path-regex.ts';
import { CommunitySet, parseCommunityPattern } from './community-pattern.ts';
import type { OneOrMore, PolicyDefinition, PolicyDefinitions, PolicyStatement } from './definition.ts';
import { PolicyError } from './error.ts';
import { type CompiledSets, compileMatch, each, NeighborSet } from './match.ts';
import type { Policy } from './policy.ts';
import { PrefixSet, parsePrefixRange } from './prefix-set.ts';
import { compileSet } from './set.ts';
import { type CompiledStatement, StatementPolicy } from './statement.ts';

type Path = readonly (string | number)[];
type Report = (error: PolicyError) => void;

/** The compiled policies of a configuration. */
export class PolicyBook {
  readonly #statements: ReadonlyMap<string, readonly CompiledStatement[]>;
  readonly #policies = new Map<string, Policy>();

  constructor(statements: ReadonlyMap<string, readonly CompiledStatement[]>) {
    this.#statements = statements;
  }

  get names(): readonly string[] {
    return [...this.#statements.keys()];
  }

  /**
   * One policy, or several asked in order until one decides; rejects where none does. The same names give the same
   * object, by which the RIB sees that peers can share what it made for one of them.
   * @throws PolicyError with an empty path, or the index in a list, where there is no policy of the name.
   */
  policy(names: OneOrMore<string>): Policy {
    const statements = each(names, [], (name) => {
      const found = this.#statements.get(name);
      if (found !== undefined) return found;
      const known = this.#statements.size === 0 ? 'none is defined' : `expected ${this.names.join(' or ')}`;
      throw new RangeError(`no policy is named ${JSON.stringify(name)}, ${known}`);
    });
    const list = [names].flat();
    const key = JSON.stringify(list);
    const policy =
      this.#policies.get(key) ?? new StatementPolicy(list.join(', '), statements.flat(), 'reject');
    this.#policies.set(key, policy);
    return policy;
  }
}

/** @throws PolicyError the first fault, with the path of the bad value. */
export function compilePolicies(definitions: PolicyDefinitions): PolicyBook {
  return compile(definitions, (error) => {
    throw error;
  });
}

/** All that is wrong with the definitions, at most one fault in each set and statement. */
export function policyErrors(definitions: PolicyDefinitions): readonly PolicyError[] {
  const errors: PolicyError[] = [];
  compile(definitions, (error) => errors.push(error));
  return errors;
}

function compile(definitions: PolicyDefinitions, report: Report): PolicyBook {
  const { prefixSets, communitySets, asPathSets, neighborSets, policies } = definitions;
  const sets: CompiledSets = {
    prefixSets: compileSets(prefixSets, ['prefixSets'], report, parsePrefixRange, (ranges) => {
      return new PrefixSet(ranges);
    }),
    communitySets: compileSets(
      communitySets,
      ['communitySets'],
      report,
      parseCommunityPattern,
      (patterns) => {
        return new CommunitySet(patterns);
      },
    ),
    asPathSets: compileSets(asPathSets, ['asPathSets'], report, compileAsPathRegex, (regexes) => regexes),
    neighborSets: compileSets(neighborSets, ['neighborSets'], report, String, (texts) => {
      return new NeighborSet(texts);
    }),
  };
  return new PolicyBook(
    new Map(
      Object.entries(policies).map(([name, definition]) => [
        name,
        compilePolicy(name, definition, sets, report),
      ]),
    ),
  );
}

function compileSets<V, R, S>(
  sets: Readonly<Record<string, readonly V[]>> | undefined,
  path: Path,
  report: Report,
  read: (value: V) => R,
  build: (values: readonly R[]) => S,
): ReadonlyMap<string, S> {
  return new Map(
    Object.entries(sets ?? {}).map(([name, values]) => [
      name,
      build(attempt(report, [], () => each(values, [...path, name], read))),
    ]),
  );
}

function compilePolicy(
  policy: string,
  definition: PolicyDefinition,
  sets: CompiledSets,
  report: Report,
): readonly CompiledStatement[] {
  const list = isList(definition);
  const statements = list ? definition : (definition.statements ?? []);
  const path: Path = ['policies', policy, ...(list ? [] : ['statements'])];
  const compiled = statements.flatMap((statement, i) =>
    attempt(report, [], () => [compileStatement(policy, statement, i, [...path, i], sets)]),
  );
  const end = list ? undefined : definition.default;
  if (end === undefined) return compiled;
  return [...compiled, { policy, name: 'default', matchers: [], setters: [], result: end }];
}

function compileStatement(
  policy: string,
  { name, match = {}, set = {}, then }: PolicyStatement,
  index: number,
  path: Path,
  sets: CompiledSets,
): CompiledStatement {
  const matchers = compileMatch(match, [...path, 'match'], sets);
  const setters = compileSet(set, [...path, 'set']);
  if (then === undefined && setters.length === 0) {
    throw new PolicyError(path, 'statement without effect, expected set, then or both');
  }
  if (then === 'reject' && setters.length > 0) {
    throw new PolicyError(
      [...path, 'set'],
      'sets something on a route that is rejected, expected then: accept or next',
    );
  }
  return { policy, name: name ?? `statement ${index + 1}`, matchers, setters, result: then ?? 'next' };
}

function isList(definition: PolicyDefinition): definition is readonly PolicyStatement[] {
  return Array.isArray(definition);
}

/** What `compile` gives, or `otherwise` after a fault was reported. */
function attempt<T>(report: Report, otherwise: T, compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    report(error);
    return otherwise;
  }
}
