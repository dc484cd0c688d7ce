import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { LogLevel, LogSink } from '../../agents/log.ts';
import type { SpeakerFile } from '../speaker/read-file.ts';
import { type CliContext, type GlobalOptions, paintFor, say } from './context.ts';
import { parseLogLine, prettyLogLine } from './log-line.ts';

interface Options extends GlobalOptions {
  readonly config: string;
}

/** `podwire speaker --config FILE` */
export function register(program: Command, context: CliContext): void {
  program
    .command('speaker')
    .description(
      'run one BGP speaker until SIGTERM; SIGHUP reads its file again, SIGUSR2 ends it for a restart',
    )
    .requiredOption('--config <file>', 'YAML file of the speaker (docs/speaker-file.md)')
    .action(async (_options: object, command: Command) => {
      await speaker(context, command, command.optsWithGlobals<Options>());
    });
}

async function speaker(context: CliContext, command: Command, options: Options): Promise<void> {
  const signal = context.interrupted();
  const [{ readSpeakerFile }, { startSpeaker }, { defaultSocket, registerSpeaker }, { openLog }] =
    await Promise.all([
      import('../speaker/read-file.ts'),
      import('../speaker/process.ts'),
      import('../speaker/registry.ts'),
      import('../../agents/log.ts'),
    ]);
  const file = readSpeakerFile(options.config);
  const { asn, routerId } = file.speaker;
  const socket = file.api === undefined ? defaultSocket() : resolve(file.api.socket);
  const readable =
    command.getOptionValueSourceWithGlobals('format') === 'default'
      ? context.stderr.isTTY === true
      : options.format === 'table';
  const sink = readable ? terminalLog(context, options) : 'stderr';
  const { log, flush } = openLog(sink, level(command, options, file), {});
  let forget: (() => void) | undefined;
  try {
    const running = await startSpeaker(file, socket, log);
    let restart = false;
    const leave = new Promise<void>((resolve) => {
      context.onSignal('SIGUSR2', () => {
        restart = true;
        resolve();
      });
    });
    context.onSignal('SIGHUP', () => {
      try {
        running.reload(readSpeakerFile(options.config));
        log.info({ file: options.config }, 'read again');
      } catch (error) {
        log.error({ error: (error as Error).message }, 'the file is not taken over, all goes on as before');
      }
    });
    forget = registerSpeaker({ asn, routerId, socket });
    announceReady(context, options, file, running.speaker.listening, socket);
    await Promise.race([aborted(signal), running.asked, leave]);
    await running.stop({ restart });
  } finally {
    forget?.();
    flush();
  }
}

/** Lines of the log as `podwire logs` shows them, with the peer in place of the node. */
export function terminalLog(context: CliContext, options: Pick<GlobalOptions, 'color'>): LogSink {
  const paint = paintFor(context, 'stderr', options);
  return {
    write(line) {
      const entry = parseLogLine(line);
      if (entry === undefined) {
        context.stderr.write(line);
        return;
      }
      const { peer, ...fields } = entry.fields;
      const shown = typeof peer === 'string' ? { ...entry, node: peer, fields } : entry;
      context.stderr.write(`${prettyLogLine(shown, paint)}\n`);
    },
  };
}

/** What the file says counts unless the command line says something. */
function level(command: Command, options: Options, { log }: SpeakerFile): LogLevel {
  const given = command.getOptionValueSourceWithGlobals('logLevel') !== 'default';
  if (given || log === undefined) return options.logLevel;
  return log.level;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });
}

/** One line for people, or a JSON line for scripts, once connections are accepted. */
function announceReady(
  context: CliContext,
  options: Options,
  { speaker: { asn, routerId } }: SpeakerFile,
  listen: readonly { readonly address: string; readonly port: number }[],
  socket: string,
): void {
  if (options.format === 'json') {
    const ready = { event: 'ready', pid: process.pid, asn, routerId, listen, socket };
    context.stdout.write(`${JSON.stringify(ready)}\n`);
    return;
  }
  const where = listen.map(({ address, port }) => `${address} port ${port}`).join(', ') || 'nowhere';
  say(
    context,
    options,
    `podwire: BGP speaker ${routerId} AS ${asn} listens on ${where}, control socket ${socket}`,
  );
}
