/** Exit codes of every command: a contract that scripts rely on. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** A command failed in a way that its user can understand: printed as one line, `podwire: message`. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly exitCode: number;
  /** What to do about it, printed as a second line. */
  readonly hint: string | undefined;

  constructor(message: string, exitCode: number = EXIT.failed, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** The command was called wrongly: exit code 2. */
export class UsageError extends CliError {
  constructor(message: string, hint?: string) {
    super(message, EXIT.usage, hint);
  }
}

/** A command that has said everything itself ends with this exit code. */
export class ExitWith extends Error {
  override readonly name = 'ExitWith';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** What goes to standard error about an error, and the exit code. `debug` adds the stack of unexpected errors. */
export function explainError(
  error: unknown,
  debug: boolean,
): { readonly lines: readonly string[]; readonly exitCode: number } {
  if (error instanceof ExitWith) return { lines: [], exitCode: error.exitCode };
  const { message, name, stack, exitCode, hint, problems } = asError(error);
  // Problems of a file are one line each, and begin with their place, which editors and terminals make clickable.
  const lines =
    problems === undefined ? [`podwire: ${oneLine(message === '' ? name : message)}`] : message.split('\n');
  if (hint !== undefined) lines.push(`podwire: ${oneLine(hint)}`);
  if (debug && exitCode === undefined && stack !== undefined) lines.push(stack);
  return { lines, exitCode: exitCode ?? EXIT.failed };
}

/** Errors of other folders are recognised by their shape, so that those need not know the command line. */
function asError(error: unknown): Error & { exitCode?: number; hint?: string; problems?: unknown } {
  return error instanceof Error ? error : new Error(String(error));
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, '; ');
}
