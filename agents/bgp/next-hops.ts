import type { NextHopResolver } from '../../protocol/bgp/rib/route.ts';
import { type Prefix, parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import type { NextHopConfig } from './types.ts';

/**
 * Resolves next hops by a list of prefixes, the longest that holds one; what is in none cannot be reached.
 * @throws RangeError on a text that is no prefix.
 */
export function nextHopResolver(prefixes: readonly NextHopConfig[]): NextHopResolver {
  const known = prefixes
    .map(({ prefix, cost = 0 }) => ({ prefix: parsePrefix(prefix, 'mask'), cost }))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  return (nextHop) => {
    const address: Prefix = {
      version: nextHop.length === 4 ? 4 : 6,
      bytes: nextHop,
      length: nextHop.length * 8,
    };
    return known.find(({ prefix }) => prefixContains(prefix, address))?.cost;
  };
}
