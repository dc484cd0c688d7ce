import { formatMac, parseMac } from '../../protocol/ethernet/mac.ts';
import { EmulatedHost } from '../../protocol/host/host.ts';
import type { HostOutput } from '../../protocol/host/output.ts';
import { formatIpv4, parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { IPV4_MAX_LENGTH } from '../../protocol/ipv4/header.ts';
import type { Clock, FrameDevice, Timer } from '../ports.ts';
import { runPodCommand } from './commands.ts';
import type { EchoPort, EchoReply, Output, Pod, PodFactory, PodNetwork } from './types.ts';

export type Datagram = Extract<HostOutput, { kind: 'datagram' }>;

/**
 * A pod whose IP stack is podwire's own: the host machine of `protocol/host` joined to a clock, with its wire end as
 * a frame device. Needs no privilege and runs everywhere.
 */
export class EmulatedPod implements Pod {
  readonly kind = 'emulated';
  readonly netns = null;
  readonly uts = null;
  readonly host: EmulatedHost;
  readonly device: FrameDevice;
  readonly echo: EchoPort;
  readonly #clock: Clock;
  readonly #replies = new Set<(reply: EchoReply) => void>();
  readonly #datagrams = new Map<number, (datagram: Datagram) => void>();
  #receive: ((frame: Uint8Array) => void) | undefined;
  #timer: Timer | undefined;
  #due: number | undefined;
  #closed = false;
  #echoId = 0;

  constructor(network: PodNetwork, clock: Clock) {
    this.#clock = clock;
    this.host = new EmulatedHost({
      mac: parseMac(network.mac),
      address: parseIpv4(network.address),
      gateway: parseIpv4(network.gateway),
      mtu: network.mtu,
    });
    this.device = {
      name: 'eth0',
      mac: formatMac(this.host.mac),
      write: (frame) => {
        if (!this.#closed) this.#act(this.host.handle(frame, clock.now()));
      },
      onFrame: (receive) => {
        this.#receive = receive;
      },
      close: () => this.close(),
    };
    this.echo = {
      send: (destination, identifier, sequence, data, timeToLive, dontFragment) => {
        const ping = {
          destination: parseIpv4(destination),
          identifier,
          sequence,
          data,
          timeToLive,
          dontFragment,
        };
        this.#request(() => this.host.ping(ping, clock.now()));
      },
      onReply: (listener) => {
        this.#replies.add(listener);
        return () => this.#replies.delete(listener);
      },
    };
  }

  readonly exec = (
    command: readonly string[],
    output: Output,
    signal: AbortSignal,
    input: Uint8Array | undefined,
  ): Promise<number> => runPodCommand(this, command, { output, signal, input, clock: this.#clock });

  /**
   * Opens an ephemeral UDP port; returns how to send from it and how to close it. `send` throws an Error where the
   * pod's own stack refuses the datagram. `receive` must not throw: it is called from the packet path.
   */
  openUdp(receive: (datagram: Datagram) => void): {
    readonly send: (address: number, port: number, data: Uint8Array) => void;
    readonly close: () => void;
  } {
    const sourcePort = this.host.openUdp();
    this.#datagrams.set(sourcePort, receive);
    return {
      send: (destination, destinationPort, data) => {
        const datagram = { destination, destinationPort, sourcePort, data };
        this.#request(() => this.host.sendUdp(datagram, this.#clock.now()));
      },
      close: () => {
        this.#datagrams.delete(sourcePort);
        this.host.closeUdp(sourcePort);
      },
    };
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** An identifier for echo requests that no other command of this pod uses now. */
  nextEchoId(): number {
    this.#echoId = (this.#echoId + 1) & 0xffff;
    return this.#echoId;
  }

  /** Does what somebody in the pod asks for. @throws Error where the stack refuses it, as errno would say. */
  #request(work: () => readonly HostOutput[]): void {
    if (this.#closed) throw new Error('network is down');
    const outputs = work();
    this.#act(outputs);
    const refused = outputs.find((output) => output.kind === 'too-big');
    if (refused === undefined) return;
    const { length, mtu } = refused;
    const limit = length > IPV4_MAX_LENGTH ? `IPv4 carries ${IPV4_MAX_LENGTH}` : `path MTU ${mtu}`;
    throw new Error(`message too long: ${length} bytes, ${limit}`);
  }

  #act(outputs: readonly HostOutput[]): void {
    for (const output of outputs) this.#one(output);
    this.#armTimer();
  }

  #one(output: HostOutput): void {
    switch (output.kind) {
      case 'frame':
        this.#receive?.(output.frame);
        return;
      case 'echo-reply': {
        const { identifier: id, sequence, timeToLive: ttl, bytes } = output;
        this.#reply({ from: formatIpv4(output.from), type: 0, code: 0, id, sequence, ttl, bytes });
        return;
      }
      case 'icmp-error': {
        const { type, code, mtu, quoted } = output;
        if (quoted.identifier === undefined || quoted.sequence === undefined) return;
        const about = { id: quoted.identifier, sequence: quoted.sequence, ttl: 0, bytes: 0 };
        const reply = { from: formatIpv4(output.from), type, code, ...about };
        this.#reply(mtu === 0 ? reply : { ...reply, mtu });
        return;
      }
      case 'datagram':
        this.#datagrams.get(output.port)?.(output);
        return;
      case 'too-big':
        // Whoever asked for it is told by #request; an answer that is too long is lost, as in any host.
        return;
    }
  }

  #reply(reply: EchoReply): void {
    for (const listener of this.#replies) listener(reply);
  }

  #armTimer(): void {
    const due = this.#closed ? undefined : this.host.nextTimeout();
    if (due === this.#due) return;
    this.#timer?.cancel();
    this.#due = due;
    if (due === undefined) return;
    this.#timer = this.#clock.setTimer(Math.max(0, due - this.#clock.now()), () => {
      this.#due = undefined;
      this.#act(this.host.handleTimeout(this.#clock.now()));
    });
  }
}

/** Makes emulated pods. */
export function emulatedPods(clock: Clock): PodFactory {
  return { create: async (_, network) => new EmulatedPod(network, clock) };
}
