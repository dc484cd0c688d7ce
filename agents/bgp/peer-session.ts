/** One peer's session machine joined to TCP and timers. */
import type { Family } from '../../protocol/bgp/family.ts';
import type { UpdateMessage } from '../../protocol/bgp/message/update.ts';
import type { SessionInput, SessionOutput } from '../../protocol/bgp/session/event.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import { Session } from '../../protocol/bgp/session/session.ts';
import type { SessionState } from '../../protocol/bgp/session/state.ts';
import type { Clock, Endpoint, Log, Random, TcpConnection, TcpHandler, TcpPort, Timer } from '../ports.ts';
import { faultComment } from './fault-log.ts';
import type { SessionTap } from './mrt-updates.ts';
import { type OpenPair, OpenRecorder } from './open-recorder.ts';
import { Outbox } from './outbox.ts';
import { type SessionIdentity, sessionConfig } from './session-config.ts';
import { connectOptions, ttlOf } from './tcp-options.ts';
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
  /** Is shown what the sessions receive. */
  readonly tap?: SessionTap;
}

/** How a session is to end (RFC 4486, RFC 9003, RFC 8538). */
export interface Ending {
  /** Subcode of Cease. */
  readonly subcode: number;
  /** Shutdown communication, for the peer's operator. */
  readonly text?: string;
  /** The peer shall not keep our routes, whatever was agreed about graceful restart. */
  readonly hard?: boolean;
  /** What the peer exceeded, with the subcode for that (RFC 4486 §4). */
  readonly prefixLimit?: { readonly family: Family; readonly limit: number };
  /** No Cease at all: we restart, and the peer shall keep our routes (RFC 4724 §4). */
  readonly silent?: boolean;
}

type Down = SessionOutput & { readonly kind: 'down' };
type Fault = SessionOutput & { readonly kind: 'fault' };

/** Whom a session tells what happened; called while it handles an input. */
export interface PeerSessionOwner {
  state(state: SessionState): void;
  established(negotiated: Negotiated, localAddress: string): void;
  down(down: Down): void;
  /** NLRI in the message is a view, valid during the call. */
  update(message: UpdateMessage): void;
  refresh(family: Family): void;
  /** The peer begins or ends sending all its routes of a family again (RFC 7313). */
  refreshing(family: Family, phase: 'begin' | 'end'): void;
  /** The established connection has room, or not. */
  writable(writable: boolean): void;
  fault(fault: Fault): void;
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
  readonly #opens = new OpenRecorder();
  /** Connections that came up. */
  readonly #open = new WeakSet<TcpConnection>();
  /** Connections that are closing, and what waits for the last one. */
  readonly #closing = new Map<TcpConnection, Timer | undefined>();
  #drained: (() => void)[] = [];
  #accepted = 0;
  #up: Outbox | undefined;
  #upNumber = 0;
  #busy = false;
  #waiting: SessionInput[] = [];

  constructor(config: PeerConfig, identity: SessionIdentity, ports: SpeakerPorts, owner: PeerSessionOwner) {
    this.config = config;
    this.#ports = ports;
    this.#owner = owner;
    this.since = ports.clock.wallNanos();
    this.machine = new Session(sessionConfig(config, identity));
  }

  /** Our end of the established connection. */
  get localAddress(): string | undefined {
    return this.#up?.connection.local.address;
  }

  /** Octets for the established connection that the system has not taken yet. */
  get queued(): number {
    return this.#up?.connection.queued ?? 0;
  }

  /** The two ends of the established connection, and its OPENs; `undefined` without one. */
  get transport():
    | { readonly local: Endpoint; readonly remote: Endpoint; readonly opens: OpenPair }
    | undefined {
    if (this.#up === undefined) return undefined;
    const { local, remote } = this.#up.connection;
    return { local, remote, opens: this.#opens.pair(this.#upNumber) };
  }

  start(): void {
    this.#handle({ kind: 'start' });
  }

  /** Ends the session for good, until the next start; resolves when its connections are closed. */
  async stop(ending: Ending): Promise<void> {
    this.#handle({ kind: 'stop', ...ending });
    if (this.#closing.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained.push(resolve);
    });
  }

  /** Ends the session; it starts again by itself. */
  reset(ending: Ending): void {
    this.#handle({ kind: 'reset', ...ending });
  }

  /**
   * Takes a connection from this peer; `undefined` where it comes from too far away (RFC 5082).
   * @throws PortError where the platform has no TTLs.
   */
  accept(connection: TcpConnection): TcpHandler | undefined {
    if (connection.setTtl?.(ttlOf(this.config)) === false) return undefined;
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

  /** Writes bytes to the established connection, whatever they are. Returns whether there was one. */
  sendRaw(bytes: Uint8Array): boolean {
    this.#up?.write(bytes);
    return this.#up !== undefined;
  }

  /** Sends a ROUTE-REFRESH: a request, or the begin or end of what we send again (RFC 7313 §4). */
  requestRefresh(family: Family, subtype: 0 | 1 | 2 = 0): void {
    this.#handle({ kind: 'request-refresh', family, subtype });
  }

  /** Whether the next OPENs say that we come back from a restart (RFC 4724 §4.1). */
  setRestarting(restarting: boolean): void {
    this.#handle({ kind: 'restarting', restarting });
  }

  /** AS of the peer, as far as it is configured; otherwise 0. */
  get #peerAs(): number {
    return typeof this.config.asn === 'number' ? this.config.asn : 0;
  }

  #handler(number: number, connection: TcpConnection | undefined): TcpHandler {
    return {
      onConnect: () => {
        this.#open.add(this.#connections.get(number)!);
        this.#handle({ kind: 'connected', connection: number });
      },
      onData: (bytes) => {
        this.#ports.tap?.received(
          this.#connections.get(number)!,
          bytes,
          this.#peerAs,
          this.machine.negotiated,
        );
        this.#opens.received(number, bytes);
        this.#handle({ kind: 'received', connection: number, bytes });
      },
      onDrain: () => {
        if (this.#up?.connection === this.#connections.get(number)) this.#up?.drained();
      },
      onClose: (error) => {
        const closed = this.#connections.get(number) ?? connection;
        this.#connections.delete(number);
        this.#opens.forget(number);
        if (closed !== undefined) this.#closed(closed);
        const reason = error === undefined ? undefined : `TCP ${error}`;
        this.#handle({ kind: 'closed', connection: number, ...(reason === undefined ? {} : { reason }) });
      },
    };
  }

  #closed(connection: TcpConnection): void {
    this.#closing.get(connection)?.cancel();
    if (!this.#closing.delete(connection) || this.#closing.size > 0) return;
    const waiting = this.#drained;
    this.#drained = [];
    for (const resolve of waiting) resolve();
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
        this.#opens.sent(output.connection, output.bytes);
        this.#write(output.connection, output.bytes);
        return;
      case 'close':
        this.#close(output.connection, output.abort === true);
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
        this.#owner.state(output.state);
        return;
      case 'established':
        this.#established(output.connection, output.negotiated);
        return;
      case 'down':
        this.#up?.close();
        this.#up = undefined;
        this.since = this.#ports.clock.wallNanos();
        this.#ports.log.warn({ reason: output.reason }, 'BGP session down');
        this.#owner.down(output);
        return;
      case 'update':
        this.#owner.update(output.message);
        return;
      case 'refresh':
        this.#owner.refresh(output.family);
        return;
      case 'begin-refresh':
        this.#owner.refreshing(output.family, 'begin');
        return;
      case 'end-refresh':
        this.#owner.refreshing(output.family, 'end');
        return;
      case 'fault':
        this.#annotate(faultComment(output));
        this.#owner.fault(output);
    }
  }

  /** Where it is captured, a message with faults has what was wrong beside it. */
  #annotate(text: string): void {
    const connection = this.#up?.connection ?? this.#connections.values().next().value;
    connection?.annotate?.(text);
  }

  #write(number: number, bytes: Uint8Array): void {
    const connection = this.#connections.get(number);
    if (this.#up !== undefined && this.#up.connection === connection) this.#up.write(bytes);
    else connection?.write(bytes);
  }

  #established(number: number, negotiated: Negotiated): void {
    const connection = this.#connections.get(number)!;
    this.#upNumber = number;
    this.#up = new Outbox(connection, this.#ports.clock, {
      blocked: () => {
        this.#owner.writable(false);
        this.#handle({ kind: 'blocked', connection: number });
      },
      progressed: () => {
        this.#handle({ kind: 'unblocked', connection: number });
        this.#handle({ kind: 'blocked', connection: number });
      },
      unblocked: () => {
        this.#handle({ kind: 'unblocked', connection: number });
        this.#owner.writable(true);
      },
    });
    this.lastError = undefined;
    this.since = this.#ports.clock.wallNanos();
    this.#ports.log.info({ address: this.config.address, as: negotiated.peerAs }, 'BGP session established');
    this.#owner.established(negotiated, connection.local.address);
  }

  #dial(number: number): void {
    const { address, port = BGP_PORT } = this.config;
    const handler = this.#handler(number, undefined);
    const options = connectOptions(this.config);
    this.#connections.set(number, this.#ports.tcp.connect({ address, port }, options, handler));
  }

  /** Lets what was written go out, but does not wait for a peer that does not close. */
  #close(number: number, abort: boolean): void {
    const connection = this.#connections.get(number);
    if (connection === undefined) return;
    if (abort || !this.#open.has(connection)) {
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
}
