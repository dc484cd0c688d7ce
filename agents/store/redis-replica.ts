import { randomBytes } from 'node:crypto';
import type { LogEntry } from '../../protocol/etcd/entry.ts';
import { EtcdStore } from '../../protocol/etcd/store.ts';
import type { Clock, Log } from '../ports.ts';
import type { LoggedEntry, RedisLog } from './redis-log.ts';
import { comparePositions, follows, nextPosition, type Position, START } from './redis-position.ts';
import type { WatchHub } from './watch-hub.ts';

/** Entries that one append carries at most: longer scripts would hold up Redis. */
export const BATCH = 256;

/** An id that no other append ever had. */
export function newOperation(): string {
  return randomBytes(12).toString('base64url');
}

export interface ReplicaOptions {
  readonly identity: { readonly clusterId: bigint; readonly memberId: bigint };
  readonly redisLog: RedisLog;
  readonly clock: Clock;
  readonly log: Log | undefined;
}

/** The state that follows from the log in Redis, up to a position of it. */
export class RedisReplica {
  readonly #options: ReplicaOptions;
  readonly #redisLog: RedisLog;
  readonly #clock: Clock;
  readonly #onLease: (deadline: number | undefined) => void;
  #hub: WatchHub | undefined;
  #machine: EtcdStore;
  #applied: Position = START;
  #reloading: Promise<void> | undefined;

  /** `onLease` is told when a lease's deadline may be the next to watch for. */
  constructor(options: ReplicaOptions, onLease: (deadline: number | undefined) => void) {
    this.#options = options;
    this.#redisLog = options.redisLog;
    this.#clock = options.clock;
    this.#onLease = onLease;
    this.#machine = new EtcdStore(options.identity);
  }

  get machine(): EtcdStore {
    return this.#machine;
  }

  /** The last entry that the state has in it. */
  get applied(): Position {
    return this.#applied;
  }

  /** Where the watches are that the state's changes go to. */
  attach(hub: WatchHub): void {
    this.#hub = hub;
  }

  /** Reads the state from Redis: the snapshot, if there is one, and the log behind it. */
  async load(): Promise<void> {
    for (;;) {
      const loaded = await this.#read();
      if (loaded === undefined) continue;
      // What was applied while this was read is newer.
      if (comparePositions(loaded.applied, this.#applied) < 0) return;
      this.#machine = loaded.machine;
      this.#applied = loaded.applied;
      this.#hub?.replaceMachine(loaded.machine);
      await this.restartLeases();
      return;
    }
  }

  /** undefined: another process compacted meanwhile and dropped what comes next; its snapshot is there to begin with. */
  async #read(): Promise<{ readonly machine: EtcdStore; readonly applied: Position } | undefined> {
    const base = await this.#redisLog.loadSnapshot();
    const machine = new EtcdStore(this.#options.identity);
    let applied = START;
    if (base !== undefined) {
      machine.restore(base.snapshot, this.#clock.now());
      applied = base.position;
    }
    for (;;) {
      const entries = await this.#redisLog.entriesAfter(applied);
      if (entries.length === 0) return { machine, applied };
      for (const { position, entry } of entries) {
        if (!follows(applied, position)) return undefined;
        machine.apply(entry, this.#clock.now());
        applied = position;
      }
    }
  }

  /** Applies what is new of these entries; false where some between are missing. */
  applyNew(entries: readonly LoggedEntry[]): boolean {
    for (const { position, entry } of entries) {
      if (comparePositions(position, this.#applied) <= 0) continue;
      if (!follows(this.#applied, position)) return false;
      this.#apply(position, entry);
    }
    return true;
  }

  #apply(position: Position, entry: LogEntry): void {
    const outputs = this.#machine.apply(entry, this.#clock.now());
    this.#applied = position;
    this.#hub?.deliver(outputs);
    if (entry.kind === 'grant') this.#onLease(this.#clock.now() + Number(entry.ttl) * 1000);
  }

  /** This process fell behind what the log still holds: start afresh; watches end and their owners list again. */
  reload(): Promise<void> {
    this.#reloading ??= this.#loadAgain().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async #loadAgain(): Promise<void> {
    this.#options.log?.warn({}, 'the log in Redis no longer holds what comes next, loading the store again');
    await this.load();
  }

  /** Applies everything up to the log's head; puts back what Redis lost. */
  async catchUp(): Promise<void> {
    const head = await this.#redisLog.head();
    while (comparePositions(this.#applied, head) < 0) {
      const entries = await this.#redisLog.entriesAfter(this.#applied);
      if (entries.length === 0 || !this.applyNew(entries)) return this.reload();
    }
    if (comparePositions(head, this.#applied) < 0) await this.#putBack(head);
  }

  /**
   * Redis came back with less than it had acknowledged (no AOF, or one that was not synced). This process still has all
   * of it: it appends what is missing under the same revisions, so nothing is lost and no revision is used twice.
   */
  async #putBack(head: Position): Promise<void> {
    const { revision } = this.#machine;
    const fields = { head: head.revision.toString(), revision: revision.toString() };
    this.#options.log?.warn(fields, 'Redis lost a part of the log, putting it back');
    const snapshot = this.#machine.snapshot();
    let at = head;
    if (head.revision < snapshot.revision) {
      await this.#redisLog.saveSnapshot(snapshot, { revision: snapshot.revision + 1n, n: 0n });
      at = { revision: snapshot.revision, n: 0n };
    }
    const missing = this.#missingAfter(at);
    let expected = head;
    for (let i = 0; i < missing.length; i += BATCH) {
      const entries = missing.slice(i, i + BATCH);
      const operation = newOperation();
      const result = await this.#redisLog.append({ expected, operation, entries, expired: [] });
      // Another process is faster in doing the same.
      if (result.kind !== 'done') return this.catchUp();
      expected = entries.at(-1)!.position;
    }
    if (comparePositions(this.#applied, expected) < 0) this.#applied = expected;
  }

  /** What the log needs behind `from` to hold this state again, and to end no earlier than it did. */
  #missingAfter(from: Position): LoggedEntry[] {
    const missing: LoggedEntry[] = [];
    let at = from;
    const add = (entry: LogEntry): void => {
      at = nextPosition(at, entry.kind === 'revision');
      missing.push({ position: at, entry });
    };
    for (let next = from.revision + 1n; next <= this.#machine.revision; next++) {
      add(this.#machine.revisionEntry(next)!);
    }
    for (const id of this.#machine.leaseIds()) add({ kind: 'grant', id, ttl: this.#machine.leaseTtl(id)! });
    // Repeating a compaction changes nothing; it stands for entries that are in the state already.
    const padding: LogEntry = { kind: 'compact', revision: this.#machine.compactRevision };
    while (comparePositions(at, this.#applied) < 0) add(padding);
    return missing;
  }

  /** Gives every lease its whole TTL again, after a time in which it could not be renewed. */
  async restartLeases(): Promise<void> {
    const leases = this.#machine.leaseIds().map((id) => ({ id, ttl: this.#machine.leaseTtl(id)! }));
    await this.#redisLog.extendLeases(leases);
    const now = this.#clock.now();
    for (const { id, ttl } of leases) this.#machine.setLeaseDeadline(id, now + Number(ttl) * 1000);
    this.#onLease(this.#machine.nextLeaseDeadline());
  }
}
