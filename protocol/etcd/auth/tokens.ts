/** Seconds that a token is good for behind its last use (etcd --auth-token-ttl). */
export const TOKEN_TTL = 300;

/** Length of a token's random part. */
const TOKEN_LENGTH = 16;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The random part of a token; `random` gives uniform integers below its argument. */
export function tokenPrefix(random: (below: number) => number): string {
  return Array.from({ length: TOKEN_LENGTH }, () => LETTERS[random(LETTERS.length)]).join('');
}

/**
 * etcd's simple tokens (etcd `server/auth/simple_token.go`): 16 random letters, a dot, and the index of the log entry that assigned
 * it. They live in memory only; who has a token that is over authenticates again.
 */
export class Tokens {
  readonly #ttl: number;
  /** In order of use, so that those that are over come first. */
  readonly #tokens: Map<string, { readonly user: string; readonly until: number }> = new Map();

  /** `ttl` in seconds. */
  constructor(ttl: number = TOKEN_TTL) {
    this.#ttl = ttl * 1000;
  }

  assign(token: string, user: string, now: number): void {
    this.#drop(now);
    this.#tokens.delete(token);
    this.#tokens.set(token, { user, until: now + this.#ttl });
  }

  /** The token's user, and another TTL for it; undefined: unknown or over. `now` in milliseconds. */
  use(token: string, now: number): string | undefined {
    const known = this.#tokens.get(token);
    if (known === undefined || known.until < now) return undefined;
    this.assign(token, known.user, now);
    return known.user;
  }

  #drop(now: number): void {
    for (const [token, { until }] of this.#tokens) {
      if (until >= now) return;
      this.#tokens.delete(token);
    }
  }

  revokeUser(user: string): void {
    for (const [token, known] of this.#tokens) if (known.user === user) this.#tokens.delete(token);
  }

  clear(): void {
    this.#tokens.clear();
  }
}
