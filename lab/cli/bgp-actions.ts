import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AnnounceRequest, BgpControl, ShutdownRequest } from '../../agents/control/bgp.ts';
import type { Family } from '../../protocol/bgp/family.ts';
import { HexReader, looksLikeText } from './bgp-decode-hex.ts';
import { type TargetOptions, withSpeaker } from './bgp-target.ts';
import { type CliContext, printJson, say } from './context.ts';
import { UsageError } from './errors.ts';
import { gather, wholeNumber } from './parsers.ts';

/** Options that other commands have as well. */
interface Shared {
  readonly target: (command: Command) => Command;
  readonly family: (text?: string) => Option;
}

interface InjectOptions extends TargetOptions {
  readonly raw?: string;
  readonly peer?: string;
  readonly family?: Family;
  readonly nextHop?: string;
  readonly community?: readonly string[];
  readonly med?: number;
  readonly localPref?: number;
  readonly origin?: NonNullable<AnnounceRequest['origin']>;
  readonly asPath?: readonly number[];
}

/** What --family is for where a route is given. */
const OF_ROUTE = 'address family of the route (default: what it looks like)';

/** Commands that change something. */
export function registerActions(bgp: Command, context: CliContext, { target, family }: Shared): void {
  const run = async (
    command: Command,
    done: string,
    work: (speaker: BgpControl) => Promise<void>,
  ): Promise<void> => {
    const options = command.optsWithGlobals<TargetOptions>();
    await withSpeaker(context, options, work);
    if (options.format === 'json') printJson(context, {});
    else say(context, options, `podwire: ${done}`);
  };

  target(
    bgp
      .command('inject')
      .description('announce an own route; or write raw bytes to a session, well-formed or not')
      .argument('[prefix]', 'prefix, or EVPN route in text'),
  )
    .addOption(family(OF_ROUTE))
    .option('--next-hop <address>', "next hop (default: the speaker's address on each session)")
    .option('--community <community>', 'community of any kind; may be given several times', gather)
    .option('--med <n>', 'MULTI_EXIT_DISC', wholeNumber(0, 0xffff_ffff))
    .option('--local-pref <n>', 'LOCAL_PREF', wholeNumber(0, 0xffff_ffff))
    .option('--origin <origin>', 'ORIGIN: igp, egp or incomplete', origin)
    .option('--as-path <asns>', 'AS_PATH, such as "65001 65002"', asPath)
    .option('--raw <hex>', 'bytes of messages as hex digits, or a file with them (- reads standard input)')
    .option('--peer <peer>', 'whose session gets the raw bytes')
    .action(async (prefix: string | undefined, _options: object, command: Command) => {
      const options = command.optsWithGlobals<InjectOptions>();
      if (options.raw !== undefined) {
        const { peer } = options;
        if (prefix !== undefined || peer === undefined) {
          throw new UsageError(
            'raw bytes go to a peer and have no prefix: inject --raw HEX|FILE --peer PEER',
          );
        }
        const hex = rawHex(options.raw);
        await run(command, `wrote ${hex.length / 2} bytes to ${peer}`, (speaker) =>
          speaker.sendRaw({ peer, hex }),
        );
        return;
      }
      if (prefix === undefined) throw new UsageError('give a prefix, or raw bytes with --raw');
      await run(command, `announced ${prefix}`, (speaker) => speaker.announce(announcement(prefix, options)));
    });

  target(
    bgp.command('withdraw').description('withdraw an own route').argument('<prefix>', 'as it was announced'),
  )
    .addOption(family(OF_ROUTE))
    .action(async (prefix: string, _options: object, command: Command) => {
      await run(command, `withdrew ${prefix}`, (speaker) =>
        speaker.withdraw({ prefix, ...chosenFamily(command) }),
      );
    });

  target(
    bgp
      .command('clear')
      .description('reset a session; with --soft judge or send its routes again instead')
      .argument('<peer>', 'name, address or node'),
  )
    .addOption(new Option('--soft <direction>', 'without ending the session').choices(['in', 'out']))
    .action(async (peer: string, { soft }: { soft?: 'in' | 'out' }, command: Command) => {
      await run(command, `cleared ${peer}${soft === undefined ? '' : `, soft ${soft}`}`, (speaker) =>
        speaker.clear({ peer, how: soft ?? 'reset' }),
      );
    });

  target(
    bgp
      .command('refresh')
      .description('ask a peer for all its routes again (ROUTE-REFRESH)')
      .argument('<peer>', 'name, address or node'),
  )
    .addOption(family())
    .action(async (peer: string, _options: object, command: Command) => {
      await run(command, `asked ${peer} for its routes`, (speaker) =>
        speaker.refresh({ peer, ...chosenFamily(command) }),
      );
    });

  target(
    bgp
      .command('shutdown')
      .description('end a session until it is enabled again')
      .argument('<peer>', 'name, address or node'),
  )
    .option('--message <text>', "for the peer's operator (shutdown communication, RFC 9003)")
    .option(
      '--graceful [seconds]',
      'first announce all with GRACEFUL_SHUTDOWN (RFC 8326), default 5 s',
      graceful,
    )
    .option('--hard', 'the peer shall not keep our routes, whatever graceful restart says (RFC 8538)')
    .action(async (peer: string, options: Omit<ShutdownRequest, 'peer'>, command: Command) => {
      const { message, graceful, hard } = options as { graceful?: number | true } & Omit<
        ShutdownRequest,
        'peer' | 'graceful'
      >;
      await run(command, `shut down ${peer}`, (speaker) =>
        speaker.shutdown({
          peer,
          ...(message === undefined ? {} : { message }),
          ...(graceful === undefined ? {} : { graceful: graceful === true ? GRACE : graceful }),
          ...(hard === undefined ? {} : { hard }),
        }),
      );
    });

  target(
    bgp
      .command('enable')
      .description('start a session that was shut down')
      .argument('<peer>', 'name, address or node'),
  ).action(async (peer: string, _options: object, command: Command) => {
    await run(command, `enabled ${peer}`, (speaker) => speaker.enable({ peer }));
  });
}

/** Seconds for which a graceful shutdown waits. */
const GRACE = 5;

const graceful = wholeNumber(0, 86_400);

function chosenFamily(command: Command): { readonly family?: Family } {
  const { family } = command.optsWithGlobals<{ readonly family?: Family }>();
  return family === undefined ? {} : { family };
}

function announcement(
  prefix: string,
  { family, nextHop, community, med, localPref, origin, asPath }: InjectOptions,
): AnnounceRequest {
  const all = { family, nextHop, communities: community, med, localPref, origin, asPath };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return { prefix, ...Object.fromEntries(given) };
}

/** In any case of letters, as the speaker's file has it in small ones. */
function origin(text: string): NonNullable<AnnounceRequest['origin']> {
  const name = text.toUpperCase();
  if (name === 'IGP' || name === 'EGP' || name === 'INCOMPLETE') return name;
  throw new InvalidArgumentError('Expected igp, egp or incomplete.');
}

function asPath(text: string): readonly number[] {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 0 || !words.every((word) => /^\d+$/.test(word) && Number(word) <= 0xffff_ffff)) {
    throw new InvalidArgumentError('Expected AS numbers such as "65001 65002".');
  }
  return words.map(Number);
}

/** Octets in hex: from digits as `podwire bgp decode` takes them, or from a file of digits or of the octets themselves. */
function rawHex(text: string): string {
  try {
    const direct = hexOf(Buffer.from(text), text);
    if (direct !== '') return direct;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
  let content: Uint8Array;
  try {
    content = readFileSync(text === '-' ? 0 : text);
  } catch (error) {
    throw new UsageError(
      `--raw ${text} is neither hex digits nor a file: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
  return looksLikeText(content) ? hexOf(content, text) : Buffer.from(content).toString('hex');
}

/** @throws UsageError that says where `text` is not hex. */
function hexOf(text: Uint8Array, what: string): string {
  const reader = new HexReader(what);
  const octets = reader.push(text);
  reader.end();
  return Buffer.from(octets).toString('hex');
}
