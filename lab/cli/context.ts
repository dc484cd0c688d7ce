import { styleText } from 'node:util';
import type { LogLevel } from '../../agents/log.ts';
import type { LabAccess } from './lab-access.ts';

/** Where a command writes: a stream of the process, or a buffer in tests. */
export interface OutputStream {
  write(chunk: string | Uint8Array): boolean;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Everything outside a command's own arguments. */
export interface CliContext {
  /** Machine output: what the command was asked for. */
  readonly stdout: OutputStream;
  /** Everything else. */
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The running labs; loaded when first needed. */
  readonly labs: () => Promise<LabAccess>;
  /** Aborts on Ctrl-C and on SIGTERM while a command listens to it. */
  readonly interrupted: () => AbortSignal;
  /** Makes a signal call this from now on; SIGHUP then does not abort. */
  readonly onSignal: (signal: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2', listener: () => void) => void;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly name?: string;
  readonly logLevel: LogLevel;
  readonly format: 'table' | 'json';
  readonly color: boolean;
  readonly quiet?: boolean;
}

export type Style = Parameters<typeof styleText>[0];

/** Colours text for a stream, or not; see {@link colorEnabled}. */
export type Paint = (style: Style, text: string) => string;

/**
 * Whether to write colours to a stream: `--no-color` says no, then FORCE_COLOR yes (`0` no), then NO_COLOR (set at
 * all) no, TERM=dumb no, otherwise whether it is a terminal.
 */
export function colorEnabled(
  stream: OutputStream,
  env: CliContext['env'],
  options: Pick<GlobalOptions, 'color'>,
): boolean {
  if (!options.color) return false;
  const force = env.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (env.NO_COLOR !== undefined || env.TERM === 'dumb') return false;
  return stream.isTTY === true;
}

/** A {@link Paint} for one of the context's streams. */
export function paintFor(
  context: CliContext,
  stream: 'stdout' | 'stderr',
  options: Pick<GlobalOptions, 'color'>,
): Paint {
  const enabled = colorEnabled(context[stream], context.env, options);
  return enabled
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
}

/** Says something to the person, unless `--quiet`. */
export function say(context: CliContext, options: Pick<GlobalOptions, 'quiet'>, line: string): void {
  if (!options.quiet) context.stderr.write(`${line}\n`);
}

/** Prints a line of what was asked for. */
export function print(context: CliContext, line: string): void {
  context.stdout.write(`${line}\n`);
}

/** Prints what was asked for as JSON. */
export function printJson(context: CliContext, value: unknown): void {
  const replacer = (_key: string, item: unknown): unknown => (typeof item === 'bigint' ? String(item) : item);
  context.stdout.write(`${JSON.stringify(value, replacer, 2)}\n`);
}
