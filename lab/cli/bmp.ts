import { type Command, Option } from 'commander';
import type { CliContext, GlobalOptions } from './context.ts';
import { EXIT, ExitWith } from './errors.ts';
import { hostAndPort, wholeNumber } from './parsers.ts';

/** Options of `podwire bmp listen`. */
export interface BmpListenOptions extends GlobalOptions {
  readonly listen: { readonly address: string; readonly port: number };
  readonly write?: string;
  readonly count?: number;
  readonly once?: boolean;
  readonly fields?: boolean;
}

/** BMP has no port of its own; this one is what many collectors take. */
const DEFAULT_LISTEN = '127.0.0.1:11019';

/** `podwire bmp ...` */
export function register(program: Command, context: CliContext): void {
  const bmp = program
    .command('bmp')
    .description('look at what routers tell about their BGP sessions with BMP, the BGP Monitoring Protocol')
    .usage('COMMAND [OPTION...]')
    .helpCommand(false);
  bmp
    .command('listen')
    .description('take connections from routers and print what they tell, one line each, until Ctrl-C')
    .addOption(
      new Option('--listen <host:port>', 'where to take connections')
        .argParser(hostAndPort)
        .default(hostAndPort(DEFAULT_LISTEN), DEFAULT_LISTEN),
    )
    .option('-w, --write <file>', 'write the connections to this file too, as pcapng')
    .option('-c, --count <n>', 'end after so many BMP messages', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--once', 'end when the first router has closed its connection')
    .option('--fields', 'print every field of each message under its lines, with its octets')
    .addHelpText('after', EXAMPLES)
    .action(async (_options: object, command: Command) => {
      const { listenBmp } = await import('./bmp-listen.ts');
      const malformed = await listenBmp(context, command.optsWithGlobals<BmpListenOptions>());
      if (malformed > 0) throw new ExitWith(EXIT.failed);
    });
}

const EXAMPLES = `
+ is a route that came or changed, - one that went; in-pre and in-post are what a peer sent before and after the import
policy, out-post what it was sent, loc-rib the best routes. Exit code 1 says that a message was malformed. --format json
prints one object per line (docs/bmp.md).

Examples:
  podwire bmp listen --listen 0.0.0.0:11019
  podwire bmp listen --once --format json | jq -r 'select(.event == "announce") | .prefix'
  podwire bmp listen --write bmp.pcapng; wireshark -d tcp.port==11019,bmp bmp.pcapng`;
