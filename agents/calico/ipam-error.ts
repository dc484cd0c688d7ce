/** Addresses could not be given out or taken back; one line that names node, pool or address, and the cause. */
export class IpamError extends Error {
  override readonly name = 'IpamError';
  readonly reason: 'node' | 'pool' | 'exhausted' | 'block-limit' | 'claim' | 'address' | 'contention';

  constructor(reason: IpamError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Somebody else changed what an attempt was based on; it is made again from the start. */
export const RETRY: unique symbol = Symbol('retry');
export type Retry = typeof RETRY;

/** Attempts before a compare-and-swap is given up (Calico `libcalico-go/lib/ipam/ipam.go`). */
const ATTEMPTS = 100;

/** Makes `attempt` until it succeeds. @throws IpamError after 100 attempts */
export async function untilUnchanged<T>(what: string, attempt: () => Promise<T | Retry>): Promise<T> {
  for (let i = 0; i < ATTEMPTS; i++) {
    const result = await attempt();
    if (result !== RETRY) return result;
  }
  throw new IpamError('contention', `ipam: ${what}: given up after ${ATTEMPTS} concurrent changes by others`);
}
