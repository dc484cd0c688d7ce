import { Command, CommanderError, Option } from 'commander';
import { COMMANDS } from './commands.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { EXIT, explainError } from './errors.ts';
import { labName } from './parsers.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/**
 * The command line with the commands that are needed: the one that the arguments name, or all of them.
 */
export async function buildProgram(context: CliContext, wanted?: string): Promise<Command> {
  const program = new Command('podwire')
    .description('Kubernetes pod networks at the level of protocol bytes: real BGP, real VXLAN.')
    .usage('COMMAND [OPTION...]')
    .option('--name <lab>', 'lab to act on; needed where several run', labName)
    .addOption(new Option('--log-level <level>', 'how much to log').choices(LOG_LEVELS).default('info'))
    .addOption(
      new Option('--format <format>', 'how to print results')
        // What `bgp decode` prints is no table.
        .choices(wanted === 'bgp' ? ['table', 'text', 'json'] : ['table', 'json'])
        .default('table'),
    )
    .option('--no-color', 'no colours (as NO_COLOR; FORCE_COLOR forces them)')
    .option('-q, --quiet', 'only results and errors')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help of a command')
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) =>
        write(
          `podwire: ${text
            .replace(/^error: /, '')
            .trim()
            .replaceAll('\n', ' ')}\n`,
        ),
    });
  // Completion is about all commands.
  const one = wanted !== undefined && wanted !== '__complete' && Object.hasOwn(COMMANDS, wanted);
  const names = one ? [wanted] : Object.keys(COMMANDS);
  for (const name of names) {
    (await COMMANDS[name]!.load()).register(program, context);
  }
  program.addHelpText('after', EXAMPLES);
  return program;
}

const EXAMPLES = `
Examples:
  podwire up                              three hosts and two route reflectors, until Ctrl-C
  podwire up lab.yaml -d                  in the background, once it has converged
  podwire inspect bgp                     sessions, as calicoctl shows them
  podwire ping web-1 web-2                between pods of different hosts
  podwire capture -w - | wireshark -k -i -
`;

/** The command's name among the arguments: the first that is no option and no value of one. */
function commandName(args: readonly string[]): string | undefined {
  const withValue = ['--name', '--log-level', '--format'];
  for (let i = 0; i < args.length; i++) {
    if (withValue.includes(args[i]!)) i++;
    else if (!args[i]!.startsWith('-')) return args[i];
  }
  return undefined;
}

/** Runs one command line (without `node` and script). Returns the exit code; never throws. */
export async function run(args: readonly string[], context: CliContext): Promise<number> {
  let program: Command | undefined;
  let reached: Command | undefined;
  const name = commandName(args);
  try {
    program = await buildProgram(context, name);
    reached = program;
    onSubcommands(program, (command) => {
      reached = command;
    });
    await program.parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return commanderExit(error, reached, name, context);
    const debug =
      program?.opts<GlobalOptions>().logLevel === 'debug' ||
      program?.opts<GlobalOptions>().logLevel === 'trace';
    const { lines, exitCode } = explainError(error, debug);
    for (const line of lines) context.stderr.write(`${line}\n`);
    return exitCode;
  }
}

/** Tells each command that the arguments lead to, from the outermost on. */
function onSubcommands(command: Command, listener: (subcommand: Command) => void): void {
  command.hook('preSubcommand', (_command, subcommand) => listener(subcommand));
  for (const each of command.commands) onSubcommands(each, listener);
}

/**
 * Help that was asked for is no error; everything else that commander throws is wrong usage.
 * @param reached the innermost command that was understood.
 * @param wanted name of the command among the arguments, which may come behind what was not understood.
 */
function commanderExit(
  error: CommanderError,
  reached: Command | undefined,
  wanted: string | undefined,
  context: CliContext,
): number {
  if (error.exitCode === 0) return EXIT.ok;
  if (error.code !== 'commander.help') {
    const names: string[] = [];
    for (let at = reached ?? null; at !== null; at = at.parent) names.unshift(at.name());
    if (names.length === 1 && wanted !== undefined && Object.hasOwn(COMMANDS, wanted)) names.push(wanted);
    const dashes = names[1] === 'exec' && error.code === 'commander.unknownOption';
    const hint = dashes ? '; the command of the pod goes after --' : '';
    context.stderr.write(`podwire: see '${names.join(' ')} --help'${hint}\n`);
  }
  return EXIT.usage;
}
