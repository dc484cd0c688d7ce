/**
 * A scripted peer: one TCP connection of one identity, on which a test sends what it likes and says what must come
 * back. Everything that goes over it is recorded. Waits end on events; what did not come within the profile's reaction
 * time counts as never coming.
 *
 * Messages are consumed in order: an `expect...` looks at those that came after what the last one matched, and passes
 * over others than it wants (KEEPALIVEs, say), except for a NOTIFICATION, which fails it. The routes that the target
 * advertises are kept beside that, see {@link Peer.expectRoute}.
 */

import { describeNotification } from '../../../protocol/bgp/message/notification.ts';
import { AdvertisedRoutes } from './advertised.ts';
import { type AttributeOptions, attributesOf, splitPrefixes } from './announce.ts';
import type { CloseReason, Connection } from './connection.ts';
import type { Identity } from './identity.ts';
import { asnOctetsOf, hasCapability, hasPathIds } from './negotiated.ts';
import type { OwnPrefixes } from './prefixes.ts';
import type { TestRecord } from './record.ts';
import type { Route, RouteEvent } from './route.ts';
import { Failed } from './verdict.ts';
import { mpReach, mpUnreach } from './wire/attributes.ts';
import { keepalive, notification, update } from './wire/build.ts';
import { bytes, hex, type Octets } from './wire/bytes.ts';
import { CAP_EXTENDED_MESSAGE, IPV6_UNICAST } from './wire/capabilities.ts';
import { MessageCutter } from './wire/cutter.ts';
import { describeBody, describeMessage } from './wire/describe.ts';
import {
  type ReadBody,
  type ReadContext,
  type ReadNotification,
  type ReadOpen,
  readMessage,
} from './wire/read.ts';

/** A message from the target. */
export interface Received {
  readonly octets: Uint8Array;
  readonly body: ReadBody;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** A NOTIFICATION that is awaited; without subcode or data: any. */
export type NotificationPattern = readonly [
  code: number,
  subcode?: number | undefined,
  data?: Octets | undefined,
];

export class Peer {
  readonly identity: Identity;
  /** Everything received, in order. */
  readonly received: Received[] = [];
  /** The target's OPEN, once it came. */
  open: ReadOpen | undefined;
  /** The OPEN that we sent, where it could be read. */
  sentOpen: ReadOpen | undefined;
  readonly #connection: Connection;
  readonly #record: TestRecord;
  readonly #prefixes: OwnPrefixes;
  readonly #reactionTime: number;
  readonly #advertised = new AdvertisedRoutes();
  readonly #cutter = new MessageCutter();
  #cursor = 0;
  #keepalives: NodeJS.Timeout | undefined;

  constructor(
    identity: Identity,
    connection: Connection,
    { record, prefixes }: { readonly record: TestRecord; readonly prefixes: OwnPrefixes },
    reactionTime: number,
  ) {
    this.identity = identity;
    this.#connection = connection;
    this.#record = record;
    this.#prefixes = prefixes;
    this.#reactionTime = reactionTime;
    record.add(
      'event',
      identity.label,
      `connected (${connection.local.address} port ${connection.local.port})`,
    );
    connection.onData = (octets) => this.#take(octets);
    connection.onEnd = (reason) => this.#ended(reason);
    connection.start();
  }

  /** Whether AS numbers have 4 octets in both directions (RFC 6793 §4). */
  get asnOctets(): 2 | 4 {
    return asnOctetsOf(this.open, this.sentOpen);
  }

  /** Whether the target takes messages of more than 4096 octets (RFC 8654 §4). */
  get targetTakesExtended(): boolean {
    return hasCapability(this.open, CAP_EXTENDED_MESSAGE);
  }

  /** How the connection ended; undefined while it is there. */
  get closed(): CloseReason | undefined {
    return this.#connection.closed;
  }

  /** Whether the target's OPEN has a capability. */
  targetHas(code: number): boolean {
    return hasCapability(this.open, code);
  }

  // --- sending

  /** Sends octets as they are: a message, several, or part of one. */
  send(octets: Uint8Array): void {
    this.#note(octets);
    this.#connection.send(octets);
  }

  /** Sends one message in pieces, each of them a TCP segment of its own. */
  async sendPieces(pieces: readonly Uint8Array[]): Promise<void> {
    this.#note(bytes(...pieces), ` in ${pieces.length} segments`);
    await this.#connection.sendPieces(pieces);
  }

  /** Sends KEEPALIVEs every `seconds` until {@link stopKeepalives} or the end. */
  startKeepalives(seconds: number): void {
    this.stopKeepalives();
    if (seconds > 0) this.#keepalives = setInterval(() => this.send(keepalive()), seconds * 1000);
  }

  stopKeepalives(): void {
    clearInterval(this.#keepalives);
  }

  /** Announces prefixes (IPv4 or IPv6 unicast, not mixed) with plausible attributes, changed as `options` say. */
  announce(prefixes: string | readonly string[], options: AttributeOptions = {}): void {
    const { list, ipv6 } = splitPrefixes(prefixes);
    const reach = ipv6 ? [mpReach(IPV6_UNICAST, options.nextHop ?? this.identity.nextHop6, list)] : [];
    const attributes = this.attributes(ipv6 ? { ...options, omit: [3, ...(options.omit ?? [])] } : options);
    this.send(update({ attributes: [...reach, ...attributes], nlri: ipv6 ? [] : list }));
  }

  /** The attributes that {@link announce} sends, to be mixed with others: whole octets, in order of type. */
  attributes(options: AttributeOptions = {}): Uint8Array[] {
    return attributesOf(this.identity, this.asnOctets, options);
  }

  withdraw(prefixes: string | readonly string[]): void {
    const { list, ipv6 } = splitPrefixes(prefixes);
    this.send(ipv6 ? update({ attributes: [mpUnreach(IPV6_UNICAST, list)] }) : update({ withdrawn: list }));
  }

  /** Sends FIN, with no NOTIFICATION before it. */
  end(): void {
    this.#event('FIN sent');
    this.stopKeepalives();
    this.#connection.end();
  }

  /** Sends RST: the connection is lost. */
  reset(): void {
    this.#event('RST sent');
    this.stopKeepalives();
    this.#connection.reset();
  }

  /** Stops reading from the connection; {@link resumeReading} goes on. */
  stopReading(): void {
    this.#event('stopped reading');
    this.#connection.pause();
  }

  resumeReading(): void {
    this.#event('reads again');
    this.#connection.resume();
  }

  /** Ends the connection if it is still there, with a Cease so that the target keeps no routes, and waits for its end. */
  async close(): Promise<void> {
    this.stopKeepalives();
    if (this.#connection.closed === undefined) {
      // Administrative reset: unlike a plain loss it ends graceful restart (RFC 4724 §4).
      this.#connection.send(notification(6, 4));
      this.#connection.end();
    }
    await this.#connection.gone(1000);
  }

  // --- waiting

  /**
   * The first message from here on that `match` takes: its result, other than undefined and false.
   * @param what what is awaited, as the object of "expected".
   * @throws Failed where a NOTIFICATION comes, the connection ends, or nothing comes in time.
   */
  async expect<T>(
    what: string,
    match: (message: Received) => T | undefined | false,
    within: number = this.#reactionTime,
  ): Promise<T> {
    const found = await this.#connection.events.until(() => {
      while (this.#cursor < this.received.length) {
        const message = this.received[this.#cursor++]!;
        const result = match(message);
        if (result !== undefined && result !== false) return { result };
        if (message.body.kind === 'notification') {
          throw new Failed(`expected ${what}, got ${this.#describe(message)}`);
        }
      }
      if (this.closed !== undefined) {
        throw new Failed(`expected ${what}, but the target closed the connection${this.#last()}`);
      }
      return undefined;
    }, within);
    if (found !== undefined) return found.result as T;
    throw new Failed(`expected ${what}, but none came within ${within / 1000} s${this.#last()}`);
  }

  expectOpen(within?: number): Promise<ReadOpen> {
    return this.expect('an OPEN', ({ body }) => body.kind === 'open' && body, within);
  }

  expectKeepalive(within?: number): Promise<Received> {
    return this.expect('a KEEPALIVE', (message) => message.body.kind === 'keepalive' && message, within);
  }

  /**
   * A NOTIFICATION with this code and subcode (undefined: any) and, where given, exactly this data.
   * @throws Failed where another one comes, or none.
   */
  expectNotification(
    code: number,
    subcode?: number,
    data?: Octets,
    within?: number,
  ): Promise<ReadNotification> {
    return this.expectOneOf([[code, subcode, data]], within);
  }

  /** As {@link expectNotification} for several that are all right. */
  expectOneOf(wanted: readonly NotificationPattern[], within?: number): Promise<ReadNotification> {
    const fits = (body: ReadNotification): boolean =>
      wanted.some(
        ([code, subcode, data]) =>
          body.code === code &&
          (subcode === undefined || body.subcode === subcode) &&
          (data === undefined || hex(body.data) === hex(bytes(data))),
      );
    return this.expect(
      `NOTIFICATION ${wanted.map(patternText).join(' or ')}`,
      ({ body }) => body.kind === 'notification' && fits(body) && body,
      within,
    );
  }

  /** The NOTIFICATION, then the end of the connection. */
  async expectReset(
    code: number,
    subcode?: number,
    data?: Octets,
    within?: number,
  ): Promise<ReadNotification> {
    const found = await this.expectNotification(code, subcode, data, within);
    await this.expectClose(within);
    return found;
  }

  /** The end of the connection, however it comes. @throws Failed where it does not come in time. */
  async expectClose(within: number = this.#reactionTime): Promise<CloseReason> {
    const reason = await this.#connection.events.until(() => this.closed, within);
    if (reason !== undefined) return reason;
    throw new Failed(`expected the target to close the connection, but it is open after ${within / 1000} s`);
  }

  /**
   * The target is there and has read what we sent before: waits for a KEEPALIVE or UPDATE that comes a second or more
   * from now. (Either of them: a target that sends UPDATEs need not send KEEPALIVEs.)
   * @throws Failed where the session ends instead.
   */
  async expectAlive(what = 'the session to stay up'): Promise<void> {
    const period = (Math.min(this.open?.holdTime ?? 0, this.sentOpen?.holdTime ?? 0) * 1000) / 3;
    const from = performance.now() + 1000;
    await this.expect(
      `${what} (a KEEPALIVE or UPDATE)`,
      ({ body, at }) => (body.kind === 'keepalive' || body.kind === 'update') && at > from,
      2 * period + this.#reactionTime,
    );
  }

  // --- routes that the target advertises

  /**
   * The route to a prefix once the target advertises it (to us) and `where` accepts it; at once where it has.
   * @throws Failed where it does not come in time, or the session ends.
   */
  async expectRoute(
    prefix: string,
    where: (route: Route) => boolean = () => true,
    within: number = this.#reactionTime,
  ): Promise<Route> {
    const found = await this.#connection.events.until(() => {
      const route = this.routesTo(prefix).find(where);
      if (route === undefined) this.#requireOpen(`a route to ${prefix}`);
      return route;
    }, within);
    if (found !== undefined) return found;
    const other = this.routesTo(prefix);
    const seen = other.length === 0 ? '' : `; it has: ${other.map(routeText).join('; ')}`;
    throw new Failed(
      `expected ${this.identity.label} to be sent a route to ${prefix}${other.length > 0 ? ' as wanted' : ''}, but none came within ${within / 1000} s${seen}`,
    );
  }

  /** Resolves when the target advertises no route to the prefix; at once where it does not. @throws Failed */
  async expectNoRoute(prefix: string, within: number = this.#reactionTime): Promise<void> {
    const gone = await this.#connection.events.until(() => {
      if (this.routesTo(prefix).length === 0) return true;
      this.#requireOpen(`the withdrawal of ${prefix}`);
      return undefined;
    }, within);
    if (gone !== true)
      throw new Failed(
        `expected ${prefix} to be withdrawn from ${this.identity.label}, but it is not after ${within / 1000} s`,
      );
  }

  /** What is advertised to us for a prefix now; several only with ADD-PATH. */
  routesTo(prefix: string): Route[] {
    return this.#advertised.to(prefix);
  }

  /** Everything that was said about routes so far, in order. */
  get history(): readonly RouteEvent[] {
    return this.#advertised.history;
  }

  /** What was said about a prefix so far, in order. */
  historyOf(prefix: string): RouteEvent[] {
    return this.history.filter((event) => event.prefix === prefix);
  }

  // --- inside

  #requireOpen(what: string): void {
    if (this.closed === undefined) return;
    throw new Failed(`expected ${what}, but the session of ${this.identity.label} ended${this.#last()}`);
  }

  /** How what came from the target is to be read. */
  get readContext(): ReadContext {
    return { asnOctets: this.asnOctets, addPath: (afi, safi) => this.addPathReceive(afi, safi) };
  }

  /** Whether the target sends path identifiers for a family (RFC 7911 §4): it sends and we receive. */
  addPathReceive(afi: number, safi: number): boolean {
    return hasPathIds(this.open, this.sentOpen, afi, safi);
  }

  /** Whether we must send path identifiers for a family. */
  addPathSend(afi: number, safi: number): boolean {
    return hasPathIds(this.sentOpen, this.open, afi, safi);
  }

  #take(octets: Uint8Array): void {
    this.#cutter.push(octets, (message) => this.#takeMessage(message));
  }

  #takeMessage(octets: Uint8Array): void {
    const body = readMessage(octets, this.readContext);
    if (body.kind === 'open') this.open ??= body;
    if (!this.#isForeign(body)) {
      this.#record.add('received', this.identity.label, describeBody(body, octets, this.readContext));
    }
    if (body.kind === 'update') this.#advertised.take(body, this.asnOctets);
    this.received.push({ octets, body, at: performance.now() });
  }

  /** Whether an UPDATE is about routes of other tests alone, and not worth recording. */
  #isForeign(body: ReadBody): boolean {
    if (body.kind !== 'update' || body.endOfRib !== undefined) return false;
    return [...body.announced, ...body.withdrawn].every(({ prefix }) => this.#prefixes.isForeign(prefix));
  }

  #ended(reason: CloseReason): void {
    this.stopKeepalives();
    this.#advertised.clear();
    if (reason === 'local') return;
    this.#event(reason === 'fin' ? 'FIN received' : reason === 'reset' ? 'RST received' : `lost (${reason})`);
  }

  #event(text: string): void {
    this.#record.add('event', this.identity.label, text);
  }

  /** Records what is sent, and keeps our OPEN where it is one. */
  #note(octets: Uint8Array, suffix = ''): void {
    const own: ReadContext = {
      asnOctets: this.asnOctets,
      addPath: (afi, safi) => this.addPathSend(afi, safi),
    };
    const cutter = new MessageCutter();
    cutter.push(octets, (message) => {
      const body = readMessage(message, own);
      if (body.kind === 'open') this.sentOpen = body;
      this.#record.add('sent', this.identity.label, describeMessage(message, own) + suffix);
    });
    const rest = cutter.rest();
    if (rest.length > 0) this.#record.add('sent', this.identity.label, describeMessage(rest, own) + suffix);
  }

  #describe(message: Received): string {
    return describeBody(message.body, message.octets, this.readContext);
  }

  /** ` (its last word: NOTIFICATION ...)`, or nothing. */
  #last(): string {
    const last = this.received.findLast(({ body }) => body.kind === 'notification');
    if (last?.body.kind !== 'notification') return '';
    return ` (its NOTIFICATION was ${describeNotification(last.body)})`;
  }
}

function patternText([code, subcode, data]: NotificationPattern): string {
  const wanted = data === undefined ? '' : ` with data ${hex(bytes(data)) || 'empty'}`;
  return `${code}/${subcode ?? 'any'}${wanted}`;
}

function routeText(route: Route): string {
  return `path "${route.pathText}" via ${route.nextHopText}${route.pathId === undefined ? '' : ` id ${route.pathId}`}`;
}
