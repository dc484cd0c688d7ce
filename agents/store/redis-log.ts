import { randomBytes } from 'node:crypto';
import { Writer } from '../../protocol/etcd/binary.ts';
import { decodeLogEntry, type LogEntry, writeLogEntry } from '../../protocol/etcd/entry.ts';
import { decodeSnapshot, type Snapshot, snapshotPieces } from '../../protocol/etcd/snapshot.ts';
import type { Millis } from '../ports.ts';
import type { StoreRedis } from './redis-connection.ts';
import {
  comparePositions,
  formatHead,
  formatPosition,
  type Head,
  parseHead,
  parsePosition,
  START,
} from './redis-position.ts';

/** The version of what is kept in Redis; another one is not touched. */
const FORMAT = '2';
/** In its place while a backup is put into the namespace: no server serves a part of it. */
const FILLING = 'filling';
/** Size of the pieces of a snapshot. */
const PIECE: number = 256 * 1024;
/** Seconds after which an upload that its owner did not finish is dropped. */
const UPLOAD_TTL = 120;
const PAGE = 1000;
/** Largest buffer that is kept for the entries of the next append. */
const KEPT: number = 1 << 20;

/** The keys of a namespace. The braces keep them in one slot of a Redis Cluster. */
export function redisKeys(
  namespace: string,
): Readonly<Record<'log' | 'head' | 'leases' | 'meta' | 'snapshot', string>> {
  const key = (name: string): string => `podwire:{${namespace}}:${name}`;
  return {
    log: key('log'),
    head: key('head'),
    leases: key('leases'),
    meta: key('meta'),
    snapshot: key('snapshot'),
  };
}

/** An entry where it is in the log, with the operation that appended it, and the one that appended the entry before. */
export interface LoggedEntry {
  readonly position: Head;
  readonly previous: string;
  readonly entry: LogEntry;
}

/** What an append came to; see the script's answers. */
export type AppendResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'behind'; readonly head: Head; readonly missed: readonly LoggedEntry[] }
  | { readonly kind: 'renewed'; readonly lease: bigint }
  | { readonly kind: 'diverged'; readonly head: Head };

export interface AppendRequest {
  readonly expected: Head;
  readonly operation: string;
  readonly entries: readonly LoggedEntry[];
  /** Leases that must not have been renewed: the deadline that each still has. */
  readonly guards: readonly { readonly id: bigint; readonly deadline: string }[];
}

/** What Redis knows of leases: its own time, and the deadline of each, undefined where it has none. */
export interface Deadlines {
  readonly now: Millis;
  readonly deadlines: readonly (string | undefined)[];
}

type RawEntry = [id: Buffer, fields: Buffer[]];

function decodeRaw([id, fields]: RawEntry): LoggedEntry {
  // Fields are "op", operation id, "p", the one before, "e", entry.
  const operation = fields[1]?.toString() ?? '';
  const previous = fields[3]?.toString() ?? '';
  const entry = decodeLogEntry(fields[5] ?? new Uint8Array());
  return { position: { ...parsePosition(id.toString()), operation }, previous, entry };
}

const milliseconds = (ttl: bigint): string => (ttl * 1000n).toString();

/** A store's log, leases and snapshot in Redis: what each command means, without the decisions. */
export class RedisLog {
  readonly #redis: StoreRedis;
  readonly #namespace: string;
  readonly #keys: ReturnType<typeof redisKeys>;

  constructor(redis: StoreRedis, namespace: string) {
    this.#redis = redis;
    this.#namespace = namespace;
    this.#keys = redisKeys(namespace);
  }

  /** The store's identity, made by whoever comes first. Rejects where Redis holds another format. */
  async identity(candidate: bigint): Promise<bigint> {
    const { meta } = this.#keys;
    const answers = await this.#redis
      .multi()
      .hsetnx(meta, 'format', FORMAT)
      .hsetnx(meta, 'cluster_id', candidate.toString())
      .hmget(meta, 'format', 'cluster_id')
      .exec();
    const [error, values] = answers![2]!;
    if (error !== null) throw error;
    const [format, clusterId] = values as [string, string];
    if (format === FILLING) throw new Error(beingFilled(this.#namespace));
    if (format !== FORMAT) throw new Error(`${meta} has format ${format}, expected ${FORMAT}`);
    return BigInt(clusterId);
  }

  /** Takes a namespace without keys to put a backup into it. Rejects where it has any. */
  async beginFilling(): Promise<void> {
    const keys = Object.values(this.#keys);
    const { meta } = this.#keys;
    const answers = await this.#redis.multi().exists(keys).hsetnx(meta, 'format', FILLING).exec();
    const [[, known], [error, taken]] = answers as [[null, number], [Error | null, number]];
    if (error !== null) throw error;
    if (known === 0) return;
    if (taken === 1) await this.#redis.hdel(meta, 'format');
    const filling = (await this.#redis.hget(meta, 'format')) === FILLING;
    if (filling) throw new Error(beingFilled(this.#namespace));
    throw new Error(
      `namespace ${this.#namespace} has a store already, expected none to restore a snapshot into`,
    );
  }

  /** Gives it to the servers. */
  async endFilling(): Promise<void> {
    await this.#redis.hset(this.#keys.meta, 'format', FORMAT);
  }

  /** The run of Redis (its run_id) in which the log was last known to be whole; undefined: never. */
  async knownRun(): Promise<string | undefined> {
    return (await this.#redis.hget(this.#keys.meta, 'run')) ?? undefined;
  }

  async setKnownRun(run: string): Promise<void> {
    await this.#redis.hset(this.#keys.meta, 'run', run);
  }

  async append({ expected, operation, entries, guards }: AppendRequest): Promise<AppendResult> {
    const grants: string[] = [];
    const ended: string[] = [];
    for (const { entry } of entries) {
      if (entry.kind === 'grant') grants.push(entry.id.toString(), milliseconds(entry.ttl));
      if (entry.kind === 'revoke') ended.push(entry.id.toString());
      if (entry.kind === 'revision') ended.push(...entry.revoked.map(String));
    }
    const { log, head, leases } = this.#keys;
    // Only reads, nearly always on the newest state: that costs less than the script.
    const reads = entries.length === 0 && guards.length === 0;
    if (reads && formatHead(await this.head()) === formatHead(expected)) return { kind: 'done' };
    const answer = (await this.#redis.storeAppendBuffer(
      log,
      head,
      leases,
      formatHead(expected),
      operation,
      ...[String(guards.length), ...guards.flatMap(({ id, deadline }) => [String(id), deadline])],
      ...[String(grants.length / 2), ...grants],
      ...[String(ended.length), ...ended],
      ...[String(entries.length), packed(entries)],
    )) as [number, Buffer, RawEntry[]];
    if (answer[0] === 1) return { kind: 'done' };
    const text = answer[1].toString();
    if (answer[0] === 2) return { kind: 'renewed', lease: BigInt(text) };
    if (answer[0] === 3) return { kind: 'diverged', head: parseHead(text) };
    return { kind: 'behind', head: parseHead(text), missed: answer[2].map(decodeRaw) };
  }

  async head(): Promise<Head> {
    const head = await this.#redis.get(this.#keys.head);
    return head === null ? START : parseHead(head);
  }

  /** Up to 1000 entries behind `position`. */
  async entriesAfter(position: Head): Promise<LoggedEntry[]> {
    const from = `(${formatPosition(position)}`;
    const raw = await this.#redis.xrangeBuffer(this.#keys.log, from, '+', 'COUNT', PAGE);
    return (raw as RawEntry[]).map(decodeRaw);
  }

  /** The operation of the entry at exactly that position; undefined where there is none (any more). */
  async operationAt(position: Head): Promise<string | undefined> {
    const id = formatPosition(position);
    const raw = (await this.#redis.xrange(this.#keys.log, id, id)) as [string, string[]][];
    return raw[0]?.[1][1];
  }

  /**
   * Waits up to `milliseconds` for entries behind `position`, and gives those that are still behind it when they come. Blocks its
   * connection.
   */
  async waitAfter(position: () => Head, milliseconds: number): Promise<LoggedEntry[]> {
    const { log } = this.#keys;
    const id = formatPosition(position());
    const answer = await this.#redis.xreadBuffer('COUNT', PAGE, 'BLOCK', milliseconds, 'STREAMS', log, id);
    const streams = answer as unknown as [Buffer, RawEntry[]][] | null;
    const entries = streams?.[0]?.[1] ?? [];
    const known = position();
    return entries.filter(([id]) => comparePositions(parsePosition(id.toString()), known) > 0).map(decodeRaw);
  }

  /** Renews a lease; its new deadline, or undefined where it is gone. */
  async keepAlive(id: bigint, ttl: bigint): Promise<string | undefined> {
    const answer = await this.#redis.storeKeepAlive(this.#keys.leases, id.toString(), milliseconds(ttl));
    return (answer as string | null) ?? undefined;
  }

  /** Gives every one of these leases at least its whole TTL from now. */
  async extendLeases(leases: readonly { readonly id: bigint; readonly ttl: bigint }[]): Promise<void> {
    for (let i = 0; i < leases.length; i += PAGE) {
      const page = leases.slice(i, i + PAGE);
      await this.#redis.storeExtend(
        this.#keys.leases,
        ...page.flatMap(({ id, ttl }) => [id.toString(), milliseconds(ttl)]),
      );
    }
  }

  async deadlines(ids: readonly bigint[]): Promise<Deadlines> {
    let now = 0;
    const deadlines: (string | undefined)[] = [];
    for (let i = 0; i < ids.length; i += PAGE) {
      const page = ids.slice(i, i + PAGE);
      const answer = await this.#redis.storeDeadlines(this.#keys.leases, ...page.map(String));
      const [time, ...found] = answer as string[];
      now = Number(time);
      for (const deadline of found) deadlines.push(deadline === '' ? undefined : deadline);
    }
    return { now, deadlines };
  }

  /** The newest snapshot and the head behind which the log goes on; undefined before the first. */
  async loadSnapshot(): Promise<{ readonly snapshot: Snapshot; readonly head: Head } | undefined> {
    const { meta, snapshot } = this.#keys;
    const answers = await this.#redis
      .multi()
      .hget(meta, 'snapshot_head')
      .lrangeBuffer(snapshot, 0, -1)
      .exec();
    const [[, head], [error, pieces]] = answers as [[null, string | null], [Error | null, Buffer[]]];
    if (error !== null) throw error;
    if (head === null) return undefined;
    return { snapshot: decodeSnapshot(Buffer.concat(pieces)), head: parseHead(head) };
  }

  /**
   * Stores a snapshot and drops what it makes superfluous. `head` is the entry behind which the log goes on: the last one with the
   * snapshot's revision that it has in it. Entries behind its revision stay, they are the history that can still be read.
   */
  async saveSnapshot(snapshot: Snapshot, head: Head, keepFrom: string): Promise<void> {
    const { log, meta, snapshot: key } = this.#keys;
    const uploaded = `${key}:${randomBytes(8).toString('hex')}`;
    for (const piece of snapshotPieces(snapshot, PIECE)) {
      await this.#redis.rpush(uploaded, toBuffer(piece));
      await this.#redis.expire(uploaded, UPLOAD_TTL);
    }
    const revision = snapshot.revision.toString();
    await this.#redis.storeInstallSnapshot(log, meta, key, uploaded, revision, formatHead(head), keepFrom);
  }

  /** Removes every key of the namespace. */
  async destroy(): Promise<void> {
    const pattern = `${this.#keys.snapshot.replace(/[[\]*?\\]/g, '\\$&')}:*`;
    let cursor = '0';
    do {
      const [next, uploads] = await this.#redis.scan(cursor, 'MATCH', pattern, 'COUNT', PAGE);
      if (uploads.length > 0) await this.#redis.unlink(...uploads);
      cursor = next;
    } while (cursor !== '0');
    await this.#redis.unlink(...Object.values(this.#keys));
  }
}

function beingFilled(namespace: string): string {
  const keys = redisKeys(namespace).log.replace(/log$/, '*');
  return `a snapshot is being restored into namespace ${namespace}, or was in part: then remove its keys ${keys}`;
}

let packing = new Writer();

/** Entries as the append script takes them. */
function packed(entries: readonly LoggedEntry[]): Buffer {
  const writer = packing;
  writer.clear();
  for (const { position, previous, entry } of entries) {
    for (const text of [formatPosition(position), position.operation, previous]) {
      writer.uint16(text.length);
      writer.latin1(text);
    }
    writer.sized(() => writeLogEntry(writer, entry));
  }
  if (writer.length > KEPT) packing = new Writer();
  // A copy: a command may be sent again.
  return Buffer.from(writer.written);
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
