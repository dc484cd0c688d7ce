import type { Command } from 'commander';
import type { CliContext, GlobalOptions } from './context.ts';
import { EXIT, ExitWith } from './errors.ts';

/** `podwire mrt ...` */
export function register(program: Command, context: CliContext): void {
  const mrt = program
    .command('mrt')
    .description('look at MRT files: tables and messages as routers and route collectors dump them')
    .usage('COMMAND [OPTION...]')
    .helpCommand(false);
  mrt
    .command('cat')
    .description('print a file, one line per route as bgpdump -m does, or as JSON')
    .argument('<file|->', 'MRT file, compressed with gzip or bzip2 or not; - is standard input')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, _options: object, command: Command) => {
      const { catMrt } = await import('./mrt-cat.ts');
      const faults = await catMrt(context, file, command.optsWithGlobals<GlobalOptions>());
      if (faults > 0) throw new ExitWith(EXIT.failed);
    });
}

const EXAMPLES = `
Exit code 1 says that a record is damaged. --format json prints one object per line (docs/mrt.md).

Examples:
  podwire mrt cat rib.20240101.0000.bz2
  podwire mrt cat updates.gz --format json | jq -r 'select(.kind == "W") | .prefix'
  curl -s https://example.net/rib.gz | podwire mrt cat -`;
