import { randomBytes } from 'node:crypto';
import { decodeLogEntry, encodeLogEntry, type LogEntry } from '../../protocol/etcd/entry.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from '../../protocol/etcd/snapshot.ts';
import type { StoreRedis } from './redis-connection.ts';
import { formatPosition, type Position, parsePosition, START } from './redis-position.ts';

/** The version of what is kept in Redis; another one is not touched. */
const FORMAT = '1';
/** Size of the pieces of a snapshot. */
const PIECE = 1024 * 1024;
/** Seconds after which an upload that its owner did not finish is dropped. */
const UPLOAD_TTL = 120;
const PAGE = 1000;

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

export interface LoggedEntry {
  readonly position: Position;
  readonly entry: LogEntry;
}

/** What an append came to; see the script's answers. */
export type AppendResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'behind'; readonly head: Position; readonly missed: readonly LoggedEntry[] }
  | { readonly kind: 'alive'; readonly lease: bigint; readonly remaining: number };

export interface AppendRequest {
  readonly expected: Position;
  readonly operation: string;
  readonly entries: readonly LoggedEntry[];
  /** Leases that must be past their deadline. */
  readonly expired: readonly bigint[];
}

type RawEntry = [id: Buffer, fields: Buffer[]];

function decodeRaw([id, fields]: RawEntry): LoggedEntry {
  // Fields are "op", operation id, "e", entry.
  return { position: parsePosition(id.toString()), entry: decodeLogEntry(fields[3] ?? new Uint8Array()) };
}

/** A store's log, leases and snapshot in Redis: what each command means, without the decisions. */
export class RedisLog {
  readonly #redis: StoreRedis;
  readonly #keys: ReturnType<typeof redisKeys>;

  constructor(redis: StoreRedis, namespace: string) {
    this.#redis = redis;
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
    if (format !== FORMAT) throw new Error(`${meta} has format ${format}, expected ${FORMAT}`);
    return BigInt(clusterId);
  }

  async append({ expected, operation, entries, expired }: AppendRequest): Promise<AppendResult> {
    const grants: string[] = [];
    const ended: string[] = [];
    const appended: (string | Buffer)[] = [];
    for (const { position, entry } of entries) {
      if (entry.kind === 'grant') grants.push(entry.id.toString(), (entry.ttl * 1000n).toString());
      if (entry.kind === 'revoke') ended.push(entry.id.toString());
      if (entry.kind === 'revision') ended.push(...entry.revoked.map(String));
      appended.push(formatPosition(position), Buffer.from(encodeLogEntry(entry)));
    }
    const { log, head, leases } = this.#keys;
    const answer = (await this.#redis.storeAppendBuffer(
      log,
      head,
      leases,
      formatPosition(expected),
      operation,
      ...[String(expired.length), ...expired.map(String)],
      ...[String(grants.length / 2), ...grants],
      ...[String(ended.length), ...ended],
      ...[String(entries.length), ...appended],
    )) as [number, Buffer, RawEntry[] | Buffer];
    if (answer[0] === 1) return { kind: 'done' };
    const text = answer[1].toString();
    if (answer[0] === 2) return { kind: 'alive', lease: BigInt(text), remaining: Number(answer[2]) };
    return { kind: 'behind', head: parsePosition(text), missed: (answer[2] as RawEntry[]).map(decodeRaw) };
  }

  async head(): Promise<Position> {
    const head = await this.#redis.get(this.#keys.head);
    return head === null ? START : parsePosition(head);
  }

  /** Up to 1000 entries behind `position`. */
  async entriesAfter(position: Position): Promise<LoggedEntry[]> {
    const from = `(${formatPosition(position)}`;
    const raw = await this.#redis.xrangeBuffer(this.#keys.log, from, '+', 'COUNT', PAGE);
    return (raw as RawEntry[]).map(decodeRaw);
  }

  /** Waits up to `milliseconds` for entries behind `position`. Blocks its connection. */
  async waitAfter(position: Position, milliseconds: number): Promise<LoggedEntry[]> {
    const { log } = this.#keys;
    const id = formatPosition(position);
    const answer = await this.#redis.xreadBuffer('COUNT', PAGE, 'BLOCK', milliseconds, 'STREAMS', log, id);
    const streams = answer as unknown as [Buffer, RawEntry[]][] | null;
    return (streams?.[0]?.[1] ?? []).map(decodeRaw);
  }

  /** Whether a lease was renewed; false: it is unknown or past its deadline. */
  async keepAlive(id: bigint, ttl: bigint): Promise<boolean> {
    const answer = await this.#redis.storeKeepAlive(
      this.#keys.leases,
      id.toString(),
      (ttl * 1000n).toString(),
    );
    return answer === 1;
  }

  /** Gives every one of these leases at least its whole TTL from now. */
  async extendLeases(leases: readonly { readonly id: bigint; readonly ttl: bigint }[]): Promise<void> {
    for (let i = 0; i < leases.length; i += PAGE) {
      const args = leases
        .slice(i, i + PAGE)
        .flatMap(({ id, ttl }) => [id.toString(), (ttl * 1000n).toString()]);
      await this.#redis.storeExtend(this.#keys.leases, ...args);
    }
  }

  /** The newest snapshot and the position behind which the log goes on; undefined before the first. */
  async loadSnapshot(): Promise<{ readonly snapshot: Snapshot; readonly position: Position } | undefined> {
    const { meta, snapshot } = this.#keys;
    const answers = await this.#redis
      .multi()
      .hget(meta, 'snapshot_position')
      .lrangeBuffer(snapshot, 0, -1)
      .exec();
    const [[, position], [error, pieces]] = answers as [[null, string | null], [Error | null, Buffer[]]];
    if (error !== null) throw error;
    if (position === null) return undefined;
    return { snapshot: decodeSnapshot(Buffer.concat(pieces)), position: parsePosition(position) };
  }

  /**
   * Stores a snapshot taken when the log was applied up to `applied`, and drops what it makes superfluous. Entries behind its
   * revision stay, they are the history that can still be read.
   */
  async saveSnapshot(snapshot: Snapshot, applied: Position): Promise<void> {
    const { log, meta, snapshot: key } = this.#keys;
    const uploaded = `${key}:${randomBytes(8).toString('hex')}`;
    const bytes = encodeSnapshot(snapshot);
    for (let i = 0; i < bytes.length; i += PIECE) {
      const piece = bytes.subarray(i, i + PIECE);
      await this.#redis.rpush(uploaded, Buffer.from(piece.buffer, piece.byteOffset, piece.length));
      await this.#redis.expire(uploaded, UPLOAD_TTL);
    }
    // Entries at the snapshot's own revision that others may add right now are not in it.
    const same = applied.revision === snapshot.revision;
    const position = same ? applied : { revision: snapshot.revision, n: 0n };
    const keepFrom = same ? applied : { revision: snapshot.revision + 1n, n: 0n };
    const ids = [snapshot.revision.toString(), formatPosition(position), formatPosition(keepFrom)] as const;
    await this.#redis.storeInstallSnapshot(log, meta, key, uploaded, ...ids);
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
