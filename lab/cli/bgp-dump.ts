import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { Argument, type Command } from 'commander';
import { type TargetOptions, withSpeaker } from './bgp-target.ts';
import { type CliContext, printJson, say } from './context.ts';
import { CliError } from './errors.ts';

/** `podwire bgp dump rib|updates FILE` */
export function registerDump(bgp: Command, context: CliContext, target: (command: Command) => Command): void {
  target(
    bgp
      .command('dump')
      .description('write an MRT file: all paths, or what the sessions receive until Ctrl-C')
      .addArgument(new Argument('<what>', 'TABLE_DUMP_V2, or BGP4MP_ET').choices(['rib', 'updates']))
      .argument('<file|->', 'file to write; - is standard output'),
  ).action(async (what: 'rib' | 'updates', file: string, _options: object, command: Command) => {
    const options = command.optsWithGlobals<TargetOptions>();
    const signal = context.interrupted();
    let octets = 0;
    const onReady = (): void => {
      if (what === 'updates') say(context, options, 'podwire: dumping updates, Ctrl-C ends it');
    };
    await withSpeaker(context, options, async (speaker) => {
      const sink = file === '-' ? standardOutput(context) : await openFile(file);
      const onBytes = (bytes: Uint8Array): void | Promise<void> => {
        octets += bytes.length;
        return sink.write(bytes);
      };
      try {
        await speaker.dump({ what }, onBytes, signal, onReady);
      } finally {
        await sink.end();
      }
    });
    if (file === '-') return;
    if (options.format === 'json') printJson(context, { file, octets });
    else say(context, options, `podwire: ${octets} octets in ${file}`);
  });
}

interface Sink {
  write(bytes: Uint8Array): void | Promise<void>;
  end(): Promise<void>;
}

function standardOutput(context: CliContext): Sink {
  return {
    async write(bytes) {
      const { drained } = await import('./stream-writer.ts');
      if (!context.stdout.write(bytes)) await drained(context.stdout);
    },
    end: async () => undefined,
  };
}

async function openFile(path: string): Promise<Sink> {
  const failure = (error: unknown): CliError =>
    new CliError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  const stream = createWriteStream(path);
  try {
    await once(stream, 'open');
  } catch (error) {
    throw failure(error);
  }
  const done = finished(stream).catch((error: unknown) => {
    throw failure(error);
  });
  // It is awaited by who writes next, or ends.
  done.catch(() => undefined);
  return {
    async write(bytes) {
      if (!stream.write(bytes)) await Promise.race([once(stream, 'drain'), done]);
    },
    async end() {
      stream.end();
      await done;
    },
  };
}
