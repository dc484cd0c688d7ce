/**
 * Limits the rate of ICMP errors (RFC 1812 §4.3.2.8). The defaults of Linux: 1000 messages a second, bursts of 50
 * (net.ipv4.icmp_msgs_per_sec, icmp_msgs_burst). Times are milliseconds from one monotonic clock.
 */
export class TokenBucket {
  readonly #perMilli: number;
  readonly #burst: number;
  #tokens: number;
  #filled = 0;

  constructor(perSecond = 1000, burst = 50) {
    this.#perMilli = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes one token if there is one. */
  take(now: number): boolean {
    if (now > this.#filled) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filled) * this.#perMilli);
      this.#filled = now;
    }
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
