import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import type { UdpPort, UdpSocket } from '../ports.ts';

/** UDP port of VXLAN (RFC 7348 §8), also Calico's default. */
export const VXLAN_PORT = 4789;

/** How many sockets, and so outer source ports, carry the flow entropy of one VTEP. */
const ENTROPY_SOCKETS = 4;

/**
 * The UDP side of a VTEP on ordinary sockets: receives on port 4789 of the host's own address, sends from a few
 * ephemeral ports between which the forwarder chooses by flow, so that ECMP and NIC queues see different flows
 * (RFC 7348 §5).
 */
export class Vtep {
  readonly #udp: UdpPort;
  readonly #address: string;
  readonly #senders = new Map<number, UdpSocket>();
  #receiver: UdpSocket | undefined;

  constructor(udp: UdpPort, address: string) {
    this.#udp = udp;
    this.#address = address;
  }

  /** Binds address:4789 and the source ports. Rejects with a PortError naming address and cause. */
  async open(receive: (payload: Uint8Array, remote: string) => void): Promise<void> {
    const options = { noChecksum: true };
    const local = { address: this.#address, port: VXLAN_PORT };
    this.#receiver = await this.#udp.bind(local, options, (bytes, remote) => receive(bytes, remote.address));
    const senders = Array.from({ length: ENTROPY_SOCKETS }, () =>
      this.#udp.bind({ address: this.#address, port: 0 }, options, () => {
        // VXLAN is never answered to the source port.
      }),
    );
    for (const sender of await Promise.all(senders)) this.#senders.set(sender.local.port, sender);
  }

  /** Ports that `send` can send from. */
  get sourcePorts(): readonly number[] {
    return [...this.#senders.keys()];
  }

  /** Sends a VXLAN payload to a VTEP from one of the {@link sourcePorts}. */
  send(payload: Uint8Array, remote: number, sourcePort: number): void {
    this.#senders.get(sourcePort)?.send(payload, { address: formatIpv4(remote), port: VXLAN_PORT });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#senders.values()].map((sender) => sender.close()));
    await this.#receiver?.close();
  }
}
