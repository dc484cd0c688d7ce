/** Leases (etcd `server/lease/lessor.go`): ids with a time to live and the keys that go when it is over. */

/** Largest TTL in seconds that a grant may ask for. */
export const MAX_LEASE_TTL = 9_000_000_000n;
/** Smaller TTLs are raised to this many seconds (etcd: 1.5 election timeouts, rounded up). */
export const MIN_LEASE_TTL = 2n;

interface Lease {
  readonly ttl: bigint;
  /** Milliseconds on the caller's clock. */
  deadline: number;
}

/** Who holds which lease until when. Times are milliseconds on whatever clock the caller passes as `now`. */
export class Lessor {
  readonly #leases: Map<bigint, Lease> = new Map();
  /** Kept apart from the leases: a replayed log may attach a key before its lease is known. */
  readonly #keys: Map<bigint, Set<string>> = new Map();

  has(id: bigint): boolean {
    return this.#leases.has(id);
  }

  /** Earliest deadline first, as etcd lists them. */
  ids(): bigint[] {
    return [...this.#leases].sort(([, a], [, b]) => a.deadline - b.deadline).map(([id]) => id);
  }

  /** Granted TTL in seconds. */
  ttl(id: bigint): bigint | undefined {
    return this.#leases.get(id)?.ttl;
  }

  /** Starts, or restarts, a lease of `ttl` seconds. */
  grant(id: bigint, ttl: bigint, now: number): void {
    this.#leases.set(id, { ttl, deadline: now + Number(ttl) * 1000 });
  }

  remove(id: bigint): void {
    this.#leases.delete(id);
  }

  attach(id: bigint, key: string): void {
    if (id === 0n) return;
    const keys = this.#keys.get(id);
    if (keys === undefined) this.#keys.set(id, new Set([key]));
    else keys.add(key);
  }

  detach(id: bigint, key: string): void {
    const keys = this.#keys.get(id);
    if (keys?.delete(key) === true && keys.size === 0) this.#keys.delete(id);
  }

  keys(id: bigint): ReadonlySet<string> {
    return this.#keys.get(id) ?? NO_KEYS;
  }

  /** Renews for the granted TTL, which it returns; undefined where the lease is unknown or past its deadline. */
  keepAlive(id: bigint, now: number): bigint | undefined {
    const lease = this.#leases.get(id);
    if (lease === undefined || lease.deadline <= now) return undefined;
    lease.deadline = now + Number(lease.ttl) * 1000;
    return lease.ttl;
  }

  /** Moves the deadline, for a lease whose renewals are decided elsewhere. */
  setDeadline(id: bigint, deadline: number): void {
    const lease = this.#leases.get(id);
    if (lease !== undefined) lease.deadline = deadline;
  }

  /** Milliseconds left, not below 0; undefined where the lease is unknown. */
  remaining(id: bigint, now: number): number | undefined {
    const lease = this.#leases.get(id);
    return lease === undefined ? undefined : Math.max(0, lease.deadline - now);
  }

  /** Leases past their deadline, the earliest first and at most `most` of them. */
  expired(now: number, most: number = Number.POSITIVE_INFINITY): bigint[] {
    const over: { readonly id: bigint; readonly deadline: number }[] = [];
    for (const [id, { deadline }] of this.#leases) if (deadline <= now) over.push({ id, deadline });
    over.sort((a, b) => a.deadline - b.deadline);
    return over.slice(0, most).map(({ id }) => id);
  }

  /** The earliest deadline; undefined without leases. */
  nextDeadline(): number | undefined {
    let next: number | undefined;
    for (const { deadline } of this.#leases.values()) {
      if (next === undefined || deadline < next) next = deadline;
    }
    return next;
  }
}

const NO_KEYS: ReadonlySet<string> = new Set();
