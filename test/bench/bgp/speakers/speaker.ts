// A BGP speaker under test, described once and run as podwire or as one of the others with the same work to do.

export interface SpeakerSpec {
  readonly address: string;
  readonly port: number;
  readonly asn: number;
  readonly version: 4 | 6;
  readonly peers: readonly SpeakerPeer[];
}

export interface SpeakerPeer {
  readonly address: string;
  readonly asn: number;
  /** Routes are reflected to it (RFC 4456). */
  readonly client: boolean;
}

/** A kind of speaker. */
export interface SpeakerKind {
  readonly name: string;
  /** Programs that it needs. */
  readonly programs: readonly string[];
  /** @param probed something looks at its event loop, which costs time at the start. */
  start(spec: SpeakerSpec, probed: boolean): Promise<Speaker>;
}

export interface Speaker {
  readonly pid: number;
  /** From the start of the process until it accepted a connection, ms. */
  readonly startTime: number;
  /**
   * Longest time that its event loop did not turn since the last call, ms, where it has one.
   * @param resolution how often to look from now on, ms; default 1.
   */
  stall?(resolution?: number): Promise<number>;
  /** How long it takes to answer for its sessions, from the start of the command to its end, ms. */
  summary?(): Promise<number>;
  stop(): Promise<void>;
}

/** The IPv6 address that a speaker has as next hop beside its IPv4 one. */
export function ipv6Of(address: string): string {
  return `2001:db8::${address}`;
}
