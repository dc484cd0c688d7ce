import {
  affineHost,
  isEmpty,
  newBlock,
  nextSequence,
  withoutAffinity,
} from '../../protocol/calico/ipam/block.ts';
import { poolBlocks } from '../../protocol/calico/ipam/pool.ts';
import { versionOf } from '../../protocol/calico/ipam/range.ts';
import {
  type AffinityState,
  BLOCK,
  BLOCK_AFFINITY,
  type Block,
  type BlockAffinity,
} from '../../protocol/calico/ipam/values.ts';
import { affinityKey, affinityPrefix, blockKey, blockPrefix, parseKey } from '../../protocol/calico/keys.ts';
import type { IpPool } from '../../protocol/calico/resources/ip-pool.ts';
import type { IpVersion } from '../../protocol/ip/prefix.ts';
import type { Clock, Random } from '../ports.ts';
import type { KvClient } from '../store/client.ts';
import { RETRY, type Retry } from './retry.ts';
import { rfc3339 } from './time.ts';
import { listKeys, TypedKv, type Versioned } from './typed-kv.ts';

export interface ClaimPorts {
  readonly clock: Clock;
  readonly random: Random;
}

export type ReleaseOutcome = 'released' | 'not-claimed' | 'not-empty' | 'changed';

export interface ReleaseAffinityOptions {
  /** Leave the block alone while addresses of it are in use. */
  readonly mustBeEmpty?: boolean;
  /** Leave the block alone unless it is the one with this sequence number. */
  readonly sequenceNumber?: bigint;
}

/** How long a claimed block without addresses is safe from other nodes: they would take it from each other forever. */
const RECLAIM_AGE = 60_000;

/**
 * Who owns which block: the affinity of a node (`pending`, `confirmed`, `pendingDeletion`) and the block itself, kept
 * consistent over crashes and races (Calico `libcalico-go/lib/ipam/ipam_block_reader_writer.go`).
 */
export class BlockClaims {
  readonly blocks: TypedKv<Block>;
  readonly #affinities: TypedKv<BlockAffinity>;
  readonly #client: KvClient;
  readonly #ports: ClaimPorts;

  constructor(client: KvClient, ports: ClaimPorts) {
    this.#client = client;
    this.#ports = ports;
    this.blocks = new TypedKv(client, BLOCK);
    this.#affinities = new TypedKv(client, BLOCK_AFFINITY);
  }

  block(cidr: string): Promise<Versioned<Block> | undefined> {
    return this.blocks.get(blockKey(cidr));
  }

  /** Writes a changed block under its next sequence number; `undefined` where somebody changed it first. */
  writeBlock(block: Block, modRevision: bigint): Promise<Versioned<Block> | undefined> {
    return this.blocks.update(blockKey(block.cidr), nextSequence(block), modRevision);
  }

  /** CIDRs of all blocks that a node has a claim to, whatever its state. */
  async claimed(node: string, version: IpVersion): Promise<string[]> {
    return blockCidrs(await listKeys(this.#client, affinityPrefix(node, version)));
  }

  /** CIDRs of the blocks that a node owns. */
  async confirmed(node: string, version: IpVersion): Promise<string[]> {
    const affinities = await this.#affinities.list(affinityPrefix(node, version));
    return blockCidrs(affinities.filter(({ value }) => isConfirmed(value)).map(({ key }) => key));
  }

  /**
   * The block of a claim that the node has, made or confirmed where that was still to be done; `lost` (and the claim
   * removed) where another node owns the block, or where there is no claim.
   */
  async load(node: string, cidr: string): Promise<Versioned<Block> | 'lost' | Retry> {
    const affinity = await this.#affinities.get(affinityKey(node, cidr));
    return affinity === undefined ? 'lost' : this.#fulfil(node, cidr, affinity);
  }

  /** Claims a block for a node; `lost` where another node was faster. */
  async claim(node: string, cidr: string): Promise<Versioned<Block> | 'lost' | Retry> {
    const key = affinityKey(node, cidr);
    const created = await this.#affinities.create(key, { state: 'pending', deleted: false });
    const affinity = created ?? (await this.#affinities.get(key));
    return affinity === undefined ? RETRY : this.#fulfil(node, cidr, affinity);
  }

  async #fulfil(
    node: string,
    cidr: string,
    found: Versioned<BlockAffinity>,
  ): Promise<Versioned<Block> | 'lost' | Retry> {
    const key = affinityKey(node, cidr);
    const block = await this.block(cidr);
    if (block !== undefined && affineHost(block.value) !== node) {
      await this.#affinities.remove(key, found.modRevision);
      return 'lost';
    }
    if (block !== undefined && isConfirmed(found.value)) return block;
    const affinity = found.value.state === 'pending' ? found : await this.#setState(key, found, 'pending');
    if (affinity === undefined) return RETRY;
    // Writing the block anew defeats whoever was about to release it on what he read before.
    const owned =
      block === undefined
        ? await this.#create(node, cidr)
        : await this.writeBlock(block.value, block.modRevision);
    if (owned === undefined) return RETRY;
    if (owned === 'lost') {
      await this.#affinities.remove(key, affinity.modRevision);
      return 'lost';
    }
    if ((await this.#setState(key, affinity, 'confirmed')) !== undefined) return owned;
    const now = await this.#affinities.get(key);
    return now !== undefined && isConfirmed(now.value) ? owned : RETRY;
  }

  /** Creates the block; where it exists by now, that one if it is the node's. */
  async #create(node: string, cidr: string): Promise<Versioned<Block> | 'lost' | undefined> {
    const now = this.#ports.clock.wallNanos();
    const block = newBlock({ cidr, affinity: `host:${node}`, sequenceNumber: now, claimTime: rfc3339(now) });
    const created = await this.blocks.create(blockKey(cidr), block);
    if (created !== undefined) return created;
    const existing = await this.block(cidr);
    if (existing === undefined) return undefined;
    return affineHost(existing.value) === node ? existing : 'lost';
  }

  /**
   * A block that the node could claim: the first in the pools' order that nobody has or that became the node's own
   * meanwhile, else a foreign one without addresses, taken from its owner. `undefined` where there is none.
   */
  async findClaimable(
    pools: readonly IpPool[],
    node: string,
    tried: ReadonlySet<string>,
  ): Promise<string | undefined> {
    const version = versionOf(pools[0]!.spec.cidr);
    const existing = new Set(blockCidrs(await listKeys(this.#client, blockPrefix(version))));
    const own = new Set(await this.claimed(node, version));
    for (const pool of pools) {
      for (const cidr of poolBlocks(pool, node, this.#seed(pool))) {
        if (!existing.has(cidr)) return cidr;
        if (own.has(cidr) && !tried.has(cidr) && (await this.#isUsable(cidr, node))) return cidr;
      }
    }
    return this.#reclaim(pools, node);
  }

  /** A claim alone says nothing: another process of the node may be about to lose it. */
  async #isUsable(cidr: string, node: string): Promise<boolean> {
    const block = (await this.block(cidr))?.value;
    return block !== undefined && affineHost(block) === node && block.unallocated.length > 0;
  }

  /** Blocks of a single address need no preferred place, and all starting at one place would collide. */
  #seed(pool: IpPool): number | undefined {
    const single = versionOf(pool.spec.cidr) === 4 ? 32 : 128;
    return pool.spec.blockSize === single ? this.#ports.random.uint32() : undefined;
  }

  async #reclaim(pools: readonly IpPool[], node: string): Promise<string | undefined> {
    const version = versionOf(pools[0]!.spec.cidr);
    const blocks = new Map(
      (await this.blocks.list(blockPrefix(version))).map(({ value }) => [value.cidr, value]),
    );
    const now = Number(this.#ports.clock.wallNanos() / 1_000_000n);
    for (const pool of pools) {
      for (const cidr of poolBlocks(pool, node)) {
        const block = blocks.get(cidr);
        const owner = block === undefined ? undefined : affineHost(block);
        if (block === undefined || owner === undefined || owner === node || !isEmpty(block)) continue;
        if (now - Date.parse(block.affinity_claim_time ?? '1970-01-01T00:00:00Z') < RECLAIM_AGE) continue;
        const outcome = await this.release(owner, cidr, {
          mustBeEmpty: true,
          sequenceNumber: block.sequenceNumber,
        });
        if (outcome === 'released') return cidr;
      }
    }
    return undefined;
  }

  /**
   * Ends a node's claim: marks it pendingDeletion, deletes the block, or, where addresses are in use, leaves it
   * without owner, then deletes the claim. `RETRY` where somebody interfered.
   */
  async release(
    node: string,
    cidr: string,
    options: ReleaseAffinityOptions = {},
  ): Promise<ReleaseOutcome | Retry> {
    const key = affinityKey(node, cidr);
    const affinity = await this.#affinities.get(key);
    if (affinity === undefined) return 'not-claimed';
    const block = await this.block(cidr);
    if (block === undefined || (block.value.affinity !== null && affineHost(block.value) !== node)) {
      return (await this.#affinities.remove(key, affinity.modRevision)) ? 'not-claimed' : RETRY;
    }
    if (options.sequenceNumber !== undefined && options.sequenceNumber !== block.value.sequenceNumber)
      return 'changed';
    if (options.mustBeEmpty === true && !isEmpty(block.value)) return 'not-empty';
    const marked = await this.#setState(key, affinity, 'pendingDeletion');
    if (marked === undefined || !(await this.#disown(block))) return RETRY;
    await this.#affinities.remove(key, marked.modRevision);
    return 'released';
  }

  async #disown({ value, modRevision }: Versioned<Block>): Promise<boolean> {
    if (isEmpty(value)) return this.blocks.remove(blockKey(value.cidr), modRevision);
    return (await this.writeBlock(withoutAffinity(value), modRevision)) !== undefined;
  }

  #setState(
    key: string,
    affinity: Versioned<BlockAffinity>,
    state: AffinityState,
  ): Promise<Versioned<BlockAffinity> | undefined> {
    return this.#affinities.update(key, { ...affinity.value, state }, affinity.modRevision);
  }
}

/** CIDRs that block and affinity keys name; other keys are left out. */
export function blockCidrs(keys: readonly string[]): string[] {
  return keys.flatMap((key) => {
    const parsed = parseKey(key);
    return parsed?.kind === 'block' || parsed?.kind === 'affinity' ? [parsed.cidr] : [];
  });
}

/** Claims of Calico versions that knew no states count as confirmed. */
function isConfirmed({ state }: BlockAffinity): boolean {
  return state === 'confirmed' || state === '';
}
