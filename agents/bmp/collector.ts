/** The connection to one collector: dials until it is there, tells it everything, and what changes (RFC 7854 §3). */
import { writeInitiation } from '../../protocol/bmp/initiation.ts';
import type { RouteTime } from '../../protocol/bmp/monitoring-writer.ts';
import { reasonTlv, writeTermination } from '../../protocol/bmp/termination.ts';
import { textTlv } from '../../protocol/bmp/tlv.ts';
import { SYS_DESCR, SYS_NAME } from '../../protocol/bmp/types.ts';
import type { BgpSpeaker } from '../bgp/speaker.ts';
import type { Clock, Log, Millis, Random, TcpConnection, TcpPort, Timer } from '../ports.ts';
import { RouteFeed } from './route-feed.ts';
import { SessionSource } from './session-source.ts';
import { bmpTime } from './time.ts';
import type { BmpCollectorConfig, BmpIdentity } from './types.ts';

/** Waits between two attempts: the first, and the longest. Each is twice the one before. ms */
const FIRST_RETRY = 1000;
const LONGEST_RETRY = 60_000;
/** A connection that lasted so long was sound. ms */
const SOUND_AFTER = 10_000;
/** Longest time that goes into writing in one turn of the event loop. ms */
const SLICE = 5;
/** Octets of changes that may wait for a collector that does not read. */
const DEFAULT_LIMIT = 32 << 20;
/** A collector that has taken nothing for so long is given up. ms */
const STALL_TIMEOUT = 120_000;
/** How often a full connection is looked at. ms */
const LOOK = 5000;
/** How long the collector may take to close its side after ours is closed. ms */
const CLOSE_TIMEOUT = 1000;
const DEFAULT_STATISTICS = 60;

/** What collectors need of the world. */
export interface BmpPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly tcp: TcpPort;
  readonly log: Log;
}

/** What is common to all collectors of a speaker. */
export interface BmpContext {
  readonly speaker: BgpSpeaker;
  readonly ports: BmpPorts;
  readonly identity: BmpIdentity;
  /** When the speaker began. */
  readonly since: RouteTime;
  /** Octets of changes that may wait; default 32 MiB. */
  readonly limit?: number;
}

/** A connection that is up. */
interface Up {
  readonly feed: RouteFeed;
  readonly source: SessionSource;
  readonly at: Millis;
}

export class Collector {
  readonly config: BmpCollectorConfig;
  readonly #context: BmpContext;
  readonly #log: Log;
  #connection: TcpConnection | undefined;
  #up: Up | undefined;
  #retry: Timer | undefined;
  #retryDelay = FIRST_RETRY;
  /** The last attempt found no collector. */
  #missed = false;
  #turn: Timer | undefined;
  #blocked = false;
  #look: Timer | undefined;
  #statistics: Timer | undefined;
  #statisticsDue = false;
  #running = true;
  #closed: (() => void) | undefined;
  #overflows = 0;

  /** Dials at once. */
  constructor(config: BmpCollectorConfig, context: BmpContext) {
    this.config = config;
    this.#context = context;
    const { address, port } = config;
    const collector = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    this.#log = context.ports.log.child({ collector });
    this.#dial();
  }

  /** Says why in a Termination, and closes the connection; resolves when it is closed. */
  async close(reason: number): Promise<void> {
    this.#running = false;
    this.#retry?.cancel();
    const connection = this.#connection;
    if (connection === undefined) return;
    const closed = new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
    if (this.#up === undefined) connection.destroy();
    else {
      const { feed, source } = this.#up;
      source.close(this.#now());
      feed.writeControls();
      writeTermination(feed.out, [reasonTlv(reason)]);
      this.#flush(feed);
      connection.end();
    }
    const timer = this.#context.ports.clock.setTimer(CLOSE_TIMEOUT, () => connection.destroy());
    await closed;
    timer.cancel();
  }

  #dial(): void {
    const { address, port, localAddress } = this.config;
    const options = localAddress === undefined ? {} : { localAddress };
    this.#connection = this.#context.ports.tcp.connect({ address, port }, options, {
      onConnect: () => this.#connected(),
      // RFC 7854 §3.3: a collector has nothing to say.
      onData: () => undefined,
      onDrain: () => this.#drained(),
      onClose: (error) => this.#lost(error),
    });
  }

  #connected(): void {
    const { speaker, ports, identity, since, limit = DEFAULT_LIMIT } = this.#context;
    this.#log.info({}, 'BMP collector connected');
    const feed = new RouteFeed(speaker.table.monitor(), limit);
    writeInitiation(feed.out, [textTlv(SYS_DESCR, identity.sysDescr), textTlv(SYS_NAME, identity.sysName)]);
    const { routes = ['pre-policy'] } = this.config;
    const source = new SessionSource(
      speaker,
      feed,
      routes,
      since,
      () => this.#now(),
      () => this.#schedule(),
    );
    this.#overflows = 0;
    this.#up = { feed, source, at: ports.clock.now() };
    this.#schedule();
    this.#armStatistics();
  }

  #lost(error: string | undefined): void {
    const { clock, random } = this.#context.ports;
    const up = this.#up;
    up?.source.close(this.#now());
    this.#up = undefined;
    this.#connection = undefined;
    this.#blocked = false;
    for (const timer of [this.#turn, this.#look, this.#statistics]) timer?.cancel();
    this.#turn = undefined;
    this.#closed?.();
    if (!this.#running) return;
    const reason = error ?? 'closed by the collector';
    if (up !== undefined) this.#log.warn({ reason }, 'BMP collector lost');
    // Said once, not with every attempt.
    else if (this.#missed) this.#log.debug({ reason }, 'no BMP collector');
    else this.#log.info({ reason }, 'no BMP collector yet');
    this.#missed = up === undefined;
    if (up !== undefined && clock.now() - up.at >= SOUND_AFTER) this.#retryDelay = FIRST_RETRY;
    const wait = this.#retryDelay * (0.75 + 0.25 * random.float());
    this.#retryDelay = Math.min(this.#retryDelay * 2, LONGEST_RETRY);
    this.#retry = clock.setTimer(wait, () => this.#dial());
  }

  #schedule(): void {
    if (this.#turn !== undefined || this.#blocked || this.#up === undefined || !this.#running) return;
    this.#turn = this.#context.ports.clock.setTimer(0, () => {
      this.#turn = undefined;
      this.#write();
    });
  }

  /** One turn: as much as goes into a piece, or the time allows. */
  #write(): void {
    if (this.#up === undefined || this.#blocked) return;
    const { clock } = this.#context.ports;
    const { feed } = this.#up;
    const until = clock.now() + SLICE;
    feed.write(() => clock.now() >= until);
    if (this.#statisticsDue) {
      this.#statisticsDue = false;
      feed.statistics(this.#now());
    }
    if (feed.overflows > this.#overflows) {
      this.#overflows = feed.overflows;
      this.#log.warn({}, 'BMP collector reads too slowly: it gets the tables anew instead of each change');
    }
    this.#flush(feed);
    if (feed.pending) this.#schedule();
  }

  #flush({ out }: RouteFeed): void {
    if (out.position === 0) return;
    const room = this.#connection!.write(out.finish());
    out.position = 0;
    if (room || this.#blocked) return;
    this.#blocked = true;
    this.#watch(this.#context.ports.clock.now(), this.#connection?.queued ?? 0);
  }

  /** @param since when the connection last took something. @param queued what waited for it then. */
  #watch(since: Millis, queued: number): void {
    const { clock } = this.#context.ports;
    this.#look = clock.setTimer(LOOK, () => {
      const now = this.#connection?.queued ?? 0;
      if (now < queued) this.#watch(clock.now(), now);
      else if (clock.now() - since < STALL_TIMEOUT) this.#watch(since, queued);
      else {
        this.#log.warn({ seconds: STALL_TIMEOUT / 1000 }, 'BMP collector takes nothing, it is given up');
        this.#connection?.destroy();
      }
    });
  }

  #drained(): void {
    this.#blocked = false;
    this.#look?.cancel();
    if (this.#up?.feed.pending || this.#statisticsDue) this.#schedule();
  }

  #armStatistics(): void {
    const { statistics = DEFAULT_STATISTICS } = this.config;
    if (statistics === 0) return;
    this.#statistics = this.#context.ports.clock.setTimer(statistics * 1000, () => {
      this.#armStatistics();
      this.#statisticsDue = true;
      this.#schedule();
    });
  }

  #now(): RouteTime {
    return bmpTime(this.#context.ports.clock.wallNanos());
  }
}
