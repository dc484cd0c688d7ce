import type { Draft, Outcome } from '../../protocol/etcd/draft.ts';
import type { LogEntry } from '../../protocol/etcd/entry.ts';
import { CANCELED, etcdError, UNAVAILABLE } from '../../protocol/etcd/errors.ts';
import type { EtcdStore, TimeToLive } from '../../protocol/etcd/store.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import { systemPasswords } from '../io/passwords.ts';
import { systemRandom } from '../io/random.ts';
import type { Clock, Log, Millis, PasswordHasher, Random, Timer } from '../ports.ts';
import { AutoCompactor } from './auto-compaction.ts';
import { closedError, type Engine } from './local-client.ts';
import { type Batch, evaluateBatch, isHidden, type LeaseGuard, type Waiting } from './redis-batch.ts';
import { causeOf, isConnectionError, isPassingError, type StoreRedis } from './redis-connection.ts';
import { RedisLeases } from './redis-leases.ts';
import { type AppendResult, RedisLog } from './redis-log.ts';
import { AppendPace } from './redis-pace.ts';
import { Patience } from './redis-patience.ts';
import { comparePositions, formatPosition, START, UNKNOWN } from './redis-position.ts';
import { BATCH, newOperation, RedisReplica } from './redis-replica.ts';
import type { RedisState } from './redis-state.ts';
import type { StoreOptions } from './store.ts';
import { Trimmer } from './trimmer.ts';
import { WatchHub } from './watch-hub.ts';

/** Longest wait of one XREAD, so that a connection that died silently is noticed. */
const TAIL_BLOCK: Millis = 5000;
/** Pause before Redis is asked again where it answered that it cannot serve just now. */
const PASSING_PAUSE: Millis = 100;
/** Pause before the log is followed while this process appends fast itself. */
const FAST_PAUSE: Millis = 5;

export interface RedisEnginePorts extends StoreOptions {
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly namespace: string;
  /** How long a request may wait for Redis. */
  readonly patience: Millis;
  /** Looks at Redis behind each connection: whether it can be used, which run of it this is, and whether it syncs every write. */
  readonly inspect: (redis: StoreRedis) => Promise<RedisState>;
}

/**
 * A store on Redis. Redis is the log; this holds the state that follows from it. Requests of one turn of the loop are
 * evaluated on a draft and appended together, provided that the log still ends where this state does; otherwise the
 * entries that others appended are applied first and the requests evaluated again. Reads go the same way, so they see
 * every write acknowledged before them, by whichever process.
 */
export class RedisEngine implements Engine {
  readonly hub: WatchHub;
  readonly random: Random = systemRandom();
  readonly #redis: StoreRedis;
  readonly #tail: StoreRedis;
  readonly #redisLog: RedisLog;
  readonly #tailLog: RedisLog;
  readonly #replica: RedisReplica;
  readonly #ports: RedisEnginePorts;
  readonly clock: Clock;
  readonly passwords: PasswordHasher = systemPasswords();
  readonly trimmer: Trimmer;
  readonly #leases: RedisLeases;
  readonly #compactor: AutoCompactor;
  readonly #listeners: Set<(available: boolean) => void> = new Set();
  readonly #patience: Patience<Waiting>;
  #queue: Waiting[] = [];
  #inFlight: Batch | undefined;
  #scheduled = false;
  #ready = false;
  #recovering = false;
  #closed = false;
  readonly #pace: AppendPace = new AppendPace();
  #tailing: Promise<void> = Promise.resolve();
  #saving: Promise<unknown> = Promise.resolve();
  readonly #pauses: Set<{ readonly timer: Timer; readonly done: () => void }> = new Set();

  constructor(redis: StoreRedis, tail: StoreRedis, clusterId: bigint, ports: RedisEnginePorts) {
    const { clock, log, namespace, tokenTtl, limits, progressInterval } = ports;
    this.#redis = redis;
    this.#tail = tail;
    this.#ports = ports;
    this.clock = clock;
    const fail = (waiting: Waiting): void => this.#fail(waiting, etcdError('timeout'));
    this.#patience = new Patience(clock, ports.patience, fail);
    this.#redisLog = new RedisLog(redis, namespace);
    this.#tailLog = new RedisLog(tail, namespace);
    this.#leases = new RedisLeases({
      redisLog: this.#redisLog,
      clock,
      log,
      machine: () => this.machine,
      revoke: async (id, deadline) => {
        await this.request((draft) => draft.revoke(id), { id, deadline });
      },
      ready: () => this.#ready,
    });
    this.#replica = new RedisReplica({
      identity: { clusterId, memberId: clusterId, tokenTtl, limits },
      redisLog: this.#redisLog,
      clock,
      log,
      onApplied: (entry) => this.#applied(entry),
    });
    this.hub = new WatchHub(this.#replica.machine, { clock, log, progressInterval });
    this.trimmer = new Trimmer(() => this.machine, clock);
    this.#replica.attach(this.hub);
    this.#compactor = new AutoCompactor(ports.autoCompaction, this, log);
  }

  get machine(): EtcdStore {
    return this.#replica.machine;
  }

  /** False while Redis is away, or back but not caught up with. */
  get available(): boolean {
    return this.#ready;
  }

  onAvailability(listener: (available: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #setReady(ready: boolean): void {
    if (this.#ready === ready) return;
    this.#ready = ready;
    for (const listener of this.#listeners) listener(ready);
  }

  #applied(entry: LogEntry): void {
    if (entry.kind === 'grant') this.#leases.granted(entry.id, entry.ttl);
    else if (entry.kind === 'revoke') this.#leases.revoked(entry.id);
    else if (entry.kind === 'revision') for (const id of entry.revoked) this.#leases.revoked(id);
    else if (entry.kind === 'compact') void this.trimmer.run();
  }

  /** Loads the state and starts to follow the log. Rejects with a reason where this Redis cannot be used. */
  async start(): Promise<void> {
    const { run, durable } = await this.#ports.inspect(this.#redis);
    await this.#replica.load();
    const known = await this.#redisLog.knownRun();
    // Redis was started again while nobody who knows better had the store open: it may have lost what was acknowledged.
    const written = comparePositions(this.#replica.applied, START) > 0;
    if (written && known !== undefined && known !== run && !durable) await this.#replica.beginEpoch();
    await this.#redisLog.setKnownRun(run);
    this.#redis.on('close', () => this.#setReady(false));
    this.#redis.on('ready', () => void this.#recover());
    this.#setReady(true);
    await this.#leases.restart();
    this.#tailing = this.#follow();
  }

  async #follow(): Promise<void> {
    while (!this.#closed) {
      try {
        while (!this.#closed && this.#pace.isFast(this.clock.now())) await this.#pause(FAST_PAUSE);
        const entries = await this.#tailLog.waitAfter(() => this.#replica.applied, TAIL_BLOCK);
        // Until it is known that the log still is the one that was followed, what comes behind in it may be another's.
        if (!this.#ready) {
          await this.#pause(PASSING_PAUSE);
          continue;
        }
        await this.#replica.follow(entries);
      } catch (error) {
        if (this.#closed) return;
        this.#ports.log?.debug({ err: error }, 'following the log in Redis failed, trying again');
        await this.#pause(PASSING_PAUSE);
      }
    }
  }

  /** After a lost connection: what others appended meanwhile, then what was under way, then what waits. */
  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    while (!this.#closed && !this.#ready && this.#redis.status === 'ready') {
      try {
        const { run } = await this.#ports.inspect(this.#redis);
        await this.#replica.catchUp();
        await this.#redisLog.setKnownRun(run);
        await this.#leases.restart();
        this.#setReady(this.#redis.status === 'ready');
      } catch (error) {
        this.#ports.log?.warn({ err: error }, 'catching up with Redis failed, trying again');
        await this.#pause(PASSING_PAUSE);
      }
    }
    this.#recovering = false;
    if (!this.#ready || this.#closed) return;
    this.#ports.log?.info({ revision: this.machine.revision.toString() }, 'Redis is back');
    const batch = this.#inFlight;
    // What nobody waits for any more is not done late; if it got through, catching up has shown it.
    if (batch?.answers.some(({ waiting }) => !waiting.settled) === true) void this.#send(batch);
    else this.#done();
  }

  request<T>(evaluate: (draft: Draft) => Outcome<T>, guard?: LeaseGuard): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise<T>((resolve, reject) => {
      const answer = resolve as Waiting['resolve'];
      this.#queue.push({ evaluate, resolve: answer, reject, guard, settled: false });
      this.#patience.add(this.#queue.at(-1)!);
      this.#schedule();
    });
  }

  #settle(waiting: Waiting, outcome: () => void): void {
    if (waiting.settled) return;
    waiting.settled = true;
    this.#patience.remove(waiting);
    outcome();
  }

  #fail(waiting: Waiting, error: unknown): void {
    this.#settle(waiting, () => waiting.reject(error));
  }

  /** Sends what waits at the end of this turn of the loop, or when the append under way is through. */
  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#ready && this.#inFlight === undefined) this.#next();
    });
  }

  #next(): void {
    const waiting = this.#queue.filter(({ settled }) => !settled);
    this.#queue = waiting.slice(BATCH);
    if (waiting.length > 0) void this.#send(this.#evaluate(waiting.slice(0, BATCH)));
  }

  #evaluate(requests: readonly Waiting[]): Batch {
    return evaluateBatch(requests, this.machine.draft(), this.#replica.applied, newOperation());
  }

  async #send(batch: Batch): Promise<void> {
    this.#inFlight = batch;
    try {
      await this.#append(batch);
    } catch (error) {
      if (this.#closed) return;
      if (isConnectionError(error)) {
        // Nobody knows whether it got through: it is sent again, with its operation id, once Redis is back.
        batch.unanswered = true;
      } else if (isPassingError(error)) {
        await this.#pause(PASSING_PAUSE);
        if (this.#ready && this.#inFlight === batch) void this.#send(batch);
      } else this.#refused(batch, error as Error);
    }
  }

  #refused(batch: Batch, error: Error): void {
    this.#ports.log?.error({ err: error }, 'an append to the log in Redis failed');
    const outOfMemory = error.message.includes('OOM command not allowed');
    this.#abandon(
      batch,
      outOfMemory ? etcdError('noSpace') : new EtcdError(UNAVAILABLE, `Redis: ${causeOf(error)}`),
    );
  }

  #abandon(batch: Batch, error: EtcdError): void {
    for (const { waiting } of batch.answers) this.#fail(waiting, error);
    this.#done();
  }

  async #append(batch: Batch): Promise<void> {
    const { expected, operation, entries, answers } = batch;
    const guards = answers.flatMap(({ waiting }) => (waiting.guard === undefined ? [] : [waiting.guard]));
    const result = await this.#redisLog.append({ expected, operation, entries, guards });
    // Sent twice after a passing error: the other answer was first.
    if (this.#inFlight !== batch) return;
    if (result.kind === 'done') return this.#succeeded(batch);
    if (result.kind === 'renewed') this.#renewed(batch, result.lease);
    else if (result.kind === 'diverged') await this.#replica.beginEpoch();
    else await this.#behind(result);
    if (batch.unanswered && (result.kind === 'diverged' || isHidden(batch, result))) {
      return this.#abandon(batch, etcdError('timeout'));
    }
    await this.#again(batch);
  }

  async #behind({ head, missed }: AppendResult & { readonly kind: 'behind' }): Promise<void> {
    await this.#replica.follow(missed);
    if (comparePositions(this.#replica.applied, head) !== 0) await this.#replica.catchUp();
  }

  /** Evaluates a batch's requests on the state of now. */
  async #again(batch: Batch): Promise<void> {
    const requests = batch.answers.map(({ waiting }) => waiting).filter((waiting) => !waiting.settled);
    if (requests.length === 0) return this.#done();
    const next = this.#evaluate(requests);
    // Only reads: the state is newer than they are, which is all they ask for.
    if (next.entries.length === 0) return this.#succeeded(next);
    await this.#send(next);
  }

  #succeeded(batch: Batch): void {
    this.#pace.appended(batch.entries.length, this.clock.now());
    if (this.#replica.applyNew(batch.entries) !== 'applied') {
      throw new RangeError('the log confirmed an append that does not follow the state');
    }
    for (const { waiting, settle } of batch.answers) this.#settle(waiting, settle);
    this.#done();
    if (batch.entries.some(({ entry }) => entry.kind === 'compact')) {
      this.#saving = Promise.all([this.#saving, this.#saveSnapshot()]);
    }
  }

  #done(): void {
    this.#inFlight = undefined;
    this.#schedule();
  }

  /** After a compaction: a new base for restarts, so that the log before it can go. */
  async #saveSnapshot(): Promise<void> {
    try {
      do await this.trimmer.run();
      while (this.machine.trimming);
      const snapshot = this.machine.snapshot();
      const { applied } = this.#replica;
      // Entries at the snapshot's own revision that others may add right now are not in it.
      const same = applied.revision === snapshot.revision;
      const head = same ? applied : { revision: snapshot.revision, n: 0n, operation: UNKNOWN };
      const keepFrom = same ? formatPosition(applied) : `${snapshot.revision + 1n}-0`;
      await this.#redisLog.saveSnapshot(snapshot, head, keepFrom);
    } catch (error) {
      if (this.#closed) return;
      const text = 'the snapshot after a compaction could not be stored, the log stays long';
      this.#ports.log?.warn({ err: error }, text);
    }
  }

  async keepAlive(id: bigint): Promise<bigint | undefined> {
    const deadline = this.clock.now() + this.#ports.patience;
    // Another process may have granted it a moment ago.
    await this.request((draft) => ({ response: draft.hasLease(id) }));
    const ttl = this.machine.leaseTtl(id);
    if (ttl === undefined) return undefined;
    for (;;) {
      if (this.#closed) throw closedError();
      try {
        return (await this.#leases.renew(id, ttl)) ? ttl : undefined;
      } catch (error) {
        if (!isConnectionError(error) && !isPassingError(error)) {
          throw new EtcdError(UNAVAILABLE, `Redis: ${causeOf(error)}`);
        }
        if (this.clock.now() >= deadline) throw etcdError('timeout');
        await this.#pause(PASSING_PAUSE);
      }
    }
  }

  async timeToLive(id: bigint): Promise<TimeToLive> {
    const known = await this.request((draft) => ({ response: draft.hasLease(id) }));
    if (known) await this.#leases.catchUp(id);
    return this.machine.timeToLive(id, this.clock.now());
  }

  #renewed(batch: Batch, lease: bigint): void {
    for (const { waiting } of batch.answers) {
      if (waiting.guard?.id === lease) this.#fail(waiting, etcdError('leaseExists'));
    }
  }

  #pause(delay: Millis): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(delay, () => {
        this.#pauses.delete(pause);
        resolve();
      });
      const pause = { timer, done: resolve };
      this.#pauses.add(pause);
    });
  }

  /** Closes the connections; with `destroy` it removes the namespace's keys first. */
  async close(destroy: boolean): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#leases.stop();
    this.#compactor.stop();
    const inFlight = this.#inFlight?.answers.map(({ waiting }) => waiting) ?? [];
    for (const waiting of [...this.#queue, ...inFlight]) this.#fail(waiting, closedError());
    for (const { timer, done } of this.#pauses) {
      timer.cancel();
      done();
    }
    this.#patience.stop();
    try {
      // A snapshot that is on its way would make keys again.
      if (destroy) await this.#saving.then(() => this.#redisLog.destroy());
    } finally {
      this.#redis.disconnect();
      this.#tail.disconnect();
      await this.#tailing;
      this.hub.endAll(new EtcdError(CANCELED, 'the store was closed'));
    }
  }
}
