import type { CliContext } from './cli/context.ts';

/** Aborts when the person, or what reads our output, wants no more. Made by commands that clean up then. */
let interrupt: AbortController | undefined;
/** What SIGHUP does where it is no reason to end. */
let hangup: (() => void) | undefined;

function onSignal(signal: 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2', listener: () => void): void {
  if (signal === 'SIGHUP') hangup = listener;
  else process.on(signal, listener);
}

function interrupted(): AbortSignal {
  if (interrupt !== undefined) return interrupt.signal;
  const controller = new AbortController();
  interrupt = controller;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => controller.abort());
  process.on('SIGHUP', () => (hangup === undefined ? controller.abort() : hangup()));
  return controller.signal;
}

/** The process's streams and signals as a command sees them. */
const context: CliContext = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  labs: async () => (await import('./cli/lab-access.ts')).systemLabs(),
  interrupted,
  onSignal,
};

/** A reader that went away (`| head`) ends the program, as SIGPIPE would, but in order. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (interrupt === undefined) process.exit(process.exitCode ?? 0);
    interrupt.abort();
  });
}

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === 'version' || args[0] === '--version' || args[0] === '-V')) {
  // The one command that must answer at once: it needs no parser.
  (await import('./cli/version.ts')).showVersion(context, 'table');
} else {
  const { run } = await import('./cli/program.ts');
  process.exitCode = await run(args, context);
}
