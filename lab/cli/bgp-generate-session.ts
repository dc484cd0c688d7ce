import { PeerSession, type PeerSessionOwner } from '../../agents/bgp/peer-session.ts';
import type { PeerConfig } from '../../agents/bgp/types.ts';
import { systemClock } from '../../agents/io/clock.ts';
import { systemRandom } from '../../agents/io/random.ts';
import { nodeTcp } from '../../agents/io/tcp.ts';
import { openLog } from '../../agents/log.ts';
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import type { Family } from '../../protocol/bgp/family.ts';
import { FAMILIES } from '../../protocol/bgp/family.ts';
import { ADMINISTRATIVE_SHUTDOWN } from '../../protocol/bgp/message/notification.ts';
import { encodeUpdate } from '../../protocol/bgp/message/update.ts';
import type { Negotiated } from '../../protocol/bgp/session/negotiated.ts';
import { parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { writeEndOfRib } from '../mrt/table-dump.ts';
import { generateTable } from '../mrt/table-generator.ts';
import { updatePieces } from '../mrt/table-updates.ts';
import type { GenerateOptions } from './bgp-generate.ts';
import { nextHopsOf } from './bgp-generate-file.ts';
import { type CliContext, printJson, say } from './context.ts';
import { CliError } from './errors.ts';

/** Own identifier where the own address is no IPv4 address. */
const DEFAULT_ID = '192.0.2.1';
/** LOCAL_PREF within an AS, as all implementations have it. */
const DEFAULT_LOCAL_PREF = 100;

/**
 * Announces the table on a session, as fast as the other side takes it, and stays until Ctrl-C.
 * @throws CliError where the session ends by itself, or agrees on less than the table needs.
 */
export async function generateSession(
  context: CliContext,
  options: GenerateOptions,
  to: { readonly address: string; readonly port: number },
): Promise<void> {
  const signal = context.interrupted();
  const { log, flush } = openLog('stderr', options.logLevel === 'info' ? 'error' : options.logLevel, {});
  const families: Family[] = options.ipv6 > 0 ? ['ipv4-unicast', 'ipv6-unicast'] : ['ipv4-unicast'];
  const config: PeerConfig = {
    name: `${to.address}:${to.port}`,
    ...to,
    asn: 'any',
    families,
    ...(options.local === undefined ? {} : { localAddress: options.local }),
  };
  const identity = {
    asn: options.asn ?? options.as,
    routerId: parseIpv4(options.local?.includes('.') ? options.local : DEFAULT_ID),
    restarting: false,
  };
  const feed = new SessionFeed(options);
  const ports = { clock: systemClock(), random: systemRandom(), tcp: nodeTcp(), log };
  const session = new PeerSession(config, identity, ports, feed);
  feed.session = session;
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve());
  });
  try {
    session.start();
    await Promise.race([feed.sent, aborted]);
    if (!signal.aborted) {
      report(context, options, feed);
      if (options.once !== true) await Promise.race([feed.failed, aborted]);
    }
  } finally {
    feed.over = true;
    await session.stop({ subcode: ADMINISTRATIVE_SHUTDOWN });
    flush();
  }
}

function report(context: CliContext, options: GenerateOptions, feed: SessionFeed): void {
  const { routes, messages, octets, seconds } = feed;
  if (options.format === 'json') printJson(context, { routes, messages, octets, seconds });
  else
    say(context, options, `podwire: ${routes} routes in ${messages} messages sent, ${seconds.toFixed(2)} s`);
}

/** Sends the table once the session is there. */
class SessionFeed implements PeerSessionOwner {
  session: PeerSession | undefined;
  /** The end of the session is no failure any more. */
  over = false;
  routes = 0;
  messages = 0;
  octets = 0;
  seconds = 0;
  /** Everything is written; rejects where the session ends before. */
  readonly sent: Promise<void>;
  /** Never resolves; rejects where the session ends. */
  readonly failed: Promise<never>;
  readonly #options: GenerateOptions;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #writable = true;
  #resume: (() => void) | undefined;

  constructor(options: GenerateOptions) {
    this.#options = options;
    this.failed = new Promise<never>((_resolve, reject) => {
      this.#reject = reject;
    });
    const sent = new Promise<void>((resolve) => {
      this.#resolve = resolve;
    });
    this.sent = Promise.race([sent, this.failed]);
    // Whoever waits hears of it; nobody may be waiting any more.
    this.failed.catch(() => undefined);
  }

  established(negotiated: Negotiated): void {
    this.#send(negotiated).catch((error: unknown) => this.#reject(error as Error));
  }

  writable(writable: boolean): void {
    this.#writable = writable;
    if (!writable) return;
    this.#resume?.();
    this.#resume = undefined;
  }

  down({ reason }: { readonly reason: string }): void {
    if (!this.over) this.#reject(new CliError(`the session ended: ${reason}`));
    this.#resume?.();
  }

  state(): void {}
  update(): void {}
  refresh(): void {}
  refreshing(): void {}
  fault(): void {}

  async #send(negotiated: Negotiated): Promise<void> {
    const { routes, ipv6, seed } = this.#options;
    if (!negotiated.sendContext.fourOctetAs)
      throw new CliError('the peer does not know AS numbers of 4 octets');
    const carries = (family: Family): boolean => negotiated.families.includes(family);
    const internal = negotiated.peerType === 'internal';
    const asn = this.#options.asn ?? this.#options.as;
    const table = generateTable({
      ipv4: carries('ipv4-unicast') ? routes : 0,
      ipv6: carries('ipv6-unicast') ? ipv6 : 0,
      seed,
      asn: internal ? this.#options.as : asn,
      ...(internal ? { localPref: DEFAULT_LOCAL_PREF } : {}),
    });
    const started = performance.now();
    // In a turn of its own, after everything that a session coming up entails.
    await new Promise(setImmediate);
    for (const piece of updatePieces(table, nextHopsOf(this.#options))) {
      if (this.over) return;
      this.session!.send([piece.bytes], piece.messages);
      this.routes += piece.routes;
      this.messages += piece.messages;
      this.octets += piece.bytes.length;
      await this.#room();
    }
    for (const family of negotiated.families) this.session!.send([endOfRib(family)], 1);
    await this.#room();
    this.seconds = (performance.now() - started) / 1000;
    this.#resolve();
  }

  /** KEEPALIVEs and what the peer sends have their turn, and a full connection gets empty. */
  async #room(): Promise<void> {
    await new Promise(setImmediate);
    if (this.#writable) return;
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
  }
}

/** End-of-RIB, RFC 4724 §2. */
function endOfRib(family: Family): Uint8Array {
  if (family === 'ipv4-unicast') {
    const writer = new ByteWriter(32);
    writeEndOfRib(writer);
    return writer.finish();
  }
  const none = new Uint8Array(0);
  const { afi, safi } = FAMILIES[family];
  const attributes = { mpUnreach: { afi, safi, nlri: none } };
  return encodeUpdate({ withdrawn: none, attributes, nlri: none }, { fourOctetAs: true });
}
