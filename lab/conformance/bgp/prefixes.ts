/** Prefixes out of the ranges for benchmarks and documentation (RFC 2544, RFC 3849), each given out once. */
import { formatIpv4, parseIpv4 } from '../../../protocol/ip/ipv4.ts';

/** Hands out prefixes to the tests of a run. */
export class PrefixPool {
  #count4 = 0;
  #count6 = 0;

  /** A /28 of 198.18.0.0/15; after 8192 of them they come again. */
  ipv4(): string {
    const number = this.#count4++ % 8192;
    return `${formatIpv4(parseIpv4('198.18.0.0') + 16 * number)}/28`;
  }

  /** A /48 of 2001:db8:1000::/36. */
  ipv6(): string {
    const number = this.#count6++ % 4096;
    return `2001:db8:${(0x1000 + number).toString(16)}::/48`;
  }
}

/** Prefixes that one test has taken. */
export class OwnPrefixes {
  readonly #pool: PrefixPool;
  readonly #own = new Set<string>();

  constructor(pool: PrefixPool) {
    this.#pool = pool;
  }

  ipv4(): string {
    const prefix = this.#pool.ipv4();
    this.#own.add(prefix);
    return prefix;
  }

  ipv6(): string {
    const prefix = this.#pool.ipv6();
    this.#own.add(prefix);
    return prefix;
  }

  /** Whether it is a prefix of another test, which only by chance is passed on to a peer of this one. */
  isForeign(prefix: string): boolean {
    return (
      !this.#own.has(prefix) && (/^198\.1[89]\..*\/28$/.test(prefix) || /^2001:db8:1...::\/48$/.test(prefix))
    );
  }
}
