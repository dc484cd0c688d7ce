import type { UpOptions } from '../cli/lab-access.ts';
import { type StartedLab, startLab } from './start.ts';

/**
 * A lab in the background, started by `podwire up -d`. The request comes, and stages and the outcome go, over the IPC
 * channel; a parent that goes away before the lab has converged takes it along.
 */
if (process.send === undefined) {
  console.error('podwire: lab/runtime/daemon.ts is started by podwire up -d');
  process.exit(2);
}

/** What the daemon says to its parent. */
export type DaemonMessage =
  | { readonly kind: 'stage'; readonly event: object }
  | { readonly kind: 'converged' }
  | { readonly kind: 'failed'; readonly stage: string | undefined; readonly message: string };

const interrupted = new AbortController();
let started: StartedLab | undefined;

// A parent that was killed is noticed by `disconnect`; what was meant for it is lost without an error.
const send = (message: DaemonMessage): void => {
  if (process.connected) process.send?.(message, () => {});
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted.abort();
    void started?.supervisor.down();
  });
}
process.on('disconnect', () => {
  if (started === undefined) interrupted.abort();
});

const request = Promise.withResolvers<Omit<UpOptions, 'signal'>>();
process.once('message', (message) => request.resolve(message as Omit<UpOptions, 'signal'>));

try {
  const options = { ...(await request.promise), signal: interrupted.signal };
  started = await startLab(options, (event) => send({ kind: 'stage', event }));
  send({ kind: 'converged' });
  await started.supervisor.ended;
  process.exitCode = 0;
  // The answer to whoever asked for the end is still on its way out.
  setImmediate(() => setImmediate(() => process.exit()));
} catch (error) {
  const { message, stage } = error as Error & { stage?: string };
  if (process.connected)
    process.send?.({ kind: 'failed', stage, message } satisfies DaemonMessage, () => process.exit(1));
  else process.exit(1);
}
