import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../agents/io/clock.ts';
import type { KvClient } from '../../agents/store/client.ts';
import { connectStore } from '../../agents/store/http-client.ts';
import { serveStore } from '../../agents/store/http-server.ts';
import { createMemoryStore } from '../../agents/store/memory.ts';
import type { Compare, RangeRequest, RequestOp, TxnRequest, WatchEvent } from '../../protocol/etcd/types.ts';
import { tool } from '../support/tools.ts';
import { b, record } from '../unit/store/support.ts';
import { type EtcdServer, startEtcd } from './etcd-server.ts';

const etcd = tool('etcd');
const clock = systemClock();
const OPERATIONS = 3000;

/** Numbers from a seed (mulberry32), so that a failure can be repeated. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Step = { readonly name: string; readonly run: (client: KvClient) => Promise<unknown> };

/** Random requests over a few keys, so that they meet; errors are as welcome as successes. */
class Generator {
  readonly #random: (below: number) => number;
  /** About where the store is, to ask for revisions near it. */
  revision = 1n;
  compacted = 0n;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  #pick<T>(...from: readonly T[]): T {
    return from[this.#random(from.length)]!;
  }

  #key(): Uint8Array {
    return this.#pick(b('a'), b('ab'), b('b'), b('b\0'), b('c'), b('d'), Uint8Array.from([0xff]), b('e'));
  }

  #rangeEnd(): { readonly rangeEnd?: Uint8Array } {
    return this.#pick<{ readonly rangeEnd?: Uint8Array }>(
      {},
      {},
      { rangeEnd: this.#key() },
      { rangeEnd: new Uint8Array([0]) },
    );
  }

  #lease(): bigint {
    return this.#pick(0n, 0n, 0n, 7n, -8n, 9n);
  }

  #revision(): bigint {
    return this.#pick(0n, 0n, this.revision - BigInt(this.#random(12)), this.revision + 1n, -1n);
  }

  #range(): RangeRequest {
    return {
      key: this.#key(),
      ...this.#rangeEnd(),
      revision: this.#revision(),
      limit: BigInt(this.#pick(0, 0, 1, 2, 3)),
      sortOrder: this.#pick('NONE', 'ASCEND', 'DESCEND'),
      sortTarget: this.#pick('KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE'),
      keysOnly: this.#pick(false, false, true),
      countOnly: this.#pick(false, false, false, true),
      minModRevision: this.#pick(0n, 0n, 0n, this.revision - 5n),
      maxModRevision: this.#pick(0n, 0n, 0n, this.revision - 5n),
      minCreateRevision: this.#pick(0n, 0n, 0n, this.revision - 9n),
      maxCreateRevision: this.#pick(0n, 0n, 0n, this.revision - 9n),
    };
  }

  #put(): RequestOp & { readonly kind: 'put' } {
    const ignoreValue = this.#pick(false, false, false, true);
    const value = ignoreValue ? this.#pick(b(''), b(''), b('x')) : this.#pick(b('1'), b('2'), b('33'), b(''));
    const request = {
      key: this.#key(),
      value,
      lease: this.#lease(),
      prevKv: this.#pick(true, false),
      ignoreValue,
      ignoreLease: this.#pick(false, false, false, true),
    };
    return { kind: 'put', request };
  }

  /**
   * Within a transaction the deletion has an end: a real etcd fails to notice that a key is deleted "from here on" and put, and
   * ends in a panic where that put is to keep the value.
   */
  #delete(open: boolean): RequestOp & { readonly kind: 'deleteRange' } {
    const end = open ? this.#rangeEnd() : this.#pick({}, { rangeEnd: this.#key() });
    const request = { key: this.#key(), ...end, prevKv: this.#pick(true, false) };
    return { kind: 'deleteRange', request };
  }

  #compare(): Compare {
    const kind = this.#pick('VERSION', 'CREATE', 'MOD', 'LEASE', 'VALUE');
    const operand = kind === 'LEASE' ? this.#lease() : BigInt(this.#pick(0, 1, 2)) || this.revision - 3n;
    return {
      key: this.#key(),
      ...this.#rangeEnd(),
      result: this.#pick('EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'),
      target: kind === 'VALUE' ? { kind, operand: this.#pick(b('1'), b('2'), b('')) } : { kind, operand },
    };
  }

  #ops(depth: number): RequestOp[] {
    return Array.from({ length: this.#random(4) }, (): RequestOp => {
      const kind = this.#random(depth > 0 ? 7 : 6);
      if (kind < 2) return { kind: 'range', request: this.#range() };
      if (kind < 5) return this.#put();
      return kind === 5 ? this.#delete(false) : { kind: 'txn', request: this.#txn(depth - 1) };
    });
  }

  #txn(depth: number): TxnRequest {
    const compare = Array.from({ length: this.#random(3) }, () => this.#compare());
    return { compare, success: this.#ops(depth), failure: this.#ops(depth) };
  }

  next(): Step {
    const kind = this.#random(40);
    if (kind < 10) return step('put', this.#put().request, (client, request) => client.put(request));
    if (kind < 13)
      return step('delete', this.#delete(true).request, (client, request) => client.deleteRange(request));
    if (kind < 22) return step('range', this.#range(), (client, request) => client.range(request));
    if (kind < 35) return step('txn', this.#txn(2), (client, request) => client.txn(request));
    if (kind < 37) return step('grant', this.#lease() || 7n, (client, id) => client.leaseGrant(1000n, id));
    if (kind < 38) return step('revoke', this.#lease(), (client, id) => client.leaseRevoke(id));
    if (kind < 39) return step('keepAlive', this.#lease(), (client, id) => client.leaseKeepAlive(id));
    const revision = this.#pick(this.revision - 20n, this.revision - 40n, this.compacted, this.revision + 1n);
    return step('compact', revision, (client, each) => client.compact(each));
  }
}

function step<T>(name: string, request: T, run: (client: KvClient, request: T) => Promise<unknown>): Step {
  return { name: `${name} ${text(request)}`, run: (client) => run(client, request) };
}

/** Anything as text, without the identities of the store. */
function text(value: unknown): string {
  return JSON.stringify(value, (key, each) => {
    if (key === 'clusterId' || key === 'memberId' || key === 'raftTerm') return undefined;
    if (typeof each === 'bigint') return `${each}n`;
    return each instanceof Uint8Array ? Buffer.from(each).toString('latin1') : each;
  });
}

async function outcome(client: KvClient, { run }: Step): Promise<string> {
  return run(client).then(
    (answer) => (answer === undefined ? 'done' : text(answer)),
    (error: { code: number; message: string }) => `${error.code} ${error.message}`,
  );
}

describe.skipIf(etcd.missing)(etcd.title('the same random requests to a real etcd and to podwire'), () => {
  let server: EtcdServer;
  let real: KvClient;
  beforeAll(async () => {
    server = await startEtcd(etcd.path);
    real = connectStore(server.endpoint, { clock });
  });
  afterAll(async () => {
    await real.close();
    await server.stop();
  });

  test(`${OPERATIONS} requests: every answer, and the watch of all that is left of the history`, async () => {
    const store = createMemoryStore({ clock });
    const http = await serveStore(store, { address: '127.0.0.1', port: 0 });
    const ours = connectStore(http.endpoint, { clock });
    const seed = Date.now() % 0x7fff_ffff;
    const generator = new Generator(seed);
    for (let i = 0; i < OPERATIONS; i++) {
      const next = generator.next();
      const [expected, actual] = await Promise.all([outcome(real, next), outcome(ours, next)]);
      expect(`seed ${seed}, request ${i}: ${next.name}\n${actual}`).toBe(
        `seed ${seed}, request ${i}: ${next.name}\n${expected}`,
      );
      generator.revision = store.header().revision;
      if (next.name.startsWith('compact') && expected === 'done') {
        generator.compacted = BigInt(/\d+/.exec(next.name)![0]);
      }
    }
    expect(generator.revision).toBeGreaterThan(BigInt(OPERATIONS / 10));
    const history = async (client: KvClient): Promise<WatchEvent[]> => {
      const all = { key: new Uint8Array([0]), rangeEnd: new Uint8Array([0]), prevKv: true };
      // One revision behind the compaction: what 3.4 keeps of deletions at it differs from later releases.
      const seen = record(client, { ...all, startRevision: generator.compacted + 1n });
      const { header } = await client.put({ key: b('last'), value: b('') });
      await expect.poll(() => seen.events.at(-1)?.kv.modRevision, { timeout: 10_000 }).toBe(header.revision);
      seen.watch.cancel();
      return seen.events;
    };
    const [theirs, mine] = [await history(real), await history(ours)];
    expect(mine.map(text)).toEqual(theirs.map(text));
    await ours.close();
    await http.close();
    await store.close();
  });
});
