import type { EtcdError } from '../../protocol/etcd/types.ts';
import type { StoreLike } from './store-like.ts';
import { MAY_BE_DONE } from './traffic.ts';

/** A lease as its holder knows it. Times are milliseconds of this process. */
export interface HeldLease {
  readonly id: bigint;
  /** Granted, milliseconds. */
  readonly ttl: number;
  /** When the grant and the renewals that were answered had been asked for: it lasts from then at least. */
  readonly renewed: number[];
}

/** That a lease was, or was not, there. */
export interface Sighting {
  readonly id: bigint;
  /** When it was asked for. */
  readonly called: number;
  /** When the answer had come. */
  readonly returned: number;
  /** What was left of it, milliseconds; undefined: it was gone. */
  readonly left: number | undefined;
}

/** Seconds. The short one is renewed all the time, the long one never. */
const SHORT = 5n;
const LONG = 3600n;

/**
 * A client that has a key, among those of the traffic, on each of two leases, renews one of them, and looks whether they are there. In
 * the end it revokes them.
 */
export class LeaseHolder {
  readonly leases: HeldLease[] = [];
  readonly sightings: Sighting[] = [];
  readonly #name: string;
  readonly #store: StoreLike;
  readonly #other: StoreLike;

  /** It looks at its leases through the `other` server. */
  constructor(name: string, store: StoreLike, other: StoreLike) {
    this.#name = name;
    this.#store = store;
    this.#other = other;
  }

  async run(stop: () => boolean): Promise<void> {
    let [short, long]: (HeldLease | undefined)[] = [];
    while (!stop()) {
      short ??= await this.#grant(SHORT);
      long ??= await this.#grant(LONG);
      if (short !== undefined) {
        await this.#renew(short);
        if (await this.#isGone(short)) short = undefined;
      }
      if (long !== undefined && (await this.#isGone(long))) long = undefined;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const lease of [short, long]) {
      if (lease !== undefined) await this.#try(() => this.#store.leaseRevoke(lease.id));
    }
  }

  async #grant(ttl: bigint): Promise<HeldLease | undefined> {
    const called = performance.now();
    const granted = await this.#try(() => this.#store.leaseGrant(ttl));
    if (granted === undefined) return undefined;
    const lease = { id: granted.id, ttl: Number(granted.ttl) * 1000, renewed: [called] };
    this.leases.push(lease);
    const key = new TextEncoder().encode(`k/lease/${this.#name}/${granted.id}`);
    await this.#try(() => this.#store.put({ key, value: key, lease: granted.id }));
    return lease;
  }

  async #renew(lease: HeldLease): Promise<void> {
    const called = performance.now();
    if ((await this.#try(() => this.#store.leaseKeepAlive(lease.id))) !== undefined)
      lease.renewed.push(called);
  }

  async #isGone({ id }: HeldLease): Promise<boolean> {
    const called = performance.now();
    const answer = await this.#try(() => this.#other.leaseTimeToLive(id));
    if (answer === undefined) return false;
    const left = answer.ttl < 0n ? undefined : Number(answer.ttl) * 1000;
    this.sightings.push({ id, called, returned: performance.now(), left });
    return left === undefined;
  }

  /** The answer; undefined where there is none, or the lease is not there. */
  async #try<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      const { code } = error as EtcdError;
      if (code === NOT_FOUND || MAY_BE_DONE.has(code)) return undefined;
      throw error;
    }
  }
}

const NOT_FOUND = 5;
