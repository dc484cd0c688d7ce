import type { Command } from 'commander';
import { type CliContext, type GlobalOptions, print, printJson } from './context.ts';
import { packageVersion } from './package.ts';

/** `podwire version` */
export function register(program: Command, context: CliContext): void {
  program
    .command('version')
    .description('show the version of podwire and of the Node that runs it')
    .action((_options: object, command: Command) => {
      showVersion(context, command.optsWithGlobals<GlobalOptions>().format);
    });
}

export function showVersion(context: CliContext, format: GlobalOptions['format']): void {
  const version = {
    podwire: packageVersion(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
  if (format === 'json') printJson(context, version);
  else print(context, `podwire ${version.podwire} (Node ${version.node}, ${version.platform})`);
}
