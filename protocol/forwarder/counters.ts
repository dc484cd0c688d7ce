import type { DropReason, PortId } from './types.ts';

/** Packets and bytes of a port; bytes are of what crossed the port (frame, VXLAN payload, IPv4 packet). */
export interface PortCounters {
  readonly id: PortId;
  readonly name: string;
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly txPackets: number;
  readonly txBytes: number;
}

/** A snapshot of all counters. */
export interface ForwarderCounters {
  readonly drops: Readonly<Record<DropReason, number>>;
  readonly ports: readonly PortCounters[];
  readonly arpReplies: number;
  readonly echoReplies: number;
  readonly icmpErrors: number;
  /** ICMP errors not sent because of the rate limit. */
  readonly icmpErrorsSuppressed: number;
}

/** One counter per reason, all 0. */
export function noDrops(): Record<DropReason, number> {
  return {
    malformed: 0,
    'bad-checksum': 0,
    'spoofed-source': 0,
    blackhole: 0,
    'no-route': 0,
    'no-neighbor': 0,
    'no-fdb': 0,
    'ttl-exceeded': 0,
    'fragmentation-needed': 0,
    'unknown-vni': 0,
    'wrong-vtep-mac': 0,
    'unknown-vtep': 0,
    'wrong-mac': 0,
    martian: 0,
    'no-such-port': 0,
    'not-supported': 0,
  };
}
