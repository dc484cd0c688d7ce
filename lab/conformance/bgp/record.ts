/** What happened in a test, in order: the report shows it as lines, the capture as packets. */

/** One thing that a connection did, as it went through the socket. */
export interface WireEvent {
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  readonly what: 'opened' | 'sent' | 'received' | 'ended' | 'closed';
  readonly octets?: Uint8Array;
  /** With `closed`: an error code, absent after an orderly end. */
  readonly error?: string | undefined;
}

/** One TCP connection between tester and target. */
export interface WireConnection {
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  /** Whether the tester dialled. */
  readonly dialled: boolean;
  readonly events: WireEvent[];
}

export interface RecordLine {
  /** Milliseconds since the test began. */
  readonly at: number;
  readonly direction: 'sent' | 'received' | 'event';
  /** Label of the identity; empty for what concerns none. */
  readonly peer: string;
  readonly text: string;
}

export class TestRecord {
  readonly lines: RecordLine[] = [];
  readonly connections: WireConnection[] = [];
  readonly #begin = performance.now();

  add(direction: RecordLine['direction'], peer: string, text: string): void {
    this.lines.push({ at: Math.round(performance.now() - this.#begin), direction, peer, text });
  }
}
