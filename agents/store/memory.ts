import type { Draft, Outcome } from '../../protocol/etcd/draft.ts';
import { CANCELED } from '../../protocol/etcd/errors.ts';
import { EtcdStore } from '../../protocol/etcd/store.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import { systemRandom } from '../io/random.ts';
import type { Clock, Log, Random } from '../ports.ts';
import { LeaseTimer } from './lease-timer.ts';
import type { Engine } from './local-client.ts';
import { closedError, localClient } from './local-client.ts';
import type { Store } from './store.ts';
import { WatchHub } from './watch-hub.ts';

export interface MemoryStorePorts {
  readonly clock: Clock;
  readonly log?: Log;
  /** For lease ids and the store's identity; default: the system's. */
  readonly random?: Random;
}

/** Pause before expired leases are looked for again where some had been found: etcd's sweep. */
const SWEEP_PAUSE = 500;

class MemoryEngine implements Engine {
  readonly machine: EtcdStore;
  readonly hub: WatchHub;
  readonly random: Random;
  readonly #clock: Clock;
  readonly #leases: LeaseTimer;
  closed = false;

  constructor(ports: MemoryStorePorts) {
    this.random = ports.random ?? systemRandom();
    this.machine = new EtcdStore({ clusterId: randomId(this.random), memberId: randomId(this.random) });
    this.#clock = ports.clock;
    this.hub = new WatchHub(this.machine, ports.clock, ports.log);
    this.#leases = new LeaseTimer(ports.clock, () => this.#expire());
  }

  async request<T>(evaluate: (draft: Draft) => Outcome<T>): Promise<T> {
    if (this.closed) throw closedError();
    return this.#commit(evaluate);
  }

  #commit<T>(evaluate: (draft: Draft) => Outcome<T>): T {
    const { response, entry } = evaluate(this.machine.draft());
    if (entry !== undefined) {
      this.hub.deliver(this.machine.apply(entry, this.#clock.now()));
      if (entry.kind === 'grant') this.#leases.arm(this.#clock.now() + Number(entry.ttl) * 1000);
    }
    return response;
  }

  async keepAlive(id: bigint): Promise<bigint | undefined> {
    return this.machine.keepAlive(id, this.#clock.now());
  }

  timeToLive(id: bigint): ReturnType<EtcdStore['timeToLive']> {
    return this.machine.timeToLive(id, this.#clock.now());
  }

  #expire(): void {
    for (const id of this.machine.expiredLeases(this.#clock.now())) this.#commit((draft) => draft.revoke(id));
    const next = this.machine.nextLeaseDeadline();
    if (next !== undefined) this.#leases.arm(Math.max(next, this.#clock.now() + SWEEP_PAUSE));
  }

  close(): void {
    this.closed = true;
    this.#leases.cancel();
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
    client: () => localClient(engine),
    header: () => engine.machine.header(),
    leaseTimeToLive: async (id) => engine.timeToLive(id),
    leases: async () => engine.machine.leaseIds(),
    close: async () => engine.close(),
  };
}
