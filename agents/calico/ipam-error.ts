/** Addresses could not be given out or taken back; one line that names node, pool or address, and the cause. */
export class IpamError extends Error {
  override readonly name = 'IpamError';
  readonly reason: 'node' | 'pool' | 'exhausted' | 'block-limit' | 'claim' | 'address';

  constructor(reason: IpamError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
