import type { KeyValue } from '../../protocol/etcd/types.ts';
import { b, below } from '../unit/store/support.ts';
import type { RealEtcd } from './real-etcd.ts';

/** `--etcd-prefix`. */
const PREFIX = '/coreos.com/network/';
export const SUBNETS: string = `${PREFIX}subnets/`;

/** A subnet with what is left of its lease, seconds; -1n: it has none. */
interface SubnetLease {
  readonly kv: KeyValue;
  readonly ttl: bigint;
}

/** The requests of flannel's registry (flannel `pkg/subnet/etcd/registry.go`). */
export class FlannelClient {
  readonly #etcd: RealEtcd;

  constructor(etcd: RealEtcd) {
    this.#etcd = etcd;
  }

  async getNetworkConfig(): Promise<KeyValue | undefined> {
    return (await this.#etcd.range({ key: b(`${PREFIX}config`) })).kvs[0];
  }

  async putNetworkConfig(value: string): Promise<void> {
    await this.#etcd.put({ key: b(`${PREFIX}config`), value: b(value) });
  }

  /** All subnets with a TimeToLive for each, also for those without a lease; `revision` is what a watch goes on behind. */
  async getSubnets(): Promise<{ readonly leases: readonly SubnetLease[]; readonly revision: bigint }> {
    const { header, kvs } = await this.#etcd.range(below(SUBNETS));
    const leases: SubnetLease[] = [];
    for (const kv of kvs) leases.push({ kv, ttl: (await this.#etcd.leaseTimeToLive(kv.lease)).ttl });
    return { leases, revision: header.revision };
  }

  /** Grant, then Txn[Version=0] Put(lease); where somebody else has the subnet the lease is revoked. Undefined: it is taken. */
  async createSubnet(subnet: string, value: string, ttl: bigint): Promise<bigint | undefined> {
    const { id } = await this.#etcd.leaseGrant(ttl);
    const key = b(SUBNETS + subnet);
    const { succeeded } = await this.#etcd.txn({
      compare: [{ key, result: 'EQUAL', target: { kind: 'VERSION', operand: 0n } }],
      success: [{ kind: 'put', request: { key, value: b(value), lease: id } }],
      failure: [],
    });
    if (succeeded) return id;
    await this.#etcd.leaseRevoke(id);
    return undefined;
  }

  /** Renews: Grant of another lease, and Put with that. The old one runs out without keys. */
  async updateSubnet(subnet: string, value: string, ttl: bigint): Promise<bigint> {
    const { id } = await this.#etcd.leaseGrant(ttl);
    await this.#etcd.put({ key: b(SUBNETS + subnet), value: b(value), lease: id });
    return id;
  }

  /** A subnet for good, as by hand: no lease. */
  async putStatic(subnet: string, value: string): Promise<void> {
    await this.#etcd.put({ key: b(SUBNETS + subnet), value: b(value) });
  }

  async deleteSubnet(subnet: string): Promise<void> {
    await this.#etcd.deleteRange({ key: b(SUBNETS + subnet) });
  }
}
