import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import { type LogLevel, type LogSink, openLog } from '../../agents/log.ts';
import type { Endpoint } from '../../agents/ports.ts';
import type { SpeakerFile } from '../speaker/build.ts';
import { type SpeakerProcess, startSpeaker } from '../speaker/process.ts';
import { readSpeakerFile } from '../speaker/read-file.ts';
import { defaultSocket, registerSpeaker } from '../speaker/registry.ts';
import { type CliContext, type GlobalOptions, paintFor, say } from './context.ts';
import { CliError, UsageError } from './errors.ts';
import { parseLogLine, prettyLogLine } from './log-line.ts';
import type { SpeakerOptions } from './speaker.ts';

/**
 * Runs the speaker of a file until it is told to end. All that it needs to listen is imported here, so that the bundle has
 * it in one piece.
 */
export async function runSpeaker(
  context: CliContext,
  command: Command,
  options: SpeakerOptions,
): Promise<void> {
  const signal = context.interrupted();
  if (options.asPeer !== undefined && options.load === undefined) {
    throw new UsageError('--as-peer goes with --load');
  }
  const read = async (): Promise<SpeakerFile> => {
    const file = await readSpeakerFile(options.config);
    return options.metrics === undefined ? file : { ...file, metrics: options.metrics };
  };
  const file = await read();
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
    if (options.load !== undefined) {
      try {
        await load(context, options, running.speaker, options.load);
      } catch (error) {
        await running.stop();
        throw error;
      }
    }
    context.onSignal('SIGUSR1', () => void running.dumpRib());
    let restart = false;
    const leave = new Promise<void>((resolve) => {
      context.onSignal('SIGUSR2', () => {
        restart = true;
        resolve();
      });
    });
    const reload = async (): Promise<void> => {
      try {
        running.reload(await read());
        log.info({ file: options.config }, 'read again');
      } catch (error) {
        log.error({ error: (error as Error).message }, 'the file is not taken over, all goes on as before');
      }
    };
    context.onSignal('SIGHUP', () => void reload());
    forget = registerSpeaker({ asn, routerId, socket });
    announceReady(context, options, file, running, socket);
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

/** The routes of a table, before anybody is told that the speaker is there. */
async function load(
  context: CliContext,
  options: SpeakerOptions,
  speaker: BgpSpeaker,
  path: string,
): Promise<void> {
  const { loadTable } = await import('../mrt/load.ts');
  const started = performance.now();
  try {
    const { routes, faulty } = await loadTable(speaker, path, options.asPeer);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(context, options, `podwire: ${routes} routes loaded from ${path}, ${seconds} s`);
    if (faulty > 0) context.stderr.write(`podwire: ${faulty} routes of ${path} cannot be used\n`);
  } catch (error) {
    throw new CliError(`cannot load ${path}: ${(error as Error).message}`);
  }
}

/** What the file says counts unless the command line says something. */
function level(command: Command, options: SpeakerOptions, { log }: SpeakerFile): LogLevel {
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
  options: SpeakerOptions,
  { speaker: { asn, routerId } }: SpeakerFile,
  { speaker: { listening: listen }, metrics }: SpeakerProcess,
  socket: string,
): void {
  if (options.format === 'json') {
    const ready = { event: 'ready', pid: process.pid, asn, routerId, listen, socket, metrics };
    context.stdout.write(`${JSON.stringify(ready)}\n`);
    return;
  }
  const where = listen.map(({ address, port }) => `${address} port ${port}`).join(', ') || 'nowhere';
  say(
    context,
    options,
    `podwire: BGP speaker ${routerId} AS ${asn} listens on ${where}, control socket ${socket}`,
  );
  if (metrics !== undefined) say(context, options, `podwire: metrics at ${metricsUrl(metrics)}`);
}

/** Where Prometheus is to be sent. */
function metricsUrl({ address, port }: Endpoint): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}/metrics`;
}
