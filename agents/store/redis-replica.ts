import { randomBytes } from 'node:crypto';
import type { Backup } from '../../protocol/etcd/backup.ts';
import type { LogEntry } from '../../protocol/etcd/entry.ts';
import { EtcdStore, type EtcdStoreOptions } from '../../protocol/etcd/store.ts';
import type { Clock, Log } from '../ports.ts';
import type { LoggedEntry, RedisLog } from './redis-log.ts';
import {
  comparePositions,
  follows,
  formatPosition,
  type Head,
  nextPosition,
  START,
  UNKNOWN,
} from './redis-position.ts';
import { RecentEntries } from './redis-recent.ts';
import type { WatchHub } from './watch-hub.ts';

/** Entries that one append carries at most: longer scripts would hold up Redis. */
export const BATCH = 256;

/**
 * What a new epoch leaves out, more than anybody can have written unnoticed: revisions that Redis has lost may have been seen, and
 * are never given out again.
 */
const EPOCH_STEP = 1_000_000n;

const processId = randomBytes(12).toString('base64url');
let operations = 0;

/** An id that no other append ever had. */
export function newOperation(): string {
  return `${processId}.${(++operations).toString(36)}`;
}

export interface ReplicaOptions {
  readonly identity: EtcdStoreOptions;
  readonly redisLog: RedisLog;
  readonly clock: Clock;
  readonly log: Log | undefined;
  /** Told what was applied that is of interest outside the state. */
  readonly onApplied: (entry: LogEntry) => void;
}

/** The state that follows from the log in Redis, up to a position of it. */
export class RedisReplica {
  readonly #options: ReplicaOptions;
  readonly #redisLog: RedisLog;
  readonly #clock: Clock;
  readonly #recent: RecentEntries = new RecentEntries();
  #hub: WatchHub | undefined;
  #machine: EtcdStore;
  #applied: Head = START;
  #reloading: Promise<void> | undefined;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#redisLog = options.redisLog;
    this.#clock = options.clock;
    this.#machine = new EtcdStore(options.identity);
  }

  get machine(): EtcdStore {
    return this.#machine;
  }

  /** The last entry that the state has in it. */
  get applied(): Head {
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
      loaded.machine.forgetTokens();
      this.#machine = loaded.machine;
      this.#applied = loaded.applied;
      this.#recent.clear();
      this.#hub?.replaceMachine(loaded.machine);
      return;
    }
  }

  /** undefined: another process compacted meanwhile and dropped what comes next; its snapshot is there to begin with. */
  async #read(): Promise<{ readonly machine: EtcdStore; readonly applied: Head } | undefined> {
    const base = await this.#redisLog.loadSnapshot();
    const machine = new EtcdStore(this.#options.identity);
    let applied = START;
    if (base !== undefined) {
      machine.restore(base.snapshot, this.#clock.now());
      applied = base.head;
    }
    let next = this.#redisLog.entriesAfter(applied);
    for (;;) {
      const entries = await next;
      if (entries.length === 0) return { machine, applied };
      // The next page is on its way while this one is applied.
      next = this.#redisLog.entriesAfter(entries.at(-1)!.position);
      for (const { position, entry } of entries) {
        if (!follows(applied, position, entry)) {
          await next;
          return undefined;
        }
        machine.apply(entry, this.#clock.now());
        applied = position;
      }
    }
  }

  /**
   * Applies what is new of these entries, up to where some between are missing (`gap`) or where one comes behind another entry than
   * the last applied one (`diverged`).
   */
  applyNew(entries: readonly LoggedEntry[]): 'applied' | 'gap' | 'diverged' {
    for (const logged of entries) {
      const { position, previous, entry } = logged;
      if (comparePositions(position, this.#applied) <= 0) continue;
      if (!follows(this.#applied, position, entry)) return 'gap';
      if (this.#applied.operation !== UNKNOWN && previous !== this.#applied.operation) return 'diverged';
      const outputs = this.#machine.apply(entry, this.#clock.now());
      this.#applied = position;
      this.#recent.add(logged);
      this.#hub?.deliver(outputs);
      this.#options.onApplied(entry);
    }
    return 'applied';
  }

  /** Applies entries, and where that cannot be, begins anew with what the log has now. */
  async follow(entries: readonly LoggedEntry[]): Promise<void> {
    const result = this.applyNew(entries);
    if (result === 'gap') await this.reload();
    if (result === 'diverged') await this.beginEpoch();
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

  /** Applies everything up to the log's head; puts back what Redis lost, or begins a new epoch where that cannot be. */
  async catchUp(): Promise<void> {
    for (;;) {
      // While Redis is asked, entries are applied that came another way: the log must have those that were applied before.
      const applied = this.#applied;
      const head = await this.#redisLog.head();
      if (comparePositions(applied, head) > 0) {
        if (await this.#putBack(head)) return;
        continue;
      }
      if (!(await this.#isOurs(applied, head))) return this.beginEpoch();
      if (comparePositions(this.#applied, head) >= 0) return;
      await this.follow(await this.#redisLog.entriesAfter(this.#applied));
    }
  }

  /** Whether the log that ends at `head`, not before the `applied` entry, has that in it, as far as can be told. */
  async #isOurs(applied: Head, head: Head): Promise<boolean> {
    if (comparePositions(applied, head) === 0) return applied.operation === head.operation;
    const operation = await this.#redisLog.operationAt(applied);
    // Dropped behind a snapshot: entries are missing then, which loads the store again.
    return operation === undefined || operation === applied.operation;
  }

  /**
   * Redis came back with less than it had acknowledged (no AOF, or one that was not synced). If what it has is the beginning of what
   * this process has applied, the rest is appended as it was: nothing is lost and no revision is used twice. False: somebody else
   * appended meanwhile.
   */
  async #putBack(head: Head): Promise<boolean> {
    const fields = { head: formatPosition(head), applied: formatPosition(this.#applied) };
    if (comparePositions(head, START) === 0) {
      this.#options.log?.warn(fields, 'Redis lost the log, putting all of it back');
      return this.#putBackAll();
    }
    const missing = this.#recent.behind(head);
    if (missing === undefined) {
      await this.beginEpoch();
      return true;
    }
    this.#options.log?.warn(fields, 'Redis lost a part of the log, putting it back');
    return this.#append(head, missing);
  }

  async #append(head: Head, entries: readonly LoggedEntry[]): Promise<boolean> {
    let expected = head;
    for (let i = 0; i < entries.length; i += BATCH) {
      const batch = chained(expected, entries.slice(i, i + BATCH));
      const operation = newOperation();
      const result = await this.#redisLog.append({ expected, operation, entries: batch, guards: [] });
      if (result.kind !== 'done') return false;
      expected = batch.at(-1)!.position;
    }
    if (comparePositions(this.#applied, expected) <= 0) this.#applied = expected;
    return true;
  }

  /** Puts a backup into a log that nobody has written to yet. Rejects where somebody does meanwhile. */
  async fill(backup: Backup): Promise<void> {
    this.#machine.restoreBackup(backup, this.#clock.now());
    if (!(await this.#putBackAll())) throw new Error('another process wrote to it meanwhile');
  }

  /** Fills an empty log: a snapshot as of the last compaction, the revisions behind it, and the newest entries as they were. */
  async #putBackAll(): Promise<boolean> {
    const machine = this.#machine;
    while (machine.trim(BATCH));
    const snapshot = machine.snapshot();
    const operation = newOperation();
    const base: Head = { revision: snapshot.revision, n: 0n, operation };
    const recent = this.#recent.fromRevision(snapshot.revision);
    const entries = this.#entriesBefore(recent, base);
    if (snapshot.revision > 1n) {
      await this.#redisLog.saveSnapshot(snapshot, base, `${snapshot.revision + 1n}-0`);
    }
    return this.#append(START, [...entries, ...recent]);
  }

  /** What the log needs behind a snapshot to hold this state again, up to where `recent` begins or to our last entry. */
  #entriesBefore(recent: readonly LoggedEntry[], base: Head): LoggedEntry[] {
    const machine = this.#machine;
    const entries: LoggedEntry[] = [];
    let at: Head = base;
    const add = (entry: LogEntry | undefined): void => {
      if (entry === undefined) return;
      at = { ...nextPosition(at, entry), operation: base.operation };
      entries.push({ position: at, previous: '', entry });
    };
    const end = recent[0]?.position.revision ?? machine.revision + 1n;
    for (let next = base.revision + 1n; next < end; next++) add(machine.revisionEntry(next));
    for (const id of machine.leaseIds()) add({ kind: 'grant', id, ttl: machine.leaseTtl(id)! });
    add(machine.authEntry());
    if (recent.length > 0) return entries;
    // Repeating a compaction changes nothing; it stands for entries that are in the state already, and for one before the first write.
    const padding: LogEntry = { kind: 'compact', revision: machine.compactRevision };
    do add(padding);
    while (comparePositions(at, this.#applied) < 0);
    return entries;
  }

  /**
   * The log in Redis is not the one that this process has followed: acknowledged revisions are lost. The log goes on in a new epoch,
   * far above any revision that anybody can have seen, with everything before compacted, so that whoever watches begins anew.
   */
  async beginEpoch(): Promise<void> {
    const seen = this.#applied;
    await this.load();
    while (this.#machine.compactRevision <= seen.revision) {
      const head = this.#applied;
      // biome-ignore lint/complexity/useMathMinMax: these are no numbers.
      const last = head.revision > seen.revision ? head.revision : seen.revision;
      const entry: LogEntry = { kind: 'epoch', revision: last + EPOCH_STEP };
      const operation = newOperation();
      const position: Head = { ...nextPosition(head, entry), operation };
      const fields = { lost: formatPosition(seen), from: entry.revision.toString() };
      this.#options.log?.warn(fields, 'Redis lost acknowledged revisions, beginning a new epoch');
      const entries = [{ position, previous: head.operation, entry }];
      const result = await this.#redisLog.append({ expected: head, operation, entries, guards: [] });
      if (result.kind === 'done') this.applyNew(entries);
      else await this.load();
    }
  }
}

/** The entries, each with the operation of the one before. */
function chained(head: Head, entries: readonly LoggedEntry[]): LoggedEntry[] {
  let previous = head.operation;
  return entries.map((logged) => {
    const next = { ...logged, previous };
    previous = logged.position.operation;
    return next;
  });
}
