/** What of a speaker a collector is told. */

/** Tables: Adj-RIB-In before and after import (RFC 7854), Adj-RIB-Out as sent (RFC 8671), best routes (RFC 9069). */
export type BmpTable = 'pre-policy' | 'post-policy' | 'adj-rib-out' | 'loc-rib';

/** A collector (RFC 7854 calls it a monitoring station) that a speaker connects to. */
export interface BmpCollectorConfig {
  readonly address: string;
  readonly port: number;
  /** Source address; default as the system chooses. */
  readonly localAddress?: string | undefined;
  /** Tables to send; default `pre-policy`. */
  readonly routes?: readonly BmpTable[] | undefined;
  /** Seconds from one Statistics Report to the next; 0: none. Default 60. */
  readonly statistics?: number | undefined;
}

/** Who the speaker says that it is. */
export interface BmpIdentity {
  /** Name of the machine or lab node. */
  readonly sysName: string;
  /** What runs there. */
  readonly sysDescr: string;
}
