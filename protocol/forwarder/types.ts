/**
 * What the forwarder is told (tables) and what it says (frames, steps). Addresses are unsigned 32-bit integers, MACs
 * are 48-bit unsigned integers held in a number (exact below 2^53).
 */

/** Index of a port of one forwarder. */
export type PortId = number;

/** A pod's interface on the host side (`cali...`). */
export interface WorkloadPort {
  readonly kind: 'workload';
  /** Interface name on the host, e.g. `cali7f94ce7c295`. */
  readonly name: string;
  /** `namespace/pod`, for traces. */
  readonly workload: string;
  /** MAC of the pod's own eth0; frames to the pod carry it as destination. */
  readonly podMac: number;
  /** The pod's addresses; other sources are dropped (Calico's reverse-path check on workload interfaces). */
  readonly addresses: readonly number[];
  readonly mtu: number;
}

/** The VXLAN device (`vxlan.calico`). */
export interface VxlanPort {
  readonly kind: 'vxlan';
  readonly name: string;
  readonly vni: number;
  /** VTEP MAC: source of inner frames sent, required destination of inner frames received. */
  readonly mac: number;
  /** The host's tunnel address (a /32 of a pool); the host answers on it. */
  readonly address: number;
  readonly mtu: number;
}

/** The host's own interface on the underlay (`eth0`), for routes that go out unencapsulated. */
export interface UnderlayPort {
  readonly kind: 'underlay';
  readonly name: string;
  readonly address: number;
  readonly mac: number;
  readonly mtu: number;
}

export type Port = WorkloadPort | VxlanPort | UnderlayPort;

/** Where a table entry came from, so that every decision can be explained to a person. */
export interface Origin {
  /** e.g. `bgp`, `ipam`, `local`, `static`. */
  readonly source: string;
  /** One line, e.g. `BGP from 127.1.0.11 (rr1), next hop 127.1.0.2, originator host2`. */
  readonly detail: string;
}

export type Route =
  /** Deliver to a pod of this host. */
  | { readonly kind: 'workload'; readonly port: PortId; readonly origin: Origin }
  /** Via a gateway behind the VXLAN device: neighbour entry of `gateway` gives the MAC, FDB entry of the MAC the VTEP. */
  | { readonly kind: 'vxlan'; readonly port: PortId; readonly gateway: number; readonly origin: Origin }
  /** Plain, via a neighbour on the underlay. */
  | { readonly kind: 'underlay'; readonly port: PortId; readonly gateway: number; readonly origin: Origin }
  /** Drop silently (Linux `blackhole`): the host's own block, so that free addresses do not loop. */
  | { readonly kind: 'blackhole'; readonly origin: Origin }
  /** An address of the host itself. */
  | { readonly kind: 'local'; readonly origin: Origin };

/**
 * One step that the pipeline took for a traced packet, in order. `at` says where, `text` says it to a person;
 * `fields` holds the same for machines.
 */
export interface TraceStep {
  readonly at:
    | 'port'
    | 'arp'
    | 'route'
    | 'neighbor'
    | 'fdb'
    | 'encap'
    | 'decap'
    | 'ttl'
    | 'fragment'
    | 'icmp'
    | 'deliver'
    | 'drop';
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

/**
 * Which packets are traced: inner IPv4 packets between the addresses, in either direction, and ICMP errors that quote
 * such a packet. What is left out matches anything.
 */
export interface TraceFilter {
  readonly a?: number;
  readonly b?: number;
  /** IP protocol number; for an ICMP error, that of the quoted packet. */
  readonly protocol?: number;
}

/** A packet while it is traced. */
export interface TracedPacket {
  readonly id: bigint;
  /** Inner addresses; of an ARP request, who asks and for whom. */
  readonly source: number;
  readonly destination: number;
  /** Those of the filters that select it. */
  readonly filters: readonly TraceFilter[];
}

/** Receives what the forwarder emits. Buffers are reused: valid only during the call. */
export interface ForwarderSink {
  /** An Ethernet frame to a pod. */
  toWorkload(port: PortId, frame: Uint8Array): void;
  /** A VXLAN payload (VXLAN header + inner frame) for UDP, from `sourcePort` (flow entropy, RFC 7348 §5) to the VTEP. */
  toVtep(payload: Uint8Array, remote: number, sourcePort: number): void;
  /** An IPv4 packet to send unencapsulated to the next hop on the underlay. */
  toUnderlay(packet: Uint8Array, nextHop: number): void;
  /** The step taken for a packet that matches a trace filter; never called when no filter is set. */
  traced?(packetId: bigint, step: TraceStep, packet: TracedPacket): void;
}

/** Why packets were dropped, for counters and traces. */
export type DropReason =
  | 'malformed'
  | 'bad-checksum'
  | 'spoofed-source'
  | 'blackhole'
  | 'no-route'
  | 'no-neighbor'
  | 'no-fdb'
  | 'ttl-exceeded'
  | 'fragmentation-needed'
  | 'unknown-vni'
  | 'wrong-vtep-mac'
  | 'unknown-vtep'
  /** Frame of a pod to another MAC than the gateway's. */
  | 'wrong-mac'
  /** Source or destination that is no host's: 0/8, 127/8, multicast, broadcast. */
  | 'martian'
  /** The port that a frame, VNI or route names is gone. */
  | 'no-such-port'
  | 'not-supported';
