import type { FrameDevice } from '../ports.ts';

/** A pod as the lab file declares it. */
export interface PodSpec {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: 'linux' | 'emulated';
  /** A fixed address of the pool instead of the next free one. */
  readonly address?: string;
  /** Name of the pool to take the address from; absent: any that selects this node. */
  readonly pool?: string;
}

/** What IPAM and the node decided for a pod's eth0. */
export interface PodNetwork {
  readonly address: string;
  readonly mac: string;
  readonly mtu: number;
  /** Always 169.254.1.1 with Calico: answered by the host's proxy ARP. */
  readonly gateway: string;
}

/** An echo reply, or an ICMP error about one of our echo requests. */
export interface EchoReply {
  readonly from: string;
  readonly type: number;
  readonly code: number;
  readonly id: number;
  readonly sequence: number;
  /** Of the reply; 0 in errors of an emulated pod. */
  readonly ttl: number;
  /** Length of the reply's ICMP message, header included, as ping counts; 0 in errors of an emulated pod. */
  readonly bytes: number;
  /** Next-hop MTU of a fragmentation-needed error. */
  readonly mtu?: number;
}

/** Sends echo requests out of a pod's own IP stack. */
export interface EchoPort {
  /**
   * @param dontFragment refuse instead of fragmenting what exceeds the path MTU, as `ping -M do` does.
   * @throws Error where the pod's own stack refuses at once (no route, message too long).
   */
  send(
    destination: string,
    id: number,
    sequence: number,
    payload: Uint8Array,
    ttl: number,
    dontFragment: boolean,
  ): void;
  /** Returns the function that ends the subscription. `listener` must not throw: it is called from the packet path. */
  onReply(listener: (reply: EchoReply) => void): () => void;
}

export type Output = (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void;

/** A running pod: the host's end of its eth0, and ways to act from inside it. */
export interface Pod {
  readonly kind: 'linux' | 'emulated';
  readonly device: FrameDevice;
  readonly echo: EchoPort;
  /** Paths of the network and UTS namespaces for setns(2); null for emulated pods. */
  readonly netns: string | null;
  readonly uts: string | null;
  /** Runs a built-in command; undefined where real commands can be run in the namespace instead. */
  readonly exec?: (
    command: readonly string[],
    output: Output,
    signal: AbortSignal,
    input: Uint8Array | undefined,
  ) => Promise<number>;
  close(): void;
}

/** Makes pods of one kind. */
export interface PodFactory {
  /** Rejects with one line naming the cause, with nothing left behind. */
  create(spec: PodSpec, network: PodNetwork): Promise<Pod>;
}

/** `namespace/name`: how pods are named on the command line and in tables. */
export function podName(spec: { readonly namespace: string; readonly name: string }): string {
  return `${spec.namespace}/${spec.name}`;
}
