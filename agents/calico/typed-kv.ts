import type { ValueCodec } from '../../protocol/calico/ipam/values.ts';
import type { KeyValue } from '../../protocol/etcd/types.ts';
import type { KvClient } from '../store/client.ts';
import { createKey, deleteKey, getKey, keyBytes, keyText, prefixEnd, updateKey } from '../store/keys.ts';

/** A value with the revision at which the store has it, which guards the next write. */
export interface Versioned<T> {
  readonly value: T;
  readonly modRevision: bigint;
}

/** A key holds something that is no value of its kind. */
export class StoredValueError extends Error {
  override readonly name = 'StoredValueError';
  readonly key: string;

  constructor(key: string, cause: Error) {
    super(`store key ${key}: ${cause.message}`, { cause });
    this.key = key;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** JSON values of one kind in the store, written as Calico's etcd client does: create, and update, delete if unchanged. */
export class TypedKv<T> {
  readonly #client: KvClient;
  readonly #codec: ValueCodec<T>;

  constructor(client: KvClient, codec: ValueCodec<T>) {
    this.#client = client;
    this.#codec = codec;
  }

  /** @throws StoredValueError where the value is not of this kind */
  async get(key: string): Promise<Versioned<T> | undefined> {
    const kv = await getKey(this.#client, keyBytes(key));
    return kv === undefined ? undefined : this.decode(kv);
  }

  /** All values below a prefix, in key order. */
  async list(prefix: string): Promise<(Versioned<T> & { readonly key: string })[]> {
    const key = keyBytes(prefix);
    const { kvs } = await this.#client.range({ key, rangeEnd: prefixEnd(key) });
    return kvs.map((kv) => ({ ...this.decode(kv), key: keyText(kv.key) }));
  }

  /** Writes a key that is not there; `undefined` where it is. */
  async create(key: string, value: T): Promise<Versioned<T> | undefined> {
    const result = await createKey(this.#client, keyBytes(key), this.encode(value));
    return result.kind === 'ok' ? { value, modRevision: result.revision } : undefined;
  }

  /** Writes a key that is still as it was at `modRevision`; `undefined` where it changed or went. */
  async update(key: string, value: T, modRevision: bigint): Promise<Versioned<T> | undefined> {
    const result = await updateKey(this.#client, keyBytes(key), this.encode(value), modRevision);
    return result.kind === 'ok' ? { value, modRevision: result.revision } : undefined;
  }

  /** Deletes a key that is still as it was at `modRevision`; false where it changed or went. */
  async remove(key: string, modRevision: bigint): Promise<boolean> {
    return (await deleteKey(this.#client, keyBytes(key), modRevision)).kind === 'ok';
  }

  encode(value: T): Uint8Array {
    return encoder.encode(this.#codec.format(value));
  }

  decode(kv: KeyValue): Versioned<T> {
    try {
      return { value: this.#codec.parse(decoder.decode(kv.value)), modRevision: kv.modRevision };
    } catch (error) {
      throw new StoredValueError(keyText(kv.key), error as Error);
    }
  }
}

/** Keys below a prefix, without their values. */
export async function listKeys(client: KvClient, prefix: string): Promise<string[]> {
  const key = keyBytes(prefix);
  const { kvs } = await client.range({ key, rangeEnd: prefixEnd(key), keysOnly: true });
  return kvs.map((kv) => keyText(kv.key));
}
