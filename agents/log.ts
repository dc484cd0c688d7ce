import {
  type DestinationStream,
  destination,
  type LevelWithSilent,
  type Logger,
  pino,
  stdSerializers,
} from 'pino';

/** Levels that `--log-level` takes, most talkative first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where the lines of a log go: JSON, with its line end. Called while something is logged. */
export interface LogSink {
  write(line: string): void;
}

/**
 * The lab's log: JSON lines of all agents in one file (or on standard error in a container), each line with its
 * `node`. Agents take a child of it.
 */
export function openLog(
  target: { readonly file: string } | LogSink | 'stderr',
  level: LogLevel,
  base: Readonly<Record<string, string>>,
): { readonly log: Logger; readonly flush: () => void } {
  const stream: DestinationStream & { flushSync?: () => void } =
    target === 'stderr'
      ? destination({ dest: 2, sync: true })
      : 'write' in target
        ? target
        : destination({ dest: target.file, append: true, mkdir: false, sync: false });
  const log = pino(
    {
      level: level satisfies LevelWithSilent,
      base,
      timestamp: isoTime,
      messageKey: 'msg',
      serializers: { err: errorSerializer },
    },
    stream,
  );
  const flush = (): void => {
    try {
      stream.flushSync?.();
    } catch {
      // The file never opened, or is gone with its folder: there is nothing left to lose.
    }
  };
  return { log, flush };
}

/** ioredis has the whole command in its errors: passwords, and what was to be written. Only the command's name is logged. */
const errorSerializer: (error: Error) => Readonly<Record<string, unknown>> =
  stdSerializers.wrapErrorSerializer((error) => {
    const { command } = error as { readonly command?: { readonly name?: string } };
    return command === undefined ? error : { ...error, command: command.name };
  });

function isoTime(): string {
  return `,"time":"${new Date().toISOString()}"`;
}
