import {
  addressesOfHandle,
  BlockError,
  isEmpty,
  type Release,
  type Released,
  release,
  releaseHandle,
  takeAddress,
} from '../../protocol/calico/ipam/block.ts';
import {
  blockOf,
  PoolError,
  poolContaining,
  poolSelects,
  selectPools,
} from '../../protocol/calico/ipam/pool.ts';
import { offsetOf, versionOf } from '../../protocol/calico/ipam/range.ts';
import {
  BLOCK,
  type Block,
  DEFAULT_IPAM_CONFIG,
  IPAM_CONFIG,
  type IpamConfig,
} from '../../protocol/calico/ipam/values.ts';
import { blockKey, blockPrefix, IPAM_CONFIG_KEY } from '../../protocol/calico/keys.ts';
import type { AllowedUse, IpPool } from '../../protocol/calico/resources/ip-pool.ts';
import type { Labels } from '../../protocol/calico/selector/evaluate.ts';
import { type IpVersion, parsePrefix } from '../../protocol/ip/prefix.ts';
import type { IpamRow } from '../control/types.ts';
import type { KvClient } from '../store/client.ts';
import { keyBytes } from '../store/keys.ts';
import {
  BlockClaims,
  blockCidrs,
  type ClaimPorts,
  type ReleaseAffinityOptions,
  type ReleaseOutcome,
} from './ipam-claims.ts';
import { IpamError } from './ipam-error.ts';
import { Handles } from './ipam-handles.ts';
import { AssignSession, assignmentOf, type Owner, type SessionInput, writeTaken } from './ipam-session.ts';
import { utilizationRows } from './ipam-utilization.ts';
import { PoolSource } from './pool-source.ts';
import { RETRY, untilUnchanged } from './retry.ts';
import { listKeys, TypedKv } from './typed-kv.ts';

export { IpamError } from './ipam-error.ts';

/** Who asks, and where the addresses may come from. */
export interface BlockRequest {
  readonly node: string;
  /** Default 4. */
  readonly version?: IpVersion;
  /** Names or CIDRs; default: every pool that selects the node. */
  readonly pools?: readonly string[];
  /** Default Workload. */
  readonly intendedUse?: AllowedUse;
  /** Labels of the pod's namespace, for pools that select by it. */
  readonly namespaceLabels?: Labels;
}

export interface AutoAssignRequest extends BlockRequest, Owner {
  /** Default 1. */
  readonly count?: number;
}

export interface AssignIpRequest extends Owner {
  readonly address: string;
}

/**
 * Calico's IPAM over etcd: nodes claim blocks of the pools and take addresses from them; every write is a
 * compare-and-swap, so that any number of processes may do so at once (Calico `libcalico-go/lib/ipam/ipam.go`).
 */
export class Ipam {
  readonly #claims: BlockClaims;
  readonly #handles: Handles;
  readonly #config: TypedKv<IpamConfig>;
  readonly #source: PoolSource;
  readonly #client: KvClient;
  /** One request per node at a time, as the CNI plugin's lock file has it: a node's requests want the same block. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(client: KvClient, ports: ClaimPorts) {
    this.#client = client;
    this.#claims = new BlockClaims(client, ports);
    this.#handles = new Handles(client);
    this.#config = new TypedKv(client, IPAM_CONFIG);
    this.#source = new PoolSource(client);
  }

  /**
   * Takes addresses for a node: from its own blocks, else from a block that it claims, else from one that it reclaims
   * from a node that uses no address of it, else borrowed from any block. Addresses come without prefix length.
   * @throws IpamError, with nothing taken, where there are not enough
   */
  autoAssign(request: AutoAssignRequest): Promise<string[]> {
    return this.#inTurn(request.node, async () => {
      const wanted = request.count ?? 1;
      const session = new AssignSession(await this.#sessionInput(request));
      const addresses: string[] = [];
      const shortage = await session.take(request, wanted, addresses);
      if (shortage === undefined) return addresses;
      await this.releaseIps(addresses.map((address) => ({ address, handleId: request.handleId })));
      const got = `assigned ${addresses.length} of ${wanted} IPv${request.version ?? 4} addresses`;
      throw new IpamError(shortage.reason, `ipam: node ${request.node}: ${got}: ${shortage.message}`);
    });
  }

  /** Addresses that the handle has, or new ones: a pod that starts again keeps its addresses. */
  async reuseOrAssign(request: AutoAssignRequest): Promise<string[]> {
    const held = await this.ipsByHandle(request.handleId);
    const ofVersion = held.filter((address) => versionOf(address) === (request.version ?? 4));
    return ofVersion.length > 0 ? ofVersion : this.autoAssign(request);
  }

  /**
   * Takes one particular address, claiming its block for the node if nobody has it.
   * @throws IpamError where it is in use, in no enabled pool, or, with strict affinity, in a foreign block
   */
  assignIp(request: AssignIpRequest): Promise<void> {
    return this.#inTurn(request.node, async () => {
      const pool = poolContaining(await this.#enabledPools(), request.address);
      if (pool === undefined) throw new IpamError('pool', `ipam: ${request.address} is in no enabled pool`);
      const config = await this.config();
      const cidr = blockOf(pool, request.address);
      await untilUnchanged(`address ${request.address}`, async () => {
        const block = (await this.#claims.block(cidr)) ?? (await this.#claims.claim(request.node, cidr));
        if (block === RETRY || block === 'lost') return RETRY;
        const next = takeChecked(block.value, request, config);
        return writeTaken({ claims: this.#claims, handles: this.#handles }, block, next, request.handleId, 1);
      });
    });
  }

  /**
   * A block that the node owns, claimed if it had none. Claims that a crash left unfinished are finished first, so a
   * node that starts again has the blocks that it had.
   * @throws IpamError where no block is to be had
   */
  ensureAffineBlock(request: BlockRequest): Promise<string> {
    return this.#inTurn(request.node, async () => {
      const input = await this.#sessionInput(request);
      const owned: string[] = [];
      for (const cidr of input.claimed) {
        const block = await untilUnchanged(`block ${cidr}`, () => this.#claims.load(request.node, cidr));
        if (block !== 'lost') owned.push(cidr);
      }
      if (owned.length > 0) return owned[0]!;
      const block = await new AssignSession({ ...input, claimed: owned }).claimNew();
      if ('value' in block) return block.value.cidr;
      throw new IpamError(block.reason, `ipam: node ${request.node} gets no block: ${block.message}`);
    });
  }

  /**
   * Claims one particular block for a node; false where another node owns it.
   * @throws IpamError where it is no block of an enabled pool
   */
  async claimAffinity(node: string, cidr: string): Promise<boolean> {
    const pool = poolContaining(await this.#enabledPools(), cidr);
    if (pool === undefined || blockOf(pool, cidr.split('/')[0]!) !== cidr) {
      throw new IpamError('pool', `ipam: ${cidr} is no block of an enabled pool`);
    }
    return (await untilUnchanged(`block ${cidr}`, () => this.#claims.claim(node, cidr))) !== 'lost';
  }

  /** Releases all addresses of a handle; returns them. An unknown handle has none. */
  async releaseByHandle(handleId: string): Promise<string[]> {
    const released: string[] = [];
    for (const cidr of Object.keys(await this.#handles.blocks(handleId))) {
      const result = await this.#release(cidr, (block) => releaseHandle(block, handleId));
      released.push(...(result?.addresses ?? []));
    }
    return released;
  }

  /**
   * Releases addresses; those that were free already are returned.
   * @throws IpamError where a guard (sequence number, handle) of one does not match; its block stays as it was
   */
  async releaseIps(
    releases: readonly Release[],
  ): Promise<{ readonly released: string[]; readonly wereFree: string[] }> {
    const released: string[] = [];
    const wereFree: string[] = [];
    for (const [cidr, ofBlock] of await this.#byBlock(releases)) {
      const result =
        cidr === undefined ? undefined : await this.#release(cidr, (block) => release(block, ofBlock));
      released.push(...(result?.addresses ?? []));
      wereFree.push(...(result?.wereFree ?? ofBlock.map(({ address }) => address)));
    }
    return { released, wereFree };
  }

  /** Ends a node's ownership of a block: an empty block goes, one in use stays without owner. */
  releaseAffinity(node: string, cidr: string, options: ReleaseAffinityOptions = {}): Promise<ReleaseOutcome> {
    return untilUnchanged(`block ${cidr}`, () => this.#claims.release(node, cidr, options));
  }

  /** Ends a node's ownership of all its blocks, as when the node is removed; its addresses stay in use. */
  async releaseNode(node: string, options: ReleaseAffinityOptions = {}): Promise<void> {
    for (const version of [4, 6] as const) {
      for (const cidr of await this.#claims.claimed(node, version))
        await this.releaseAffinity(node, cidr, options);
    }
  }

  /** Addresses of a handle, by block. */
  async ipsByHandle(handleId: string): Promise<string[]> {
    const addresses: string[] = [];
    for (const cidr of Object.keys(await this.#handles.blocks(handleId))) {
      const block = await this.#claims.block(cidr);
      if (block !== undefined) addresses.push(...addressesOfHandle(block.value, handleId));
    }
    return addresses;
  }

  /** CIDRs of the blocks that a node owns (claims confirmed): what it announces. */
  blocksOf(node: string, version: IpVersion = 4): Promise<string[]> {
    return this.#claims.confirmed(node, version);
  }

  /** A row per block, in the order of pools and addresses. */
  async utilization(): Promise<IpamRow[]> {
    const blocks = new TypedKv(this.#client, BLOCK);
    const all = [...(await blocks.list(blockPrefix(4))), ...(await blocks.list(blockPrefix(6)))];
    return utilizationRows(
      await this.#source.pools(),
      all.map(({ value }) => value),
    );
  }

  async config(): Promise<IpamConfig> {
    return (await this.#config.get(IPAM_CONFIG_KEY))?.value ?? DEFAULT_IPAM_CONFIG;
  }

  async setConfig(config: IpamConfig): Promise<void> {
    await this.#client.put({ key: keyBytes(IPAM_CONFIG_KEY), value: this.#config.encode(config) });
  }

  async #enabledPools(): Promise<IpPool[]> {
    return (await this.#source.pools()).filter(({ spec }) => !spec.disabled);
  }

  async #inTurn<T>(node: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(node) ?? Promise.resolve()).then(work, work);
    this.#turns.set(node, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(node) === turn) this.#turns.delete(node);
    }
  }

  async #sessionInput(request: BlockRequest): Promise<SessionInput> {
    const { node, version = 4 } = request;
    const nodeLabels = await this.#source.nodeLabels(node);
    const all = await this.#source.pools();
    const selection = {
      nodeLabels,
      version,
      use: request.intendedUse ?? 'Workload',
      ...(request.pools === undefined ? {} : { pools: request.pools }),
      ...(request.namespaceLabels === undefined ? {} : { namespaceLabels: request.namespaceLabels }),
    } as const;
    const pools = selectedPools(all, selection, node);
    const claimed = await this.#claims.claimed(node, version);
    for (const cidr of claimed) {
      const pool = poolContaining(all, cidr);
      // A pool that stopped selecting the node gets its empty blocks back.
      if (
        pool !== undefined &&
        !poolSelects({ ...pool, spec: { ...pool.spec, namespaceSelector: '' } }, selection)
      ) {
        await this.releaseAffinity(node, cidr, { mustBeEmpty: true });
      }
    }
    const usable = claimed.filter((cidr) => poolContaining(pools, cidr) !== undefined);
    const [claims, handles, config] = [this.#claims, this.#handles, await this.config()];
    return { client: this.#client, claims, handles, node, pools, config, claimed: usable };
  }

  /** Releases from one block; `undefined` where the block does not exist. */
  async #release(cidr: string, change: (block: Block) => Released): Promise<Released | undefined> {
    const released = await untilUnchanged(`block ${cidr}`, async () => {
      const block = await this.#claims.block(cidr);
      if (block === undefined) return undefined;
      const result = guarded(() => change(block.value));
      if (result.addresses.length === 0) return result;
      const ownerless = result.block.affinity === null && isEmpty(result.block);
      const done = ownerless
        ? await this.#claims.blocks.remove(blockKey(cidr), block.modRevision)
        : (await this.#claims.writeBlock(result.block, block.modRevision)) !== undefined;
      return done ? result : RETRY;
    });
    for (const [handle, count] of released?.countByHandle ?? [])
      await this.#handles.decrement(handle, cidr, count);
    return released;
  }

  /** Releases by the CIDR of their block; `undefined` for addresses that are in no block. */
  async #byBlock(releases: readonly Release[]): Promise<Map<string | undefined, Release[]>> {
    const pools = await this.#source.pools();
    const cidrs = new Map<IpVersion, string[]>();
    const byBlock = new Map<string | undefined, Release[]>();
    for (const each of releases) {
      const pool = poolContaining(pools, each.address);
      const cidr =
        pool === undefined ? await this.#blockWithoutPool(each.address, cidrs) : blockOf(pool, each.address);
      const group = byBlock.get(cidr);
      if (group === undefined) byBlock.set(cidr, [each]);
      else group.push(each);
    }
    return byBlock;
  }

  /** A pool may be deleted while addresses of it are in use: their blocks are found by looking at all. */
  async #blockWithoutPool(address: string, cidrs: Map<IpVersion, string[]>): Promise<string | undefined> {
    const version = versionOf(address);
    const known = cidrs.get(version) ?? blockCidrs(await listKeys(this.#client, blockPrefix(version)));
    cidrs.set(version, known);
    return known.find((cidr) => offsetOf(parsePrefix(cidr), address) !== undefined);
  }
}

function takeChecked(block: Block, request: AssignIpRequest, config: IpamConfig): Block {
  const strict = config.strict_affinity ? { requiredAffinity: `host:${request.node}` } : {};
  return guarded(() => takeAddress(block, request.address, { ...assignmentOf(request), ...strict }));
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof BlockError)
      throw new IpamError('address', `ipam: ${error.message}`, { cause: error });
    throw error;
  }
}

function selectedPools(
  all: readonly IpPool[],
  selection: Parameters<typeof selectPools>[1],
  node: string,
): IpPool[] {
  try {
    return selectPools(all, selection);
  } catch (error) {
    if (error instanceof PoolError)
      throw new IpamError('pool', `ipam: node ${node}: ${error.message}`, { cause: error });
    throw error;
  }
}
