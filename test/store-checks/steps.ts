import type { WatchCreate } from '../../agents/store/store.ts';
import { keyBytes } from '../../protocol/etcd/keys.ts';
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../../protocol/etcd/types.ts';
import type { Dice } from './random.ts';
import type { StoreLike } from './store-like.ts';

/**
 * Requests as plain data, so that they can be printed, left out and done again. Where a revision belongs there may be a
 * {@link Relative} one, which is worked out when the step is done.
 */
export type Step =
  | { readonly do: 'put'; readonly request: Loose<PutRequest> }
  | { readonly do: 'deleteRange'; readonly request: Loose<DeleteRangeRequest> }
  | { readonly do: 'range'; readonly request: Loose<RangeRequest> }
  | { readonly do: 'txn'; readonly request: Loose<TxnRequest> }
  | { readonly do: 'grant'; readonly id: bigint }
  | { readonly do: 'revoke' | 'keepAlive' | 'timeToLive'; readonly id: bigint }
  | { readonly do: 'compact'; readonly revision: bigint | Relative }
  | { readonly do: 'hashKv'; readonly revision: bigint | Relative }
  | { readonly do: 'watch'; readonly request: Loose<WatchCreate> }
  | { readonly do: 'cancelWatch'; readonly watchId: bigint };

/** A revision counted from the store's current one. */
export class Relative {
  readonly offset: bigint;

  constructor(offset: bigint | number) {
    this.offset = BigInt(offset);
  }
}

/** `T` in which every bigint may be relative. */
type Loose<T> = T extends bigint
  ? bigint | Relative
  : T extends Uint8Array | string | boolean | undefined
    ? T
    : { readonly [K in keyof T]: Loose<T[K]> };

/** The step with its relative revisions counted from `revision`. */
export function resolve<T>(value: T, revision: bigint): T {
  if (value instanceof Relative) return (revision + value.offset) as T;
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => resolve(each, revision)) as T;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(each, revision)])) as T;
}

const LEASE_TTL = 1000n;

/** Does a resolved step that is no watch's; what it gives is the store's answer. */
export async function perform(store: StoreLike, step: Step): Promise<unknown> {
  switch (step.do) {
    case 'put':
      return store.put(step.request as PutRequest);
    case 'deleteRange':
      return store.deleteRange(step.request as DeleteRangeRequest);
    case 'range':
      return store.range(step.request as RangeRequest);
    case 'txn':
      return store.txn(step.request as TxnRequest);
    case 'grant':
      return store.leaseGrant(LEASE_TTL, step.id);
    case 'revoke':
      return store.leaseRevoke(step.id);
    case 'keepAlive':
      return store.leaseKeepAlive(step.id);
    case 'timeToLive': {
      const { keys, grantedTtl, header } = await store.leaseTimeToLive(step.id, true);
      const texts = keys.map((key) => Buffer.from(key).toString('latin1'));
      return { header, grantedTtl, keys: texts.sort() };
    }
    case 'compact':
      return store.compact(step.revision as bigint, { physical: true });
    case 'hashKv':
      return store.hashKv(step.revision as bigint);
    default:
      return undefined;
  }
}

/** Not more than 12: keys that are equal by what they are sorted by have no order that is promised, but up to 12 Go keeps theirs. */
const KEYS: readonly Uint8Array[] = [
  ...['a', 'ab', 'abc', 'b', 'b\0', 'c', 'd', 'e', 'f/1', 'f/2'].map(keyBytes),
  Uint8Array.of(0xff),
  Uint8Array.of(0xff, 0xfe),
];
const FROM_HERE: Uint8Array = Uint8Array.of(0);
const LEASES: readonly bigint[] = [7n, -8n, 9n, 2n ** 62n];

/** Random requests over a few keys, so that they meet; errors are as welcome as successes. */
export class StepMaker {
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  next(): Step {
    const kind = this.#dice.below(100);
    if (kind < 27) return { do: 'put', request: this.#put() };
    if (kind < 35) return { do: 'deleteRange', request: this.#deletion(true) };
    if (kind < 56) return { do: 'range', request: this.#range() };
    if (kind < 85) return { do: 'txn', request: this.#txn(2) };
    if (kind < 89) return { do: 'grant', id: this.#dice.pick(...LEASES) };
    if (kind < 94) {
      return { do: this.#dice.pick('revoke', 'keepAlive', 'timeToLive'), id: this.#lease() };
    }
    if (kind < 96) return { do: 'compact', revision: this.#dice.pick(...COMPACTIONS) };
    if (kind < 97)
      return {
        do: 'hashKv',
        revision: this.#dice.pick<bigint | Relative>(0n, new Relative(-3), new Relative(1)),
      };
    if (kind < 98) return { do: 'watch', request: this.#watch() };
    return { do: 'cancelWatch', watchId: BigInt(this.#dice.below(12)) };
  }

  #key(): Uint8Array {
    return this.#dice.pick(...KEYS);
  }

  #rangeEnd(): { readonly rangeEnd?: Uint8Array } {
    if (this.#dice.once(2)) return {};
    return { rangeEnd: this.#dice.once(2) ? this.#key() : FROM_HERE };
  }

  #lease(): bigint {
    return this.#dice.once(2) ? 0n : this.#dice.pick(...LEASES);
  }

  #range(): Loose<RangeRequest> {
    const dice = this.#dice;
    const rarely = (most: number): bigint | Relative => (dice.once(4) ? new Relative(-dice.below(most)) : 0n);
    return {
      key: this.#key(),
      ...this.#rangeEnd(),
      revision: dice.pick<bigint | Relative>(0n, 0n, new Relative(-dice.below(30)), new Relative(1), -1n),
      limit: BigInt(dice.pick(0, 0, 1, 2, 3)),
      sortOrder: dice.pick('NONE', 'ASCEND', 'DESCEND'),
      sortTarget: dice.pick('KEY', 'KEY', 'MOD'),
      serializable: dice.once(3),
      keysOnly: dice.once(4),
      countOnly: dice.once(5),
      minModRevision: rarely(12),
      maxModRevision: rarely(12),
      minCreateRevision: rarely(30),
      maxCreateRevision: rarely(30),
    };
  }

  #put(): Loose<PutRequest> {
    const dice = this.#dice;
    const ignoreValue = dice.once(5);
    return {
      key: this.#key(),
      value: keyBytes(ignoreValue && !dice.once(4) ? '' : dice.pick('', '1', '2', '33')),
      lease: this.#lease(),
      prevKv: dice.once(2),
      ignoreValue,
      ignoreLease: dice.once(6),
    };
  }

  /**
   * Within a transaction the deletion has an end: a real etcd fails to notice that a key is deleted "from here on" and put, and
   * ends in a panic where that put is to keep the value.
   */
  #deletion(open: boolean): Loose<DeleteRangeRequest> {
    const end = open ? this.#rangeEnd() : this.#dice.once(2) ? {} : { rangeEnd: this.#key() };
    return { key: this.#key(), ...end, prevKv: this.#dice.once(2) };
  }

  #compare(): Loose<Compare> {
    const dice = this.#dice;
    const kind = dice.pick('VERSION', 'CREATE', 'MOD', 'LEASE', 'VALUE');
    const number = dice.pick<bigint | Relative>(0n, 1n, 2n, new Relative(-dice.below(5)));
    const target =
      kind === 'VALUE'
        ? { kind, operand: keyBytes(dice.pick('1', '2', '')) }
        : { kind, operand: kind === 'LEASE' ? this.#lease() : number };
    const result = dice.pick('EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL');
    return { key: this.#key(), ...this.#rangeEnd(), result, target } as Loose<Compare>;
  }

  #ops(depth: number): Loose<RequestOp>[] {
    return this.#dice.some(3, () => {
      const kind = this.#dice.below(depth > 0 ? 7 : 6);
      if (kind < 2) return { kind: 'range', request: this.#range() };
      if (kind < 5) return { kind: 'put', request: this.#put() };
      if (kind === 5) return { kind: 'deleteRange', request: this.#deletion(false) };
      return { kind: 'txn', request: this.#txn(depth - 1) };
    }) as Loose<RequestOp>[];
  }

  #txn(depth: number): Loose<TxnRequest> {
    const compare = this.#dice.some(2, () => this.#compare());
    return { compare, success: this.#ops(depth), failure: this.#ops(depth) } as Loose<TxnRequest>;
  }

  #watch(): Loose<WatchCreate> {
    const dice = this.#dice;
    return {
      key: dice.once(2) ? FROM_HERE : this.#key(),
      rangeEnd: dice.once(2) ? FROM_HERE : this.#key(),
      startRevision: dice.pick<bigint | Relative>(0n, 0n, new Relative(-dice.below(60)), new Relative(4), 1n),
      prevKv: dice.once(2),
      filters: dice.once(4) ? [dice.pick('NOPUT', 'NODELETE')] : [],
      watchId: dice.once(4) ? BigInt(dice.below(12)) : 0n,
    };
  }
}

const COMPACTIONS: readonly (bigint | Relative)[] = [
  ...[-20, -40, -5, 0, 1].map((offset) => new Relative(offset)),
  1n,
];
