import type { Command } from 'commander';
import { type CliContext, type GlobalOptions, say } from './context.ts';

interface Options extends GlobalOptions {
  readonly all?: boolean;
}

/** `podwire down [--name LAB | --all]` */
export function register(program: Command, context: CliContext): void {
  program
    .command('down')
    .description('take a lab down and remove what crashed labs left; no error where none runs')
    .option('-a, --all', 'all labs that run')
    .action(async (_options: object, command: Command) => {
      await down(context, command.optsWithGlobals<Options>());
    });
}

async function down(context: CliContext, options: Options): Promise<void> {
  const labs = await context.labs();
  const dead = await labs.cleanDeadLabs();
  for (const name of dead) say(context, options, `podwire: removed what lab ${name} left when it crashed`);
  const running = (await labs.listLabs()).map(({ name }) => name);
  const wanted = options.all === true ? running : running.filter((name) => name === (options.name ?? name));
  if (wanted.length === 0) {
    const which = options.name === undefined ? 'no lab' : `no lab ${options.name}`;
    if (!dead.includes(options.name ?? '')) say(context, options, `podwire: ${which} runs, nothing to do`);
    return;
  }
  // Without a name and with several labs running, openLab says which there are.
  const names: readonly (string | undefined)[] =
    options.all === true || options.name !== undefined ? wanted : [undefined];
  for (const name of names) {
    const lab = await labs.openLab(name);
    try {
      await lab.down();
    } finally {
      lab.close();
    }
    say(context, options, `podwire: lab ${lab.name} is down`);
  }
}
