import type { Draft, Outcome } from '../../protocol/etcd/draft.ts';
import { CANCELED } from '../../protocol/etcd/errors.ts';
import { EtcdStore } from '../../protocol/etcd/store.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import { systemPasswords } from '../io/passwords.ts';
import { systemRandom } from '../io/random.ts';
import type { Clock, Log, PasswordHasher, Random } from '../ports.ts';
import { AutoCompactor } from './auto-compaction.ts';
import { LeaseTimer, MOST_REVOKED, SWEEP_PAUSE } from './lease-timer.ts';
import type { Engine } from './local-client.ts';
import { closedError, localClient } from './local-client.ts';
import type { Store, StoreOptions } from './store.ts';
import { Trimmer } from './trimmer.ts';
import { WatchHub } from './watch-hub.ts';

export interface MemoryStorePorts extends StoreOptions {
  readonly clock: Clock;
  readonly log?: Log;
  /** For lease ids, tokens and the store's identity; default: the system's. */
  readonly random?: Random;
  /** Default: the system's. */
  readonly passwords?: PasswordHasher;
}

class MemoryEngine implements Engine {
  readonly machine: EtcdStore;
  readonly hub: WatchHub;
  readonly random: Random;
  readonly clock: Clock;
  readonly passwords: PasswordHasher;
  readonly trimmer: Trimmer;
  readonly #leases: LeaseTimer;
  readonly #compactor: AutoCompactor;
  closed = false;

  constructor(ports: MemoryStorePorts) {
    this.random = ports.random ?? systemRandom();
    this.passwords = ports.passwords ?? systemPasswords();
    this.clock = ports.clock;
    const identity = { clusterId: randomId(this.random), memberId: randomId(this.random) };
    const { tokenTtl, limits, progressInterval } = ports;
    this.machine = new EtcdStore({ ...identity, tokenTtl, limits });
    if (ports.initial !== undefined) this.machine.restoreBackup(ports.initial, this.clock.now());
    this.hub = new WatchHub(this.machine, { clock: ports.clock, log: ports.log, progressInterval });
    this.trimmer = new Trimmer(() => this.machine, ports.clock);
    this.#leases = new LeaseTimer(ports.clock, () => this.#expire());
    const deadline = this.machine.nextLeaseDeadline();
    if (deadline !== undefined) this.#leases.arm(deadline);
    this.#compactor = new AutoCompactor(ports.autoCompaction, this, ports.log);
  }

  async request<T>(evaluate: (draft: Draft) => Outcome<T>): Promise<T> {
    if (this.closed) throw closedError();
    return this.#commit(evaluate);
  }

  #commit<T>(evaluate: (draft: Draft) => Outcome<T>): T {
    const { response, entry } = evaluate(this.machine.draft());
    if (entry !== undefined) {
      this.hub.deliver(this.machine.apply(entry, this.clock.now()));
      if (entry.kind === 'grant') this.#leases.arm(this.clock.now() + Number(entry.ttl) * 1000);
      if (entry.kind === 'compact') void this.trimmer.run();
    }
    return response;
  }

  async keepAlive(id: bigint): Promise<bigint | undefined> {
    if (this.closed) throw closedError();
    return this.machine.keepAlive(id, this.clock.now());
  }

  async timeToLive(id: bigint): Promise<ReturnType<EtcdStore['timeToLive']>> {
    if (this.closed) throw closedError();
    return this.machine.timeToLive(id, this.clock.now());
  }

  #expire(): void {
    for (const id of this.machine.expiredLeases(this.clock.now(), MOST_REVOKED)) {
      this.#commit((draft) => draft.revoke(id));
    }
    const next = this.machine.nextLeaseDeadline();
    if (next !== undefined) this.#leases.arm(Math.max(next, this.clock.now() + SWEEP_PAUSE));
  }

  close(): void {
    this.closed = true;
    this.#leases.stop();
    this.#compactor.stop();
    this.hub.endAll(new EtcdError(CANCELED, 'the store was closed'));
  }
}

/** A positive identity of 63 bits. */
export function randomId(random: Random): bigint {
  return (BigInt(random.uint32() & 0x7fff_ffff) << 32n) | BigInt(random.uint32()) | 1n;
}

/** A store in this process's memory; gone when the process ends. Many clients and watches may share it. */
export function createMemoryStore(ports: MemoryStorePorts): Store {
  const engine = new MemoryEngine(ports);
  return {
    client: (credentials) => localClient(engine, credentials),
    header: () => engine.machine.header(),
    limits: engine.machine.limits,
    leaseTimeToLive: (id) => engine.timeToLive(id),
    leases: async () => engine.machine.leaseIds(),
    available: true,
    onAvailability: () => () => {},
    close: async () => engine.close(),
  };
}
