import { IPAM_HANDLE, type IpamHandle } from '../../protocol/calico/ipam/values.ts';
import { handleKey } from '../../protocol/calico/keys.ts';
import type { KvClient } from '../store/client.ts';
import { RETRY, untilUnchanged } from './retry.ts';
import { TypedKv } from './typed-kv.ts';

/**
 * Handles count, per block, the addresses that one owner has. They are raised before a block is written and lowered
 * after addresses were released, so that after a crash they count too many rather than too few.
 */
export class Handles {
  readonly #kv: TypedKv<IpamHandle>;

  constructor(client: KvClient) {
    this.#kv = new TypedKv(client, IPAM_HANDLE);
  }

  /** Addresses per block; empty where nobody uses the handle. */
  async blocks(id: string): Promise<Readonly<Record<string, number>>> {
    return (await this.#kv.get(handleKey(id)))?.value.block ?? {};
  }

  async increment(id: string, cidr: string, amount: number): Promise<void> {
    const key = handleKey(id);
    await untilUnchanged(`handle ${id}`, async () => {
      const current = await this.#kv.get(key);
      if (current === undefined) {
        return (await this.#kv.create(key, { block: { [cidr]: amount }, deleted: false })) ?? RETRY;
      }
      const { block } = current.value;
      const raised = { ...current.value, block: { ...block, [cidr]: (block[cidr] ?? 0) + amount } };
      return (await this.#kv.update(key, raised, current.modRevision)) ?? RETRY;
    });
  }

  /** Lowers the count of a block; what reaches zero is removed, in the end the handle itself. */
  async decrement(id: string, cidr: string, amount: number): Promise<void> {
    const key = handleKey(id);
    await untilUnchanged(`handle ${id}`, async () => {
      const current = await this.#kv.get(key);
      if (current === undefined) return undefined;
      const { [cidr]: count = 0, ...others } = current.value.block;
      const block = count > amount ? { ...others, [cidr]: count - amount } : others;
      if (Object.keys(block).length === 0) {
        return (await this.#kv.remove(key, current.modRevision)) ? undefined : RETRY;
      }
      return (await this.#kv.update(key, { ...current.value, block }, current.modRevision)) === undefined
        ? RETRY
        : undefined;
    });
  }
}
