/** Somebody else changed what an attempt was based on; it is made again from the start. */
export const RETRY: unique symbol = Symbol('retry');
export type Retry = typeof RETRY;

/** Others changed the same thing again and again; the store is well, trying later may succeed. */
export class ContentionError extends Error {
  override readonly name = 'ContentionError';
}

/** Attempts before a compare-and-swap is given up (Calico `libcalico-go/lib/ipam/ipam.go`). */
const ATTEMPTS = 100;

/** Makes `attempt` until it succeeds. @throws ContentionError naming `what`, after 100 attempts */
export async function untilUnchanged<T>(what: string, attempt: () => Promise<T | Retry>): Promise<T> {
  for (let i = 0; i < ATTEMPTS; i++) {
    const result = await attempt();
    if (result !== RETRY) return result;
  }
  throw new ContentionError(`${what}: given up after ${ATTEMPTS} concurrent changes by others`);
}
