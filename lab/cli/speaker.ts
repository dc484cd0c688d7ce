import type { Command } from 'commander';
import type { SpeakerFile } from '../speaker/read-file.ts';
import { type CliContext, type GlobalOptions, say } from './context.ts';

interface Options extends GlobalOptions {
  readonly config: string;
}

/** `podwire speaker --config FILE` */
export function register(program: Command, context: CliContext): void {
  program
    .command('speaker')
    .description('run one BGP speaker until SIGTERM; SIGHUP reads its file again')
    .requiredOption('--config <file>', 'YAML file of the speaker (docs/bgp.md)')
    .action(async (_options: object, command: Command) => {
      await speaker(context, command.optsWithGlobals<Options>());
    });
}

async function speaker(context: CliContext, options: Options): Promise<void> {
  const signal = context.interrupted();
  const [{ readSpeakerFile }, { startSpeaker }, { openLog }] = await Promise.all([
    import('../speaker/read-file.ts'),
    import('../speaker/process.ts'),
    import('../../agents/log.ts'),
  ]);
  const file = readSpeakerFile(options.config);
  const { log, flush } = openLog('stderr', options.logLevel, {});
  try {
    const running = await startSpeaker(file, log);
    context.onHangup(() => {
      try {
        running.reload(readSpeakerFile(options.config));
        log.info({ file: options.config }, 'read again');
      } catch (error) {
        log.error(
          { error: (error as Error).message },
          'the file was not taken over, everything goes on as before',
        );
      }
    });
    announceReady(context, options, file, running.speaker.listening);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await running.stop();
  } finally {
    flush();
  }
}

/** One line for people, or a JSON line for scripts, once connections are accepted. */
function announceReady(
  context: CliContext,
  options: Options,
  { speaker: { asn, routerId }, api }: SpeakerFile,
  listening: readonly { readonly address: string; readonly port: number }[],
): void {
  if (options.format === 'json') {
    const ready = {
      event: 'ready',
      pid: process.pid,
      asn,
      routerId,
      listen: listening,
      socket: api?.socket ?? null,
    };
    context.stdout.write(`${JSON.stringify(ready)}\n`);
    return;
  }
  const where = listening.map(({ address, port }) => `${address} port ${port}`).join(', ') || 'nowhere';
  const control = api === undefined ? '' : `, control ${api.socket}`;
  say(context, options, `podwire: BGP speaker ${routerId} AS ${asn} listens on ${where}${control}`);
}
