/** One peer's session machine joined to TCP and timers. */
import type { Family } from '../../protocol/bgp/family.ts';
import type { UpdateMessage } from '../../protocol/bgp/message/update.ts';
import { DEFAULT_HOLD_TIME, DEFAULT_TIMING, type Negotiated } from '../../protocol/bgp/session/config.ts';
import type { SessionInput, SessionOutput } from '../../protocol/bgp/session/event.ts';
import { Session } from '../../protocol/bgp/session/session.ts';
import type { SessionState } from '../../protocol/bgp/session/state.ts';
import type { Clock, Log, Random, TcpConnection, TcpHandler, TcpPort, Timer } from '../ports.ts';
import type { PeerConfig } from './types.ts';

/** TCP port of BGP, RFC 4271 §8.2.1. */
export const BGP_PORT = 179;

/** How long a peer may take to close its side after ours is closed. ms */
const CLOSE_TIMEOUT = 1000;

export interface SpeakerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly tcp: TcpPort;
  readonly log: Log;
}

/** Whom a session tells what happened; called while it handles an input. */
export interface PeerSessionOwner {
  state(session: PeerSession, state: SessionState): void;
  established(session: PeerSession, negotiated: Negotiated, localAddress: string): void;
  down(session: PeerSession): void;
  /** NLRI in the message is a view, valid during the call. */
  update(session: PeerSession, message: UpdateMessage): void;
  refresh(session: PeerSession, family: Family): void;
}

export class PeerSession {
  /** Shown parts of it may change; what matters to the session does not. */
  config: PeerConfig;
  readonly machine: Session;
  lastError: string | undefined;
  /** Wall-clock nanoseconds of the last change into or out of Established. */
  since: bigint;
  readonly #ports: SpeakerPorts;
  readonly #owner: PeerSessionOwner;
  readonly #connections = new Map<number, TcpConnection>();
  readonly #timers = new Map<string, Timer>();
  /** Connections that came up. */
  readonly #open = new WeakSet<TcpConnection>();
  /** Connections that are closing, and what waits for the last one. */
  readonly #closing = new Map<TcpConnection, Timer | undefined>();
  #drained: (() => void) | undefined;
  #accepted = 0;
  #up: TcpConnection | undefined;
  #busy = false;
  #waiting: SessionInput[] = [];

  constructor(
    config: PeerConfig,
    local: { readonly asn: number; readonly routerId: number },
    ports: SpeakerPorts,
    owner: PeerSessionOwner,
  ) {
    this.config = config;
    this.#ports = ports;
    this.#owner = owner;
    this.since = ports.clock.wallNanos();
    this.machine = new Session({
      localAs: local.asn,
      localId: local.routerId,
      peerAs: config.asn,
      holdTime: config.holdTime ?? DEFAULT_HOLD_TIME,
      passive: config.passive ?? false,
      families: config.families ?? ['ipv4-unicast'],
      ...DEFAULT_TIMING,
    });
  }

  /** Our end of the established connection. */
  get localAddress(): string | undefined {
    return this.#up?.local.address;
  }

  start(): void {
    this.#handle({ kind: 'start' });
  }

  /** Ends the session with a Cease of this subcode; resolves when its connections are closed. */
  async stop(subcode: number): Promise<void> {
    this.#handle({ kind: 'stop', subcode });
    if (this.#closing.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Takes a connection from this peer. */
  accept(connection: TcpConnection): TcpHandler {
    this.#accepted += 2;
    const number = this.#accepted;
    this.#connections.set(number, connection);
    this.#open.add(connection);
    const handler = this.#handler(number, connection);
    this.#handle({ kind: 'accepted', connection: number });
    return handler;
  }

  /** Sends UPDATE messages on the established connection. */
  send(chunks: readonly Uint8Array[], messages: number): void {
    if (this.#up === undefined) return;
    for (const chunk of chunks) this.#up.write(chunk);
    this.#handle({ kind: 'updates-sent', messages });
  }

  #handler(number: number, connection: TcpConnection | undefined): TcpHandler {
    return {
      onConnect: () => {
        this.#open.add(this.#connections.get(number)!);
        this.#handle({ kind: 'connected', connection: number });
      },
      onData: (bytes) => this.#handle({ kind: 'received', connection: number, bytes }),
      onClose: (error) => {
        const closed = this.#connections.get(number) ?? connection;
        this.#connections.delete(number);
        if (closed !== undefined) this.#closed(closed);
        const reason = error === undefined ? undefined : `TCP ${error}`;
        this.#handle({ kind: 'closed', connection: number, ...(reason === undefined ? {} : { reason }) });
      },
    };
  }

  #closed(connection: TcpConnection): void {
    this.#closing.get(connection)?.cancel();
    if (!this.#closing.delete(connection) || this.#closing.size > 0) return;
    this.#drained?.();
    this.#drained = undefined;
  }

  /** Feeds the machine; what arrives while its outputs are carried out waits its turn. */
  #handle(input: SessionInput): void {
    if (this.#busy) {
      this.#waiting.push(input.kind === 'received' ? { ...input, bytes: input.bytes.slice() } : input);
      return;
    }
    this.#busy = true;
    try {
      for (const output of this.machine.handle(input, this.#ports.clock.now())) this.#carryOut(output);
    } finally {
      this.#busy = false;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) this.#handle(next);
  }

  #carryOut(output: SessionOutput): void {
    switch (output.kind) {
      case 'dial':
        this.#dial(output.connection);
        return;
      case 'send':
        this.#connections.get(output.connection)?.write(output.bytes);
        return;
      case 'close':
        this.#close(output.connection);
        return;
      case 'arm':
        this.#arm(output);
        return;
      case 'cancel':
        this.#cancel(`${output.direction}/${output.timer}`);
        return;
      case 'error':
        this.lastError = output.reason;
        this.#ports.log.debug({ reason: output.reason }, 'BGP session error');
        return;
      case 'state':
        this.#owner.state(this, output.state);
        return;
      case 'established':
        this.#established(output.connection, output.negotiated);
        return;
      case 'down':
        this.#up = undefined;
        this.since = this.#ports.clock.wallNanos();
        this.#ports.log.warn({ reason: output.reason }, 'BGP session down');
        this.#owner.down(this);
        return;
      case 'update':
        this.#logFaults(output.message);
        this.#owner.update(this, output.message);
        return;
      case 'refresh':
        this.#owner.refresh(this, output.family);
    }
  }

  #established(connection: number, negotiated: Negotiated): void {
    this.#up = this.#connections.get(connection);
    this.lastError = undefined;
    this.since = this.#ports.clock.wallNanos();
    this.#ports.log.info({ address: this.config.address, as: negotiated.peerAs }, 'BGP session established');
    this.#owner.established(this, negotiated, this.#up!.local.address);
  }

  #dial(number: number): void {
    const { address, localAddress } = this.config;
    const remote = { address, port: this.config.port ?? BGP_PORT };
    const handler = this.#handler(number, undefined);
    const options = localAddress === undefined ? {} : { localAddress };
    this.#connections.set(number, this.#ports.tcp.connect(remote, options, handler));
  }

  /** Lets what was written go out, but does not wait for a peer that does not close. */
  #close(number: number): void {
    const connection = this.#connections.get(number);
    if (connection === undefined) return;
    if (!this.#open.has(connection)) {
      this.#closing.set(connection, undefined);
      connection.destroy();
      return;
    }
    const timer = this.#ports.clock.setTimer(CLOSE_TIMEOUT, () => connection.destroy());
    this.#closing.set(connection, timer);
    connection.end();
  }

  #arm(output: SessionOutput & { readonly kind: 'arm' }): void {
    const { direction, timer, delay, jittered } = output;
    const key = `${direction}/${timer}`;
    this.#cancel(key);
    // RFC 4271 §10: a factor between 0.75 and 1, new each time.
    const wait = jittered ? delay * (0.75 + 0.25 * this.#ports.random.float()) : delay;
    const pending = this.#ports.clock.setTimer(wait, () => {
      this.#timers.delete(key);
      this.#handle({ kind: 'timer', direction, timer });
    });
    this.#timers.set(key, pending);
  }

  #cancel(key: string): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  #logFaults(message: UpdateMessage): void {
    for (const { outcome, reason } of message.faults)
      this.#ports.log.warn({ outcome, reason }, 'BGP UPDATE fault');
  }
}
