import type { Credentials, Store, StoreClient } from '../store.ts';

/** Most identities whose clients are kept. */
const MOST = 1000;

/** A checked client for each identity that calls, made when it first does. */
export class Clients {
  readonly #store: Store;
  readonly #anonymous: StoreClient;
  readonly #known: Map<string, StoreClient> = new Map();

  constructor(store: Store) {
    this.#store = store;
    this.#anonymous = store.client({});
  }

  /** The client of whoever comes with that token, or else that certificate. */
  of(token: string | undefined, commonName: string | undefined): StoreClient {
    if (token === undefined && commonName === undefined) return this.#anonymous;
    const key = token === undefined ? `CN ${commonName}` : `token ${token}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // Tokens end after minutes: those that are in use are soon back.
    if (this.#known.size >= MOST) this.#known.clear();
    const credentials: Credentials = token === undefined ? { commonName: commonName! } : { token };
    const client = this.#store.client(credentials);
    this.#known.set(key, client);
    return client;
  }

  /** Ends what the clients have open. */
  async close(): Promise<void> {
    await Promise.all([this.#anonymous, ...this.#known.values()].map((client) => client.close()));
  }
}
