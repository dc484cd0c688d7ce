/**
 * Operations on a block of addresses (Calico `libcalico-go/lib/ipam/ipam_block.go`). Blocks are values: an operation
 * returns a new one, which the caller writes with compare-and-swap after {@link nextSequence}.
 */

import { parsePrefix } from '../../ip/prefix.ts';
import { addressAt, addressCount, offsetOf } from './range.ts';
import type { AllocationAttribute, Block } from './values.ts';

/** An address cannot be given out or taken back as asked. */
export class BlockError extends Error {
  override readonly name = 'BlockError';
  readonly reason: 'in-use' | 'outside' | 'affinity' | 'sequence' | 'handle';

  constructor(reason: BlockError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface NewBlock {
  readonly cidr: string;
  /** `host:NODE`. */
  readonly affinity: string;
  /** Nanoseconds since the epoch, so that a block deleted and made again never repeats a number. */
  readonly sequenceNumber: bigint;
  /** RFC 3339 time. */
  readonly claimTime: string;
}

/** An empty block with all its addresses free in ascending order. */
export function newBlock({ cidr, affinity, sequenceNumber, claimTime }: NewBlock): Block {
  const size = addressCount(parsePrefix(cidr));
  return {
    cidr,
    affinity,
    affinity_claim_time: claimTime,
    allocations: new Array<null>(size).fill(null),
    unallocated: Array.from({ length: size }, (_, offset) => offset),
    attributes: [],
    sequenceNumber,
    sequenceNumberForAllocation: {},
    deleted: false,
  };
}

/** Who asks for addresses of a block. */
export interface Assignment {
  readonly handleId: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  /** `host:NODE` of the asking node; where set, the block must be affine to it. */
  readonly requiredAffinity?: string;
}

/** Takes up to `count` addresses from the front of the free ones; fewer, or none, where the block is full. */
export function takeFree(
  block: Block,
  count: number,
  assignment: Assignment,
): { block: Block; addresses: string[] } {
  checkAffinity(block, assignment);
  const offsets = block.unallocated.slice(0, count);
  const prefix = parsePrefix(block.cidr);
  const addresses = offsets.map((offset) => addressAt(prefix, offset));
  return { block: offsets.length === 0 ? block : allocate(block, offsets, assignment), addresses };
}

/** Takes one particular address. @throws BlockError where it lies outside or is in use */
export function takeAddress(block: Block, address: string, assignment: Assignment): Block {
  checkAffinity(block, assignment);
  const offset = offsetIn(block, address);
  if (block.allocations[offset] !== null) {
    const holder = block.attributes[block.allocations[offset]!]?.handle_id ?? 'no handle';
    throw new BlockError('in-use', `${address} of block ${block.cidr} is in use (${holder})`);
  }
  return allocate(block, [offset], assignment);
}

/** An address to give back; the optional fields guard against giving back what meanwhile belongs to somebody else. */
export interface Release {
  readonly address: string;
  readonly sequenceNumber?: bigint;
  readonly handleId?: string;
}

export interface Released {
  readonly block: Block;
  readonly addresses: readonly string[];
  /** Asked for, but free already. */
  readonly wereFree: readonly string[];
  readonly countByHandle: ReadonlyMap<string, number>;
}

/**
 * Gives addresses back, in the given order, to the end of the free ones.
 * @throws BlockError, and releases nothing, where one lies outside or a guard does not match.
 */
export function release(block: Block, releases: readonly Release[]): Released {
  const wanted = new Map(releases.map((each) => [each.address, each]));
  const offsets: number[] = [];
  const wereFree: string[] = [];
  for (const each of wanted.values()) {
    const offset = offsetIn(block, each.address);
    const held = isHeld(block, offset, each);
    if (held) offsets.push(offset);
    else wereFree.push(each.address);
  }
  return { ...free(block, offsets), wereFree };
}

/** Gives back all addresses of a handle, lowest first. */
export function releaseHandle(block: Block, handleId: string): Released {
  return { ...free(block, offsetsOf(block, handleId)), wereFree: [] };
}

/** Addresses of a handle in the block, ascending. */
export function addressesOfHandle(block: Block, handleId: string): string[] {
  const prefix = parsePrefix(block.cidr);
  return offsetsOf(block, handleId).map((offset) => addressAt(prefix, offset));
}

/** An address in use, with who has it. */
export interface Allocation extends AllocationAttribute {
  readonly address: string;
  readonly sequenceNumber: bigint | undefined;
}

/** All addresses in use, ascending. */
export function allocationsOf(block: Block): Allocation[] {
  const prefix = parsePrefix(block.cidr);
  return block.allocations.flatMap((index, offset) => {
    if (index === null) return [];
    const attribute = block.attributes[index] ?? { handle_id: null, secondary: {} };
    const sequenceNumber = block.sequenceNumberForAllocation[offset];
    return [{ ...attribute, address: addressAt(prefix, offset), sequenceNumber }];
  });
}

/** Allocations by other nodes than the affine one (all, where the block has no affinity). */
export function borrowedOf(block: Block): Allocation[] {
  const owner = affineHost(block);
  return allocationsOf(block).filter(({ secondary }) => owner === undefined || secondary.node !== owner);
}

/** Node that the block is affine to. */
export function affineHost(block: Block): string | undefined {
  return block.affinity?.startsWith('host:') ? block.affinity.slice('host:'.length) : undefined;
}

/** Number of addresses in use. */
export function inUse(block: Block): number {
  return block.allocations.reduce<number>((count, index) => (index === null ? count : count + 1), 0);
}

export function isEmpty(block: Block): boolean {
  return block.allocations.every((index) => index === null);
}

/** The block as it is written: every write has its own sequence number. */
export function nextSequence(block: Block): Block {
  return { ...block, sequenceNumber: block.sequenceNumber + 1n };
}

/** The block without its owner; its addresses stay in use. */
export function withoutAffinity(block: Block): Block {
  const { affinity_claim_time: _, ...rest } = block;
  return { ...rest, affinity: null };
}

function checkAffinity(block: Block, { requiredAffinity }: Assignment): void {
  if (requiredAffinity === undefined || block.affinity === requiredAffinity) return;
  const owner = block.affinity ?? 'nobody';
  throw new BlockError('affinity', `block ${block.cidr} is affine to ${owner}, not to ${requiredAffinity}`);
}

function allocate(block: Block, offsets: readonly number[], { handleId, attributes }: Assignment): Block {
  const wanted: AllocationAttribute = { handle_id: handleId, secondary: attributes };
  const found = block.attributes.findIndex((each) => sameAttribute(each, wanted));
  const index = found < 0 ? block.attributes.length : found;
  const allocations = [...block.allocations];
  const sequences = { ...block.sequenceNumberForAllocation };
  for (const offset of offsets) {
    allocations[offset] = index;
    sequences[offset] = block.sequenceNumber;
  }
  const taken = new Set(offsets);
  return {
    ...block,
    allocations,
    unallocated: block.unallocated.filter((offset) => !taken.has(offset)),
    attributes: found < 0 ? [...block.attributes, wanted] : block.attributes,
    sequenceNumberForAllocation: sequences,
  };
}

function isHeld(block: Block, offset: number, { address, sequenceNumber, handleId }: Release): boolean {
  const index = block.allocations[offset] ?? null;
  const current = block.sequenceNumberForAllocation[offset] ?? 0n;
  if (sequenceNumber !== undefined && sequenceNumber !== current) {
    throw new BlockError(
      'sequence',
      `${address} was given out again since: sequence number ${current}, not ${sequenceNumber}`,
    );
  }
  if (index === null) return false;
  const holder = block.attributes[index]?.handle_id ?? null;
  if (handleId !== undefined && holder !== handleId) {
    throw new BlockError('handle', `${address} belongs to handle ${holder ?? '(none)'}, not to ${handleId}`);
  }
  return true;
}

function free(block: Block, offsets: readonly number[]): Omit<Released, 'wereFree'> {
  if (offsets.length === 0) return { block, addresses: [], countByHandle: new Map() };
  const prefix = parsePrefix(block.cidr);
  const countByHandle = new Map<string, number>();
  const allocations = [...block.allocations];
  const sequences = { ...block.sequenceNumberForAllocation };
  for (const offset of offsets) {
    const handle = block.attributes[allocations[offset]!]?.handle_id;
    if (handle != null) countByHandle.set(handle, (countByHandle.get(handle) ?? 0) + 1);
    allocations[offset] = null;
    delete sequences[offset];
  }
  return {
    block: {
      ...withoutUnusedAttributes(block, allocations),
      unallocated: [...block.unallocated, ...offsets],
      sequenceNumberForAllocation: sequences,
    },
    addresses: offsets.map((offset) => addressAt(prefix, offset)),
    countByHandle,
  };
}

/** Drops attributes that no allocation refers to and renumbers the rest. */
function withoutUnusedAttributes(block: Block, allocations: readonly (number | null)[]): Block {
  const used = new Set(allocations);
  const renumbered = new Map<number, number>();
  const attributes = block.attributes.filter((_, index) => {
    if (!used.has(index)) return false;
    renumbered.set(index, renumbered.size);
    return true;
  });
  return {
    ...block,
    attributes,
    allocations: allocations.map((index) => (index === null ? null : renumbered.get(index)!)),
  };
}

function offsetsOf(block: Block, handleId: string): number[] {
  return block.allocations.flatMap((index, offset) =>
    index !== null && block.attributes[index]?.handle_id === handleId ? [offset] : [],
  );
}

function offsetIn(block: Block, address: string): number {
  const offset = offsetOf(parsePrefix(block.cidr), address);
  if (offset === undefined) throw new BlockError('outside', `${address} is not in block ${block.cidr}`);
  return offset;
}

function sameAttribute(a: AllocationAttribute, b: AllocationAttribute): boolean {
  const keys = Object.keys(a.secondary);
  return (
    a.handle_id === b.handle_id &&
    keys.length === Object.keys(b.secondary).length &&
    keys.every((key) => a.secondary[key] === b.secondary[key])
  );
}
