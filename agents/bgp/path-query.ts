/** Which paths of a table somebody wants to see. */
import { asPathText } from '../../protocol/bgp/attribute/as-path.ts';
import type { RouteAttributes } from '../../protocol/bgp/rib/route.ts';
import { type Prefix, parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import { communityTexts, type ShownPath } from './path-view.ts';
import type { FamilyName } from './types.ts';

/** What a path has to be like; everything that is said must hold. */
export interface PathFilter {
  readonly family?: FamilyName;
  /** This prefix, or route in text. */
  readonly prefix?: string;
  /** What is inside the prefix as well. */
  readonly longer?: boolean;
  readonly community?: string;
  /** Regular expression on AS_PATH, with `_` for a boundary as in routers. */
  readonly asPath?: string;
  readonly best?: boolean;
}

/** A predicate for a filter. @throws RangeError naming what is no prefix or regular expression. */
export function pathMatcher(filter: PathFilter): (path: ShownPath) => boolean {
  const { family, prefix, longer, community, asPath, best } = filter;
  const tests: ((path: ShownPath) => boolean)[] = [];
  if (family !== undefined) tests.push((path) => path.family === family);
  if (best === true) tests.push((path) => path.best);
  if (prefix !== undefined) tests.push(prefixTest(prefix, longer === true));
  const { test: testSet } = attributeTest(community, asPath);
  if (testSet !== undefined) {
    // Many paths share a set of attributes: each is asked about once.
    const known = new WeakMap<RouteAttributes, boolean>();
    tests.push(({ attributes }) => {
      let verdict = known.get(attributes);
      if (verdict === undefined) {
        verdict = testSet(attributes);
        known.set(attributes, verdict);
      }
      return verdict;
    });
  }
  return (path) => tests.every((test) => test(path));
}

function prefixTest(text: string, longer: boolean): (path: ShownPath) => boolean {
  const outer = tryPrefix(text);
  if (outer === undefined) {
    if (longer) throw new RangeError(`not an IP prefix: ${JSON.stringify(text)}`);
    return (path) => path.prefix === text;
  }
  if (!longer) {
    const canonical = `${text.includes('/') ? text : `${text}/${outer.length}`}`;
    return (path) => path.prefix === canonical || path.prefix === text;
  }
  return (path) => {
    const inner = tryPrefix(path.prefix);
    return inner !== undefined && prefixContains(outer, inner);
  };
}

function tryPrefix(text: string): Prefix | undefined {
  try {
    return parsePrefix(text, 'mask');
  } catch {
    return undefined;
  }
}

function attributeTest(
  community: string | undefined,
  asPath: string | undefined,
): { readonly test: ((attributes: RouteAttributes) => boolean) | undefined } {
  if (community === undefined && asPath === undefined) return { test: undefined };
  const pattern = asPath === undefined ? undefined : asPathPattern(asPath);
  return {
    test: (attributes) =>
      (community === undefined || communityTexts(attributes).includes(community)) &&
      (pattern === undefined || pattern.test(asPathText(attributes.asPath))),
  };
}

/** @throws RangeError naming what is no regular expression. */
function asPathPattern(text: string): RegExp {
  try {
    return new RegExp(text.replaceAll('_', '(?:^|[ ,{}()]|$)'));
  } catch (error) {
    throw new RangeError(`AS path filter: ${(error as Error).message}`);
  }
}
