/** Port of the echo service (RFC 862). */
export const UDP_ECHO_PORT = 7;

/** Ephemeral ports (RFC 6335 §6). */
const FIRST = 49152;
const LAST = 65535;

/** Which UDP ports of a host are open. */
export class UdpPorts {
  readonly #open = new Set<number>();
  #next = FIRST;

  /** Opens `port`, or the next free ephemeral one. @throws RangeError where it is taken, out of range or none is free. */
  open(port?: number): number {
    const chosen = port ?? this.#ephemeral();
    if (!Number.isInteger(chosen) || chosen < 1 || chosen > 65535) {
      throw new RangeError(`UDP port must be 1 to 65535, not ${chosen}`);
    }
    if (this.#open.has(chosen)) throw new RangeError(`UDP port ${chosen} is already open`);
    this.#open.add(chosen);
    return chosen;
  }

  close(port: number): void {
    this.#open.delete(port);
  }

  isOpen(port: number): boolean {
    return this.#open.has(port);
  }

  #ephemeral(): number {
    for (let tries = FIRST; tries <= LAST; tries++) {
      const port = this.#next;
      this.#next = port === LAST ? FIRST : port + 1;
      if (!this.#open.has(port)) return port;
    }
    throw new RangeError('no ephemeral UDP port is free');
  }
}
