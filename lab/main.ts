import type { CliContext } from './cli/context.ts';

/** The process's streams and signals as a command sees them. */
function systemContext(): CliContext {
  let abort: AbortController | undefined;
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    labs: async () => (await import('./cli/lab-access.ts')).systemLabs(),
    interrupted: () => {
      if (abort !== undefined) return abort.signal;
      const controller = new AbortController();
      abort = controller;
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
        process.on(signal, () => controller.abort());
      return controller.signal;
    },
  };
}

/** Ends when everything written has left the process; a reader that went away (`| head`) is no error. */
function watchStreams(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
      throw error;
    });
  }
}

watchStreams();
const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === 'version' || args[0] === '--version' || args[0] === '-V')) {
  // The one command that must answer at once: it needs no parser.
  (await import('./cli/version.ts')).showVersion(systemContext(), 'table');
} else {
  const { run } = await import('./cli/program.ts');
  process.exitCode = await run(args, systemContext());
}
