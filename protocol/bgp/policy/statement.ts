/** A compiled policy: statements in a row, each closures over what it compares with and what it sets. */
import type { RouteAttributes } from '../rib/route.ts';
import type { Policy, PolicyRoute, PolicyStep } from './policy.ts';

/** A condition on a route; `attributes` are those that earlier statements left, `route` says the rest. */
export interface Matcher {
  readonly usesPrefix: boolean;
  test(route: PolicyRoute, attributes: RouteAttributes): boolean;
}

/** A change to a route: the same object where there is nothing to change. */
export interface Setter {
  /** What it does, for people: `"localPref 200"`. */
  readonly text: string;
  apply(route: PolicyRoute, attributes: RouteAttributes): RouteAttributes;
}

export interface CompiledStatement {
  /** Policy that it belongs to. */
  readonly policy: string;
  readonly name: string;
  /** All must hold. */
  readonly matchers: readonly Matcher[];
  readonly setters: readonly Setter[];
  readonly result: 'accept' | 'reject' | 'next';
}

/** The statements of one policy, or of several that are asked one after the other. */
export class StatementPolicy implements Policy {
  readonly name: string;
  readonly usesPrefix: boolean;
  readonly #statements: readonly CompiledStatement[];
  readonly #end: 'accept' | 'reject';

  /** @param end what happens to a route on which no statement decides. */
  constructor(name: string, statements: readonly CompiledStatement[], end: 'accept' | 'reject') {
    this.name = name;
    this.usesPrefix = statements.some(({ matchers }) => matchers.some((matcher) => matcher.usesPrefix));
    this.#statements = statements;
    this.#end = end;
  }

  apply(route: PolicyRoute): RouteAttributes | undefined {
    let attributes = route.attributes;
    for (const statement of this.#statements) {
      if (!matches(statement, route, attributes)) continue;
      if (statement.result === 'reject') return undefined;
      for (const setter of statement.setters) attributes = setter.apply(route, attributes);
      if (statement.result === 'accept') return attributes;
    }
    return this.#end === 'accept' ? attributes : undefined;
  }

  explain(route: PolicyRoute): readonly PolicyStep[] {
    let attributes = route.attributes;
    const steps: PolicyStep[] = [];
    for (const statement of this.#statements) {
      const { policy, name, result: decision } = statement;
      const matched = matches(statement, route, attributes);
      const set: string[] = [];
      for (const setter of matched ? statement.setters : []) {
        const before = attributes;
        attributes = setter.apply(route, before);
        if (attributes !== before) set.push(setter.text);
      }
      steps.push({ policy, statement: name, matched, set, result: matched ? decision : 'next' });
      if (matched && decision !== 'next') return steps;
    }
    return [...steps, { policy: this.name, statement: 'default', matched: true, set: [], result: this.#end }];
  }
}

function matches(statement: CompiledStatement, route: PolicyRoute, attributes: RouteAttributes): boolean {
  for (const matcher of statement.matchers) if (!matcher.test(route, attributes)) return false;
  return true;
}
