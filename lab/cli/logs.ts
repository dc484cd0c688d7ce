import type { Command } from 'commander';
import { type CliContext, type GlobalOptions, paintFor, print } from './context.ts';
import { CliError } from './errors.ts';
import { followLines, readLines } from './log-file.ts';
import { levelNumber, parseLogLine, prettyLogLine } from './log-line.ts';
import { gather, wholeNumber } from './parsers.ts';
import { withLab } from './targets.ts';

interface Options extends GlobalOptions {
  readonly follow?: boolean;
  readonly node?: readonly string[];
  readonly tail?: number;
}

/** `podwire logs [-f] [--node N]` */
export function register(program: Command, context: CliContext): void {
  program
    .command('logs')
    .description('show what the agents of a lab logged; --log-level hides what is less important')
    .option('-f, --follow', 'go on until the lab ends or Ctrl-C')
    .option('--node <node>', 'only this node; may be given several times', gather)
    .option('--tail <n>', 'begin with the last n lines', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .action(async (_options: object, command: Command) => {
      await logs(context, command.optsWithGlobals<Options>(), {
        level: command.getOptionValueSourceWithGlobals('logLevel') !== 'default',
        format: command.getOptionValueSourceWithGlobals('format') !== 'default',
      });
    });
}

/** @param given which options the person gave, for those whose default depends. */
async function logs(
  context: CliContext,
  options: Options,
  given: { readonly level: boolean; readonly format: boolean },
): Promise<void> {
  const file = await withLab(context, options, async (lab) => {
    if ((await lab.info()).runtime === 'compose') {
      throw new CliError(
        `lab ${lab.name} runs under Docker Compose, which has its logs: docker compose logs`,
      );
    }
    return (await context.labs()).logFile(lab.name);
  });
  const pretty = given.format ? options.format === 'table' : context.stdout.isTTY === true;
  const paint = paintFor(context, 'stdout', options);
  const nodes = options.node?.flatMap((name) => name.split(','));
  const least = given.level ? levelNumber(options.logLevel) : 0;
  const wanted = (line: string): boolean => {
    const entry = parseLogLine(line);
    if (entry === undefined) return nodes === undefined;
    return entry.level >= least && (nodes === undefined || nodes.includes(entry.node ?? ''));
  };
  const show = (line: string): void => {
    const entry = pretty ? parseLogLine(line) : undefined;
    print(context, entry === undefined ? line : prettyLogLine(entry, paint));
  };
  const { lines, end } = readLog(file);
  const past = lines.filter(wanted);
  for (const line of options.tail === undefined ? past : past.slice(Math.max(0, past.length - options.tail)))
    show(line);
  if (options.follow !== true) return;
  await followLines(file, end, context.interrupted(), (line) => {
    if (wanted(line)) show(line);
  });
}

function readLog(file: string): ReturnType<typeof readLines> {
  try {
    return readLines(file);
  } catch (error) {
    throw new CliError(`cannot read the log ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
