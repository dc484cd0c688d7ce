/** Pools: which of them a request may use, and the blocks that they consist of. */

import { parsePrefix, prefixContains, prefixesOverlap } from '../../ip/prefix.ts';
import type { AllowedUse, IpPool } from '../resources/ip-pool.ts';
import { type Labels, selectorMatches } from '../selector/evaluate.ts';
import { addressCount, enclosingPrefix, offsetOf, powerOfTwo, subPrefixAt, versionOf } from './range.ts';

export interface PoolRequest {
  readonly version: 4 | 6;
  readonly use: AllowedUse;
  readonly nodeLabels: Labels;
  /** Labels of the pod's namespace; absent for addresses that belong to no namespace. */
  readonly namespaceLabels?: Labels;
  /** Names or CIDRs of pools; where given, selectors and assignmentMode are not asked. */
  readonly pools?: readonly string[];
}

/** Why no pool is left for a request. */
export class PoolError extends Error {
  override readonly name = 'PoolError';
}

/**
 * Pools that a request may use, in the order of the request, else by name (Calico `libcalico-go/lib/ipam/ipam.go`).
 * @throws PoolError where a named pool is unknown or disabled, or where none is left.
 */
export function selectPools(pools: readonly IpPool[], request: PoolRequest): IpPool[] {
  const enabled = pools
    .filter(({ spec }) => !spec.disabled && versionOf(spec.cidr) === request.version)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  if (enabled.length === 0) throw new PoolError(`there is no enabled IPv${request.version} pool`);
  const candidates =
    request.pools === undefined || request.pools.length === 0
      ? enabled.filter((pool) => pool.spec.assignmentMode === 'Automatic' && poolSelects(pool, request))
      : request.pools.map((wanted) => findPool(enabled, wanted));
  if (candidates.length === 0)
    throw new PoolError(`no IPv${request.version} pool selects the node and namespace`);
  const allowed = candidates.filter(({ spec }) => spec.allowedUses.includes(request.use));
  if (allowed.length === 0) {
    throw new PoolError(
      `no pool allows use ${request.use}: ${candidates.map(({ metadata }) => metadata.name).join(', ')}`,
    );
  }
  return allowed;
}

/** Whether the pool's selectors accept node and namespace. */
export function poolSelects(
  pool: IpPool,
  request: Pick<PoolRequest, 'nodeLabels' | 'namespaceLabels'>,
): boolean {
  const { nodeSelector, namespaceSelector } = pool.spec;
  if (!selectorMatches(nodeSelector, request.nodeLabels)) return false;
  if (namespaceSelector === undefined || namespaceSelector === '') return true;
  return request.namespaceLabels !== undefined && selectorMatches(namespaceSelector, request.namespaceLabels);
}

function findPool(pools: readonly IpPool[], wanted: string): IpPool {
  const found = pools.find(({ metadata, spec }) => metadata.name === wanted || spec.cidr === wanted);
  if (found !== undefined) return found;
  throw new PoolError(
    `pool ${wanted} does not exist or is disabled; enabled are ${pools.map((p) => p.metadata.name).join(', ')}`,
  );
}

/** The pool that contains an address or a block, whatever its state. */
export function poolContaining(pools: readonly IpPool[], addressOrCidr: string): IpPool | undefined {
  const inner = parsePrefix(addressOrCidr, 'mask');
  return pools.find(({ spec }) => prefixContains(parsePrefix(spec.cidr), inner));
}

/** Pairs of pools that share addresses; each address must belong to one pool. */
export function overlappingPools(pools: readonly IpPool[]): [IpPool, IpPool][] {
  return pools.flatMap((pool, i) =>
    pools
      .slice(i + 1)
      .filter((other) => prefixesOverlap(parsePrefix(pool.spec.cidr), parsePrefix(other.spec.cidr)))
      .map((other): [IpPool, IpPool] => [pool, other]),
  );
}

/** Number of blocks of a pool (capped at 2^52). */
export function blockCount(pool: IpPool): number {
  return powerOfTwo(pool.spec.blockSize - parsePrefix(pool.spec.cidr).length);
}

/** Number of addresses of a pool (capped at 2^52). */
export function poolSize(pool: IpPool): number {
  return addressCount(parsePrefix(pool.spec.cidr));
}

/** CIDR of the block that an address of the pool belongs to. */
export function blockOf(pool: IpPool, address: string): string {
  return enclosingPrefix(address, pool.spec.blockSize);
}

/**
 * All blocks of a pool, circularly from a start that depends on the host's name alone, so that one host finds the
 * same block again and different hosts seldom want the same. (Calico draws the start with Go's generator seeded with
 * FNV-1 of the name; the positions differ, the contract is the same.)
 * @param seed replaces the name's hash where given: blocks of one address need no preferred place.
 */
export function* poolBlocks(pool: IpPool, host: string, seed?: number): Generator<string, void, undefined> {
  const prefix = parsePrefix(pool.spec.cidr);
  const count = blockCount(pool);
  const start = seed === undefined ? startOf(host, count) : seed % count;
  for (let i = 0; i < count; i++) yield subPrefixAt(prefix, pool.spec.blockSize, (start + i) % count);
}

/** Orders blocks of a pool as {@link poolBlocks} would meet them. */
export function inPoolOrder(pool: IpPool, host: string, cidrs: readonly string[]): string[] {
  const prefix = parsePrefix(pool.spec.cidr);
  const count = blockCount(pool);
  const start = startOf(host, count);
  const addressesPerBlock = addressCount(prefix) / count;
  const position = (cidr: string): number => {
    const offset = offsetOf(prefix, cidr.slice(0, cidr.indexOf('/'))) ?? 0;
    return (Math.floor(offset / addressesPerBlock) - start + count) % count;
  };
  return cidrs.toSorted((a, b) => position(a) - position(b));
}

function startOf(host: string, count: number): number {
  return spread(fnv1(host)) % count;
}

const encoder = new TextEncoder();

/** FNV-1, 32 bits. */
export function fnv1(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(text)) hash = Math.imul(hash, 0x01000193) ^ byte;
  return hash >>> 0;
}

/** Mixes all bits into all others; FNV-1 alone leaves names that differ in the last digit side by side. */
function spread(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
