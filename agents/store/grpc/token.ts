import { ETCD_ERRORS } from '../../../protocol/etcd/errors.ts';
import type { EtcdError } from '../../../protocol/etcd/types.ts';

/**
 * Refusals that another token helps against: it has expired, users have changed since it was given, or authentication has been
 * enabled (etcd `client/v3/retry_interceptor.go`). The request has not been done.
 */
const REFUSALS: ReadonlySet<string> = new Set(
  (['invalidAuthToken', 'authOldRevision', 'userEmpty'] as const).map((name) => ETCD_ERRORS[name][1]),
);

/** Tokens that a request is tried with: the one at hand, a new one, and one more where users have changed meanwhile. */
export const MOST_TOKENS = 3;

/** Whether a request was refused for its token. */
export function isTokenRefused(error: unknown): boolean {
  return REFUSALS.has((error as EtcdError).message);
}

/** The token of a client's user, one for all its requests. */
export class TokenSource {
  readonly #authenticate: () => Promise<string | undefined>;
  #token: Promise<string | undefined> | undefined;
  /** The last one that came; undefined too while another is asked for. */
  #known: { readonly token: string | undefined } | undefined;

  /** `authenticate` asks for one; undefined where the server wants none. */
  constructor(authenticate: () => Promise<string | undefined>) {
    this.#authenticate = authenticate;
  }

  /** The token to come with; rejects where none is to be had. */
  current(): Promise<string | undefined> {
    this.#token ??= this.#ask();
    return this.#token;
  }

  async #ask(): Promise<string | undefined> {
    try {
      const token = await this.#authenticate();
      this.#known = { token };
      return token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }

  /** A request with this token was refused: the next one needs another, unless that has come, or been asked for, already. */
  refused(token: string | undefined): void {
    if (this.#known === undefined || this.#known.token !== token) return;
    this.#known = undefined;
    this.#token = undefined;
  }
}
