// The foreign routers of interop tests, and what to compare between their tables and podwire's.
import type { PathView } from '../../../agents/bgp/types.ts';
import { all, type Need, tool } from '../../support/tools.ts';
import { startBird } from './bird.ts';
import { startFrr } from './frr.ts';
import { startGobgp } from './gobgp.ts';
import { byPrefix, type RouterNetwork, type RouterPath, type StartRouter } from './router.ts';

export interface RouterKind {
  readonly name: string;
  readonly need: Need;
  readonly start: StartRouter;
  /** Third octet of its tests' loopback addresses. */
  readonly subnet: number;
}

/** Every kind of router, each to be asked the same questions. */
export const ROUTERS: readonly RouterKind[] = [
  { name: 'BIRD', need: all(tool('bird'), tool('birdc')), start: startBird, subnet: 1 },
  { name: 'FRR', need: all(tool('bgpd'), tool('vtysh')), start: startFrr, subnet: 2 },
  { name: 'GoBGP', need: all(tool('gobgpd'), tool('gobgp')), start: startGobgp, subnet: 3 },
];

/** What both sides of a session have to agree on about a route. */
export interface Row {
  readonly prefix: string;
  readonly nextHop: string;
  readonly asPath: string;
  readonly med: number | undefined;
  readonly communities: readonly string[];
}

/** Rows of a router's table. */
export function routerRows(paths: readonly RouterPath[]): Row[] {
  return paths.map(({ prefix, nextHop, asPath, med, communities }) => ({
    prefix,
    nextHop,
    asPath,
    med,
    communities,
  }));
}

/** Rows of podwire's table of one family. */
export function podwireRows(paths: readonly PathView[], version: 4 | 6): Row[] {
  return paths
    .filter(({ prefix }) => prefix.includes(':') === (version === 6))
    .map(({ prefix, nextHop, asPath, med, communities }) => ({ prefix, nextHop, asPath, med, communities }))
    .sort(byPrefix);
}

/** `count` networks with five variants of attributes; `turn` changes the attributes of every third. */
export function networks(base: 'a' | 'b', count: number, turn = 0): RouterNetwork[] {
  const result: RouterNetwork[] = [];
  for (let i = 0; i < count; i++) {
    const variant = (i % 5) + (i % 3 === 0 ? turn * 5 : 0);
    const high = base === 'a' ? 10 : 20;
    const prefix =
      i % 4 === 3 ? `2001:db8:${high}:${i.toString(16)}::/64` : `10.${high}.${i}.0/${24 + (i % 3)}`;
    result.push({
      prefix,
      community: `64512:${100 + variant}`,
      ...(variant % 2 === 0 ? { med: variant } : {}),
    });
  }
  return result;
}
