import type { Command } from 'commander';
import type { Endpoint } from '../../agents/ports.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { hostAndPort } from './parsers.ts';

/** What the command line says of a speaker. */
export interface SpeakerOptions extends GlobalOptions {
  readonly config: string;
  readonly load?: string;
  readonly asPeer?: string;
  readonly metrics?: Endpoint;
}

/** `podwire speaker --config FILE` */
export function register(program: Command, context: CliContext): void {
  program
    .command('speaker')
    .description(
      'run one BGP speaker until SIGTERM; SIGHUP reads its file again, SIGUSR1 dumps its routes, SIGUSR2 ends it for a restart',
    )
    .requiredOption('--config <file>', 'YAML file of the speaker (docs/speaker-file.md)')
    .option(
      '--load <file>',
      'MRT file of a table whose routes it is to have, compressed or not (docs/mrt.md)',
    )
    .option('--as-peer <address>', 'whose routes of the table (default: the only peer of the table)')
    .option('--metrics <host:port>', 'serve metrics for Prometheus there (docs/metrics.md)', hostAndPort)
    .action(async (_options: object, command: Command) => {
      const { runSpeaker } = await import('./speaker-run.ts');
      await runSpeaker(context, command, command.optsWithGlobals<SpeakerOptions>());
    });
}
