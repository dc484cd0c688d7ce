import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseAddress } from '../../protocol/ip/prefix.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { UsageError } from './errors.ts';
import { hostAndPort, wholeNumber } from './parsers.ts';

/** Options of `podwire bgp generate`. */
export interface GenerateOptions extends GlobalOptions {
  readonly routes: number;
  readonly ipv6: number;
  readonly seed: number;
  readonly as: number;
  readonly content: 'rib' | 'updates' | 'text';
  readonly output?: string;
  readonly nextHop: string;
  readonly nextHop6: string;
  readonly time: number;
  readonly to?: { readonly address: string; readonly port: number };
  readonly local?: string;
  readonly asn?: number;
  readonly once?: boolean;
}

const MAX_ROUTES = 10_000_000;
/** Monday, 1 January 2024. */
const DEFAULT_TIME = 1_704_067_200;

/** `podwire bgp generate --routes N ...` */
export function registerGenerate(bgp: Command, context: CliContext): void {
  bgp
    .command('generate')
    .description('make up a routing table like those of the Internet: as an MRT file, or on a session')
    .option('--routes <n>', 'IPv4 prefixes', wholeNumber(0, MAX_ROUTES), 1000)
    .option('--ipv6 <n>', 'IPv6 prefixes', wholeNumber(0, MAX_ROUTES), 0)
    .option('--seed <n>', 'the same seed makes the same table', wholeNumber(0, 2 ** 51), 1)
    .option(
      '--as <asn>',
      'AS that the table is seen from, first in every path',
      wholeNumber(1, 4294967295),
      64496,
    )
    .addOption(
      new Option(
        '--content <content>',
        'a table (TABLE_DUMP_V2), the messages that announce it (BGP4MP), or text',
      )
        .choices(['rib', 'updates', 'text'])
        .default('rib'),
    )
    .option(
      '-o, --output <file>',
      'file to write, compressed where its name ends in .gz (default: standard output)',
    )
    .option(
      '--next-hop <address>',
      'next hop of IPv4, and address of the peer in the file',
      address(4),
      '192.0.2.1',
    )
    .option('--next-hop6 <address>', 'next hop of IPv6', address(16), '2001:db8::1')
    .option('--time <seconds>', 'when the table was, since 1970', wholeNumber(0, 0xffff_ffff), DEFAULT_TIME)
    .option('--to <host:port>', 'announce the table on a session to this speaker, until Ctrl-C', hostAndPort)
    .option('--local <address>', 'with --to: own address')
    .option('--asn <asn>', 'with --to: own AS (default: that of --as)', wholeNumber(1, 4294967295))
    .option('--once', 'with --to: end once everything is sent')
    .addHelpText('after', EXAMPLES)
    .action(async (_options: object, command: Command) => {
      const options = command.optsWithGlobals<GenerateOptions>();
      if (options.to === undefined) {
        for (const name of ['local', 'asn', 'once'] as const) {
          if (options[name] !== undefined) throw new UsageError(`--${name} goes with --to`);
        }
        await (await import('./bgp-generate-file.ts')).generateFile(context, options);
        return;
      }
      if (options.output !== undefined) throw new UsageError('give --output or --to, not both');
      await (await import('./bgp-generate-session.ts')).generateSession(context, options, options.to);
    });
}

function address(size: 4 | 16): (text: string) => string {
  return (text) => {
    if (parseAddress(text)?.length === size) return text;
    throw new InvalidArgumentError(`Expected an IPv${size === 4 ? 4 : 6} address.`);
  };
}

const EXAMPLES = `
Examples:
  podwire bgp generate --routes 1000000 --ipv6 200000 --seed 7 -o rib.mrt.gz
  podwire bgp generate --routes 1000 --content text
  podwire bgp generate --routes 1000000 --to 127.0.0.2:179 --local 127.0.0.1 --asn 65001`;
