import type { KeyValue, RequestOp } from '../../protocol/etcd/types.ts';
import { b, below } from '../unit/store/support.ts';
import type { RealEtcd } from './real-etcd.ts';

/** What a guarded write of Calico's came to. */
export type Written =
  | { readonly done: true; readonly revision: bigint }
  /** Refused; what the key holds instead. */
  | { readonly done: false; readonly current: KeyValue | undefined };

/** The requests of Calico's etcd backend (Calico `libcalico-go/lib/backend/etcdv3/etcdv3.go`), one method for each of its. */
export class CalicoClient {
  readonly #etcd: RealEtcd;

  constructor(etcd: RealEtcd) {
    this.#etcd = etcd;
  }

  async #guarded(
    key: string,
    guard: { readonly kind: 'VERSION' | 'MOD'; readonly operand: bigint },
    then: RequestOp,
  ): Promise<Written> {
    const { header, succeeded, responses } = await this.#etcd.txn({
      compare: [{ key: b(key), result: 'EQUAL', target: guard }],
      success: [then],
      failure: [{ kind: 'range', request: { key: b(key) } }],
    });
    if (succeeded) return { done: true, revision: header.revision };
    const [answer] = responses;
    return { done: false, current: answer?.kind === 'range' ? answer.response.kvs[0] : undefined };
  }

  /** Create: Txn[Version=0] Put else Get; with a TTL (seconds) by a lease of its own, which nobody renews. */
  async create(key: string, value: string, ttl?: bigint): Promise<Written> {
    const lease = ttl === undefined ? 0n : (await this.#etcd.leaseGrant(ttl)).id;
    const request = { key: b(key), value: b(value), lease };
    return this.#guarded(key, { kind: 'VERSION', operand: 0n }, { kind: 'put', request });
  }

  /** Update: Txn[ModRevision=r] Put else Get. */
  update(key: string, value: string, revision: bigint): Promise<Written> {
    const request = { key: b(key), value: b(value) };
    return this.#guarded(key, { kind: 'MOD', operand: revision }, { kind: 'put', request });
  }

  /** Apply: Put. */
  async apply(key: string, value: string): Promise<bigint> {
    return (await this.#etcd.put({ key: b(key), value: b(value) })).header.revision;
  }

  /** Delete at a revision: Txn[ModRevision=r] Delete(prev_kv) else Get. */
  remove(key: string, revision: bigint): Promise<Written> {
    const request = { key: b(key), prevKv: true };
    return this.#guarded(key, { kind: 'MOD', operand: revision }, { kind: 'deleteRange', request });
  }

  /** Clean: Txn Delete of everything below a prefix. */
  async clean(prefix: string): Promise<bigint> {
    const deletion: RequestOp = { kind: 'deleteRange', request: below(prefix) };
    return (await this.#etcd.txn({ compare: [], success: [deletion], failure: [] })).header.revision;
  }

  async get(key: string): Promise<KeyValue | undefined> {
    return (await this.#etcd.range({ key: b(key) })).kvs[0];
  }

  /** List: Range of a prefix; `revision` is what a watch goes on behind. */
  async list(prefix: string): Promise<{ readonly kvs: readonly KeyValue[]; readonly revision: bigint }> {
    const { header, kvs } = await this.#etcd.range(below(prefix));
    return { kvs, revision: header.revision };
  }
}
