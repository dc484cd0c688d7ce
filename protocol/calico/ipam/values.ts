/**
 * IPAM's values in etcd as Calico writes them (Calico `libcalico-go/lib/backend/model/{block,block_affinity,
 * ipam_handle,ipam_config}.go`). Field names are those of the JSON.
 */

import {
  boolean,
  integer,
  list,
  object,
  oneOf,
  type Reader,
  text,
  textMap,
  unexpected,
  withDefault,
} from '../resources/field.ts';
import { parseJson, stringifyJson } from './json.ts';

/** Who has an address, and what for: attributes `pod`, `namespace`, `node`, `timestamp`, or `type`. */
export interface AllocationAttribute {
  readonly handle_id: string | null;
  readonly secondary: Readonly<Record<string, string>>;
}

/** A block of addresses: unit of affinity, of announcement, and of compare-and-swap. */
export interface Block {
  readonly cidr: string;
  /** `host:NODE`, `virtual:load-balancer`, or null after its owner gave it up. */
  readonly affinity: string | null;
  /** RFC 3339 time of the claim. */
  readonly affinity_claim_time?: string;
  /** Per address the index of its attributes, or null where free. */
  readonly allocations: readonly (number | null)[];
  /** Free addresses as offsets: taken from the front, returned at the back, so that reuse is as late as possible. */
  readonly unallocated: readonly number[];
  readonly attributes: readonly AllocationAttribute[];
  /** Nanosecond clock at creation, then one more per write. */
  readonly sequenceNumber: bigint;
  /** Sequence number of the block at the time of each allocation, by offset. */
  readonly sequenceNumberForAllocation: Readonly<Record<string, bigint>>;
  readonly deleted: boolean;
}

/** State of a node's claim to a block. Old Calico wrote no state; that counts as confirmed. */
export type AffinityState = 'pending' | 'confirmed' | 'pendingDeletion';
export interface BlockAffinity {
  readonly state: AffinityState | '';
  readonly deleted: boolean;
}

/** How many addresses a handle has in each block. */
export interface IpamHandle {
  readonly block: Readonly<Record<string, number>>;
  readonly deleted: boolean;
}

export interface IpamConfig {
  /** Nodes take addresses only from their own blocks. */
  readonly strict_affinity: boolean;
  readonly auto_allocate_blocks: boolean;
  /** 0: the default limit of 20. */
  readonly maxBlocksPerHost: number;
}

/** What holds where the store has no IPAM configuration. */
export const DEFAULT_IPAM_CONFIG: IpamConfig = {
  strict_affinity: false,
  auto_allocate_blocks: true,
  maxBlocksPerHost: 0,
};

const readUint64: Reader<bigint> = (value, path) => {
  if (typeof value === 'bigint' ? value < 0n : !Number.isSafeInteger(value) || (value as number) < 0) {
    throw unexpected(path, 'an unsigned integer', value);
  }
  return BigInt(value as bigint | number);
};

const readSequenceNumbers: Reader<Record<string, bigint>> = (value, path, unknownFields) => {
  if (typeof value !== 'object' || value === null) throw unexpected(path, 'an object', value);
  return Object.fromEntries(
    Object.entries(value).map(([offset, number]) => [
      offset,
      readUint64(number, [...path, offset], unknownFields),
    ]),
  );
};

const readIndex: Reader<number> = integer(0, 65535);
const readNullable =
  <T>(read: Reader<T>): Reader<T | null> =>
  (value, path, unknownFields) =>
    value === null || value === undefined ? null : read(value, path, unknownFields);

const readBlock: Reader<Block> = object<
  Omit<Block, 'affinity_claim_time'>,
  Pick<Block, 'affinity_claim_time'>
>(
  {
    cidr: text(),
    affinity: readNullable(text()),
    allocations: list(readNullable(readIndex)),
    unallocated: list(readIndex),
    attributes: withDefault(
      list(
        object<AllocationAttribute, object>(
          { handle_id: readNullable(text()), secondary: withDefault(textMap, {}) },
          {},
        ),
      ),
      [],
    ),
    sequenceNumber: readUint64,
    sequenceNumberForAllocation: withDefault(readSequenceNumbers, {}),
    deleted: withDefault(boolean, false),
  },
  { affinity_claim_time: text() },
);

const readAffinity: Reader<BlockAffinity> = object<BlockAffinity, object>(
  {
    state: withDefault(oneOf('pending', 'confirmed', 'pendingDeletion', ''), ''),
    deleted: withDefault(boolean, false),
  },
  {},
);

const readCounts: Reader<Record<string, number>> = (value, path, unknownFields) => {
  if (typeof value !== 'object' || value === null) throw unexpected(path, 'an object', value);
  return Object.fromEntries(
    Object.entries(value).map(([cidr, count]) => [
      cidr,
      integer(0, Number.MAX_SAFE_INTEGER)(count, [...path, cidr], unknownFields),
    ]),
  );
};

const readHandle: Reader<IpamHandle> = object<IpamHandle, object>(
  { block: withDefault(readCounts, {}), deleted: withDefault(boolean, false) },
  {},
);

// Go leaves false and 0 out; a configuration that is present but silent on a flag therefore means false.
const readConfig: Reader<IpamConfig> = object<IpamConfig, object>(
  {
    strict_affinity: withDefault(boolean, false),
    auto_allocate_blocks: withDefault(boolean, false),
    maxBlocksPerHost: withDefault(integer(0, 0x7fffffff), 0),
  },
  {},
);

/** The kinds of values, each with how it is read from JSON text and written. */
export interface ValueCodec<T> {
  /** @throws FieldError or SyntaxError */
  parse(json: string): T;
  format(value: T): string;
}

function codec<T>(read: Reader<T>): ValueCodec<T> {
  return { parse: (json) => read(parseJson(json), [], 'ignore'), format: (value) => stringifyJson(value) };
}

export const BLOCK: ValueCodec<Block> = codec(readBlock);
export const BLOCK_AFFINITY: ValueCodec<BlockAffinity> = codec(readAffinity);
export const IPAM_HANDLE: ValueCodec<IpamHandle> = codec(readHandle);
export const IPAM_CONFIG: ValueCodec<IpamConfig> = codec(readConfig);
