import { formatIpv4 } from '../../protocol/ip/ipv4.ts';
import type { Endpoint, UdpPort, UdpSocket } from '../ports.ts';

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
  readonly #sockets: UdpSocket[] = [];
  readonly #senders = new Map<number, UdpSocket>();
  /** Remote VTEPs as the sockets want them: there are as many as FDB entries, but packets are many. */
  readonly #remotes = new Map<number, Endpoint>();
  #closed = false;

  constructor(udp: UdpPort, address: string) {
    this.#udp = udp;
    this.#address = address;
  }

  /**
   * Binds address:4789 and the source ports. Rejects with a PortError naming address and cause, or where it was closed
   * meanwhile; nothing is left bound then.
   */
  async open(receive: (payload: Uint8Array, remote: string) => void): Promise<void> {
    try {
      await this.#bind(VXLAN_PORT, (bytes, remote) => receive(bytes, remote.address));
      const senders = Array.from({ length: ENTROPY_SOCKETS }, () =>
        this.#bind(0, () => {
          // VXLAN is never answered to the source port.
        }),
      );
      for (const sender of await settled(senders)) this.#senders.set(sender.local.port, sender);
      if (this.#closed) throw new Error(`VXLAN on ${this.#address} was closed while it opened`);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ports that `send` can send from. */
  get sourcePorts(): readonly number[] {
    return [...this.#senders.keys()];
  }

  /** Sends a VXLAN payload to a VTEP from one of the {@link sourcePorts}. */
  send(payload: Uint8Array, remote: number, sourcePort: number): void {
    let endpoint = this.#remotes.get(remote);
    if (endpoint === undefined) {
      endpoint = { address: formatIpv4(remote), port: VXLAN_PORT };
      this.#remotes.set(remote, endpoint);
    }
    this.#senders.get(sourcePort)?.send(payload, endpoint);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#senders.clear();
    await Promise.all(this.#sockets.splice(0).map((socket) => socket.close()));
  }

  async #bind(port: number, onMessage: Parameters<UdpPort['bind']>[2]): Promise<UdpSocket> {
    const local = { address: this.#address, port };
    const socket = await this.#udp.bind(local, { noChecksum: true }, onMessage);
    this.#sockets.push(socket);
    return socket;
  }
}

/** All results, or the first failure when none is pending any more. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
