import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import type { Log, UdpPort, UdpSocket } from '../ports.ts';

/** UDP port of VXLAN (RFC 7348 §8), also Calico's default. */
export const VXLAN_PORT = 4789;

/** How many sockets, and so outer source ports, carry the flow entropy of one VTEP. */
const ENTROPY_SOCKETS = 8;

/**
 * The UDP side of a VTEP on ordinary sockets: receives on port 4789 of the host's own address, sends from a few
 * ephemeral ports chosen by the flow hash, so that ECMP and NIC queues see different flows (RFC 7348 §5).
 */
export class Vtep {
  readonly #udp: UdpPort;
  readonly #address: string;
  readonly #log: Log;
  readonly #senders = new Map<number, UdpSocket | Promise<UdpSocket>>();
  #receiver: UdpSocket | undefined;
  #closed = false;

  constructor(udp: UdpPort, address: string, log: Log) {
    this.#udp = udp;
    this.#address = address;
    this.#log = log;
  }

  /** Binds address:4789. Rejects with a PortError naming address and cause. */
  async open(receive: (payload: Uint8Array, remote: string) => void): Promise<void> {
    this.#receiver = await this.#udp.bind(
      { address: this.#address, port: VXLAN_PORT },
      { noChecksum: true },
      (bytes, remote) => receive(bytes, remote.address),
    );
  }

  /**
   * Sends a VXLAN payload to a VTEP. `sourcePort` is the flow's preferred outer port: it picks one of the sockets.
   * The first packets of a flow leave from port 4789 until its socket is bound, instead of being held back.
   */
  send(payload: Uint8Array, remote: number, sourcePort: number): void {
    const remoteEnd = { address: formatIpv4(remote), port: VXLAN_PORT };
    const index = sourcePort % ENTROPY_SOCKETS;
    const sender = this.#senders.get(index);
    if (sender !== undefined && !(sender instanceof Promise)) {
      sender.send(payload, remoteEnd);
      return;
    }
    if (sender === undefined) this.#bindSender(index);
    this.#receiver?.send(payload, remoteEnd);
  }

  #bindSender(index: number): void {
    const binding = this.#udp.bind({ address: this.#address, port: 0 }, { noChecksum: true }, () => {
      // Nothing is addressed to an entropy port; VXLAN has no replies to the source port.
    });
    this.#senders.set(index, binding);
    binding.then(
      (socket) => {
        if (this.#closed) void socket.close();
        else this.#senders.set(index, socket);
      },
      (error: Error) => this.#log.warn({ error: error.message }, 'no socket for flow entropy'),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    const senders = await Promise.allSettled(this.#senders.values());
    await Promise.all(senders.map((each) => (each.status === 'fulfilled' ? each.value.close() : undefined)));
    await this.#receiver?.close();
  }
}
