import { EtcdError, type KeyValue, type RequestOp, type TxnRequest } from '../../protocol/etcd/types.ts';
import type { Answer, Done, Operation, Write } from './history.ts';
import type { Dice } from './random.ts';
import type { StoreLike } from './store-like.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** All keys of the traffic. */
export const ALL: { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } = {
  key: bytes('k'),
  rangeEnd: bytes('l'),
};
const KEYS = 8;

/** One client that makes one request after the other until told to stop, through whichever server. */
export class Worker {
  readonly #name: string;
  readonly #dice: Dice;
  readonly #stores: readonly StoreLike[];
  readonly done: Done[] = [];
  #written = 0;
  /** What it has seen last, for compare-and-swap. */
  #seen: readonly KeyValue[] = [];
  #revision = 0n;

  constructor(name: string, dice: Dice, stores: readonly StoreLike[]) {
    this.#name = name;
    this.#dice = dice;
    this.#stores = stores;
  }

  async run(stop: () => boolean): Promise<void> {
    while (!stop()) await this.#next();
  }

  async #next(): Promise<void> {
    const operation = this.#choose();
    const store = this.#dice.pick(...this.#stores);
    const called = performance.now();
    const answer = await perform(store, operation).catch((error: unknown) => {
      if (error instanceof EtcdError && MAY_BE_DONE.has(error.code)) return undefined;
      throw error;
    });
    this.done.push({ operation, called, returned: performance.now(), answer });
    if (answer !== undefined && answer.revision > this.#revision) this.#revision = answer.revision;
    if (operation.kind === 'list' && operation.revision === 0n && answer !== undefined)
      this.#seen = answer.kvs;
    // A server that is away answers at once: no reason to ask it without pause.
    if (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  #key(): string {
    return `k${this.#dice.below(KEYS)}`;
  }

  #write(key: string): Write {
    return { key, value: `${this.#name}-${this.#written++}` };
  }

  #choose(): Operation {
    const kind = this.#dice.below(100);
    if (kind < 35) return { kind: 'put', writes: [this.#write(this.#key())] };
    if (kind < 45) {
      const first = this.#dice.below(KEYS - 1);
      return { kind: 'put', writes: [this.#write(`k${first}`), this.#write(`k${first + 1}`)] };
    }
    if (kind < 55) return { kind: 'delete', key: this.#key() };
    if (kind < 75) {
      const key = this.#key();
      const known = this.#seen.find((kv) => Buffer.from(kv.key).toString() === key);
      return { kind: 'cas', writes: [this.#write(key)], expected: known?.modRevision ?? 0n };
    }
    const old = kind < 80 && this.#revision > 4n;
    return { kind: 'list', revision: old ? this.#revision - 3n : 0n };
  }
}

/** Codes that leave open whether a request was done: canceled, unknown, deadline exceeded, internal, unavailable. */
export const MAY_BE_DONE: ReadonlySet<number> = new Set([1, 2, 4, 13, 14]);

const NOTHING: Omit<Answer, 'revision'> = { succeeded: true, kvs: [], previous: [], deleted: 0n };

async function perform(store: StoreLike, operation: Operation): Promise<Answer> {
  if (operation.kind === 'list') {
    const { header, kvs } = await store.range({ ...ALL, revision: operation.revision });
    return { ...NOTHING, revision: header.revision, kvs };
  }
  if (operation.kind === 'delete') {
    const { header, deleted, prevKvs } = await store.deleteRange({ key: bytes(operation.key), prevKv: true });
    return { ...NOTHING, revision: header.revision, deleted, previous: prevKvs };
  }
  const puts = operation.writes.map(({ key, value }): RequestOp => {
    return { kind: 'put', request: { key: bytes(key), value: bytes(value), prevKv: true } };
  });
  const compare: TxnRequest['compare'] =
    operation.kind === 'cas'
      ? [
          {
            key: bytes(operation.writes[0].key),
            result: 'EQUAL',
            target: { kind: 'MOD', operand: operation.expected },
          },
        ]
      : [];
  const { header, succeeded, responses } = await store.txn({ compare, success: puts, failure: [] });
  const previous = responses.map((each) => (each.kind === 'put' ? each.response.prevKv : undefined));
  return { ...NOTHING, revision: header.revision, succeeded, previous };
}
