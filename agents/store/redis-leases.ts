import type { EtcdStore } from '../../protocol/etcd/store.ts';
import type { Clock, Log } from '../ports.ts';
import { LeaseTimer, MOST_REVOKED, SWEEP_PAUSE } from './lease-timer.ts';
import type { RedisLog } from './redis-log.ts';

export interface RedisLeasesOptions {
  readonly redisLog: RedisLog;
  readonly clock: Clock;
  readonly log: Log | undefined;
  /** The store as of now. */
  readonly machine: () => EtcdStore;
  /** Revokes a lease whose deadline in Redis still is this one. */
  readonly revoke: (id: bigint, deadline: string) => Promise<void>;
  /** Whether Redis can be asked. */
  readonly ready: () => boolean;
}

/**
 * Leases that several processes renew. Each process counts on its own monotonic clock from the grant or the last renewal that it
 * knows of. The deadline in Redis, of the wall clock, tells only whether somebody else has renewed: it has changed then. So a clock
 * that jumps ends no lease early; at worst it ends a TTL late.
 */
export class RedisLeases {
  readonly #options: RedisLeasesOptions;
  readonly #timer: LeaseTimer;
  /** Deadlines in Redis as this process has last seen them. */
  #seen: Map<bigint, string> = new Map();
  #unseen: bigint[] = [];

  constructor(options: RedisLeasesOptions) {
    this.#options = options;
    this.#timer = new LeaseTimer(options.clock, () => void this.#sweep());
  }

  /** A lease was granted, by whichever process. */
  granted(id: bigint, ttl: bigint): void {
    this.#timer.arm(this.#options.clock.now() + Number(ttl) * 1000);
    if (this.#unseen.length === 0) this.#options.clock.setTimer(0, () => void this.#look());
    this.#unseen.push(id);
  }

  revoked(id: bigint): void {
    this.#seen.delete(id);
  }

  /** Remembers the deadlines of new leases, for what changes later. */
  async #look(): Promise<void> {
    const ids = this.#unseen;
    this.#unseen = [];
    if (!this.#options.ready()) return;
    try {
      const { deadlines } = await this.#options.redisLog.deadlines(ids);
      ids.forEach((id, i) => {
        if (deadlines[i] !== undefined && !this.#seen.has(id)) this.#seen.set(id, deadlines[i]);
      });
    } catch (error) {
      this.#options.log?.debug({ err: error }, 'looking at the leases in Redis failed');
    }
  }

  /** Renews a lease; false: it is gone, or its time is up. */
  async renew(id: bigint, ttl: bigint): Promise<boolean> {
    const { machine, redisLog, clock } = this.#options;
    if (machine().timeToLive(id, clock.now()).ttl <= 0n && !(await this.#isAlive(id))) return false;
    const deadline = await redisLog.keepAlive(id, ttl);
    if (deadline === undefined) return false;
    this.#seen.set(id, deadline);
    machine().setLeaseDeadline(id, clock.now() + Number(ttl) * 1000);
    return true;
  }

  /** Whether a lease that seems to be over has been renewed by another process, or may have. */
  async #isAlive(id: bigint): Promise<boolean> {
    await this.#refresh([id]);
    const { machine, clock } = this.#options;
    return !machine().expiredLeases(clock.now()).includes(id);
  }

  /** Moves on the leases that others have renewed. */
  async #refresh(ids: readonly bigint[]): Promise<void> {
    const { machine, redisLog, clock } = this.#options;
    const { now, deadlines } = await redisLog.deadlines(ids);
    ids.forEach((id, i) => {
      const deadline = deadlines[i];
      const ttl = machine().leaseTtl(id);
      if (deadline === undefined || ttl === undefined || this.#seen.get(id) === deadline) return;
      this.#seen.set(id, deadline);
      // When it was renewed is only as sure as the wall clock: never count on less than nothing or more than everything.
      const whole = Number(ttl) * 1000;
      const left = Number(deadline) - now;
      machine().setLeaseDeadline(id, clock.now() + (left > 0 && left <= whole ? left : whole));
    });
  }

  /** Moves a lease on if another process has renewed it, as far as Redis can be asked. */
  async catchUp(id: bigint): Promise<void> {
    if (!this.#options.ready()) return;
    try {
      await this.#refresh([id]);
    } catch (error) {
      this.#options.log?.debug({ err: error }, 'looking at a lease in Redis failed');
    }
  }

  /** Ends the leases whose time is up. */
  async #sweep(): Promise<void> {
    const { machine, clock, log, ready, revoke } = this.#options;
    try {
      if (ready()) {
        const candidates = machine().expiredLeases(clock.now(), MOST_REVOKED);
        if (candidates.length > 0) await this.#refresh(candidates);
        for (const id of machine().expiredLeases(clock.now(), MOST_REVOKED)) {
          const deadline = this.#seen.get(id);
          if (deadline !== undefined) await revoke(id, deadline);
        }
      }
    } catch (error) {
      // Renewed or revoked elsewhere meanwhile, or Redis is away: the next sweep sees.
      log?.debug({ err: error }, 'ending leases in Redis failed');
    }
    this.arm();
  }

  /** Makes sure to look when the next lease may be over. */
  arm(): void {
    const { machine, clock } = this.#options;
    const next = machine().nextLeaseDeadline();
    if (next !== undefined) this.#timer.arm(Math.max(next, clock.now() + SWEEP_PAUSE));
  }

  /** Gives every lease its whole TTL again, after a time in which it could not be renewed. */
  async restart(): Promise<void> {
    const { machine, redisLog, clock } = this.#options;
    const leases = machine()
      .leaseIds()
      .map((id) => ({ id, ttl: machine().leaseTtl(id)! }));
    await redisLog.extendLeases(leases);
    this.#seen = new Map();
    this.#unseen = leases.map(({ id }) => id);
    await this.#look();
    const now = clock.now();
    for (const { id, ttl } of leases) machine().setLeaseDeadline(id, now + Number(ttl) * 1000);
    this.arm();
  }

  stop(): void {
    this.#timer.stop();
  }
}
