import { type LeaseKeepAliveResponse, lease } from '../../../protocol/etcd/api/lease.ts';
import { NOT_FOUND } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import {
  answers,
  type Incoming,
  type Outgoing,
  opens,
  type Route,
  type Served,
  toEtcdError,
} from './route.ts';

/** Service Lease (etcd `server/etcdserver/api/v3rpc/lease.go`). */
export const LEASE_ROUTES: readonly Route[] = [
  answers(lease.grant, async ({ client }, { ttl, id }) => ({
    ...(await client.leaseGrant(ttl, id)),
    error: '',
  })),
  answers(lease.revoke, ({ client }, { id }) => client.leaseRevoke(id)),
  answers(lease.timeToLive, async ({ client }, { id, keys }) => ({
    id,
    ...(await client.leaseTimeToLive(id, keys)),
  })),
  answers(lease.leases, async ({ client }) => {
    const { header, leases } = await client.leases();
    return { header, leases: leases.map((id) => ({ id })) };
  }),
  opens(lease.keepAlive, (served, out) => new KeepAlive(served, out)),
];

/** Answers renewals one after the other, in the order in which they came. */
class KeepAlive implements Incoming<{ readonly id: bigint }> {
  readonly #served: Served;
  readonly #out: Outgoing<LeaseKeepAliveResponse>;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(served: Served, out: Outgoing<LeaseKeepAliveResponse>) {
    this.#served = served;
    this.#out = out;
  }

  message({ id }: { readonly id: bigint }): void {
    this.#last = this.#last.then(() => this.#renew(id));
  }

  async #renew(id: bigint): Promise<void> {
    if (this.#closed) return;
    try {
      const ttl = await remainingAfter(this.#served, id);
      if (!this.#closed) this.#out.send({ header: this.#served.store.header(), id, ttl });
    } catch (error) {
      if (!this.#closed) this.#out.end(toEtcdError(error));
    }
  }

  halfClosed(): void {
    this.#last = this.#last.then(() => {
      if (!this.#closed) this.#out.end();
    });
  }

  closed(): void {
    this.#closed = true;
  }
}

/** The TTL after a renewal; 0n where the lease is unknown or expired, which ends no stream. */
async function remainingAfter({ client }: Served, id: bigint): Promise<bigint> {
  try {
    return await client.leaseKeepAlive(id);
  } catch (error) {
    if (error instanceof EtcdError && error.code === NOT_FOUND) return 0n;
    throw error;
  }
}
