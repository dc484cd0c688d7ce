import { affineHost, takeFree } from '../../protocol/calico/ipam/block.ts';
import { inPoolOrder, poolContaining } from '../../protocol/calico/ipam/pool.ts';
import { versionOf } from '../../protocol/calico/ipam/range.ts';
import type { Block, IpamConfig } from '../../protocol/calico/ipam/values.ts';
import { blockPrefix } from '../../protocol/calico/keys.ts';
import type { IpPool } from '../../protocol/calico/resources/ip-pool.ts';
import type { KvClient } from '../store/client.ts';
import { type BlockClaims, blockCidrs } from './ipam-claims.ts';
import type { IpamError } from './ipam-error.ts';
import type { Handles } from './ipam-handles.ts';
import { RETRY, type Retry, untilUnchanged } from './retry.ts';
import { listKeys, type Versioned } from './typed-kv.ts';

/** Who gets addresses, and what is written beside them. */
export interface Owner {
  readonly node: string;
  readonly handleId: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Why a request cannot be met. */
export interface Shortage {
  readonly reason: IpamError['reason'];
  readonly message: string;
}

export interface SessionInput {
  readonly client: KvClient;
  readonly claims: BlockClaims;
  readonly handles: Handles;
  readonly node: string;
  /** Pools that the request may use; at least one. */
  readonly pools: readonly IpPool[];
  readonly config: IpamConfig;
  /** Blocks in these pools that the node has a claim to. */
  readonly claimed: readonly string[];
}

/** Blocks per node where the configuration sets no limit. */
const DEFAULT_BLOCK_LIMIT = 20;

/** One request of a node for addresses or for a block, from the choice of blocks to the writes. */
export class AssignSession {
  readonly #input: SessionInput;
  readonly #remaining: string[];
  readonly #tried = new Set<string>();
  #owned: number;

  constructor(input: SessionInput) {
    this.#input = input;
    this.#remaining = [...input.claimed];
    this.#owned = input.claimed.length;
  }

  /** Appends up to `wanted` addresses to `addresses`; says what was missing where they are fewer. */
  async take(owner: Owner, wanted: number, addresses: string[]): Promise<Shortage | undefined> {
    return (await this.#takeFromOwn(owner, wanted, addresses)) ?? this.#borrow(owner, wanted, addresses);
  }

  /** Fills `addresses` from blocks of the node; a shortage that borrowing may not mend is returned. */
  async #takeFromOwn(owner: Owner, wanted: number, addresses: string[]): Promise<Shortage | undefined> {
    const strict = this.#input.config.strict_affinity;
    while (addresses.length < wanted) {
      const block = (await this.#nextOwn()) ?? (await this.claimNew());
      if (!('value' in block)) return block.reason === 'exhausted' && !strict ? undefined : block;
      addresses.push(...(await this.#takeFromBlock(block, owner, wanted - addresses.length, strict)));
    }
    return undefined;
  }

  /** The next of the node's blocks that has a free address. */
  async #nextOwn(): Promise<Versioned<Block> | undefined> {
    const { claims, node } = this.#input;
    for (let cidr = this.#remaining.shift(); cidr !== undefined; cidr = this.#remaining.shift()) {
      const claimed = cidr;
      this.#tried.add(claimed);
      const block = await untilUnchanged(`block ${claimed}`, () => claims.load(node, claimed));
      if (block !== 'lost' && block.value.unallocated.length > 0) return block;
    }
    return undefined;
  }

  /** A new block for the node, or why there is none. */
  async claimNew(): Promise<Versioned<Block> | Shortage> {
    const { claims, config, node, pools } = this.#input;
    const limit = config.maxBlocksPerHost || DEFAULT_BLOCK_LIMIT;
    if (this.#owned >= limit) {
      return { reason: 'block-limit', message: `the node has ${this.#owned} blocks, the limit is ${limit}` };
    }
    if (!config.auto_allocate_blocks) {
      return { reason: 'claim', message: 'its blocks are full and auto_allocate_blocks is off' };
    }
    return untilUnchanged<Versioned<Block> | Shortage>(`node ${node}`, async () => {
      const cidr = await claims.findClaimable(pools, node, this.#tried);
      if (cidr === undefined) return this.#exhausted();
      const block = await untilUnchanged(`block ${cidr}`, () => claims.claim(node, cidr));
      if (block === 'lost') return RETRY;
      this.#tried.add(cidr);
      this.#owned++;
      return block;
    });
  }

  /** Takes from any block of the pools, whoever owns it. */
  async #borrow(owner: Owner, wanted: number, addresses: string[]): Promise<Shortage | undefined> {
    if (addresses.length >= wanted) return undefined;
    const { client, claims, node, pools } = this.#input;
    const cidrs = blockCidrs(await listKeys(client, blockPrefix(versionOf(pools[0]!.spec.cidr))));
    for (const pool of pools) {
      const inPool = cidrs.filter((cidr) => poolContaining([pool], cidr) !== undefined);
      for (const cidr of inPoolOrder(pool, node, inPool)) {
        const block = await claims.block(cidr);
        if (block === undefined) continue;
        addresses.push(...(await this.#takeFromBlock(block, owner, wanted - addresses.length, false)));
        if (addresses.length >= wanted) return undefined;
      }
    }
    return this.#exhausted();
  }

  /** Takes up to `count` addresses of a block; none where it is full, gone, or (strict) no longer the node's. */
  async #takeFromBlock(
    first: Versioned<Block>,
    owner: Owner,
    count: number,
    strict: boolean,
  ): Promise<string[]> {
    const { claims, handles } = this.#input;
    let block: Versioned<Block> | undefined = first;
    return untilUnchanged(`block ${first.value.cidr}`, async () => {
      block ??= await claims.block(first.value.cidr);
      if (block === undefined || (strict && affineHost(block.value) !== owner.node)) return [];
      const taken = takeFree(block.value, count, assignmentOf(owner));
      if (taken.addresses.length === 0) return [];
      const written = await writeTaken(
        { claims, handles },
        block,
        taken.block,
        owner.handleId,
        taken.addresses.length,
      );
      block = undefined;
      return written === RETRY ? RETRY : taken.addresses;
    });
  }

  #exhausted(): Shortage {
    const { pools, config } = this.#input;
    const names = pools.map(({ metadata, spec }) => `${metadata.name} (${spec.cidr})`).join(', ');
    const why = config.strict_affinity ? 'no block left (strict affinity)' : 'no free address';
    return { reason: 'exhausted', message: `${why} in pool ${names}` };
  }
}

/** What a block records of an owner's addresses. */
export function assignmentOf({ node, handleId, attributes }: Owner): {
  readonly handleId: string;
  readonly attributes: Readonly<Record<string, string>>;
} {
  return { handleId, attributes: { node, ...attributes } };
}

/** Writes a block from which `count` addresses were taken: the handle first, and undone where the block changed. */
export async function writeTaken(
  { claims, handles }: { readonly claims: BlockClaims; readonly handles: Handles },
  block: Versioned<Block>,
  next: Block,
  handleId: string,
  count: number,
): Promise<Versioned<Block> | Retry> {
  await handles.increment(handleId, next.cidr, count);
  let written: Versioned<Block> | undefined;
  try {
    written = await claims.writeBlock(next, block.modRevision);
  } finally {
    if (written === undefined) await handles.decrement(handleId, next.cidr, count);
  }
  return written ?? RETRY;
}
