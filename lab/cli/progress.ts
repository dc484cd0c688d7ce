import { STAGE_TITLES, STAGES, type StageEvent, type StageName } from '../runtime/stages.ts';
import type { CliContext, GlobalOptions, Paint } from './context.ts';
import { paintFor, say } from './context.ts';

/** Shows how a lab comes up. */
export interface Progress {
  readonly onStage: (event: StageEvent) => void;
  /** Stops drawing; `failed` marks what was under way. Resolves when the terminal is ours again. */
  finish(failed: boolean): Promise<void>;
}

/** A live list on a terminal; a line per completed stage elsewhere; nothing where quiet. */
export function startProgress(context: CliContext, options: GlobalOptions): Progress {
  if (options.quiet) return { onStage: () => {}, finish: async () => {} };
  const live =
    context.stderr.isTTY === true && context.env.TERM !== 'dumb' && context.stderr === process.stderr;
  return live ? liveProgress() : lineProgress(context, options);
}

/** `nodes   5/5   Node agents and route reflectors   84 ms` for each stage that is done. */
function lineProgress(context: CliContext, options: GlobalOptions): Progress {
  const paint = paintFor(context, 'stderr', options);
  return {
    onStage: (event) => {
      if (event.state !== 'running') say(context, options, stageLine(event, paint));
    },
    finish: async () => {},
  };
}

function stageLine({ stage, state, detail, atMs }: StageEvent, paint: Paint): string {
  const mark = state === 'done' ? paint('green', '✓') : paint('red', '✗');
  const count = detail === '' ? '' : `: ${detail}`;
  return `${mark} ${STAGE_TITLES[stage]}${count} ${paint('dim', `(${atMs.toFixed(0)} ms)`)}`;
}

/** listr2's renderer on standard error. It is loaded beside the lab's start, which never waits for it. */
function liveProgress(): Progress {
  const tasks = new Map<
    StageName,
    { done: PromiseWithResolvers<void>; title: string; show?: (title: string) => void }
  >(STAGES.map((stage) => [stage, { done: Promise.withResolvers<void>(), title: STAGE_TITLES[stage] }]));
  // A stage that never ends is rejected in `finish`; nobody may be waiting for it then.
  for (const { done } of tasks.values()) done.promise.catch(() => {});
  const drawn = import('listr2').then(async ({ Listr, ListrLogger, ProcessOutput }) => {
    const output = new ProcessOutput(process.stderr, process.stderr);
    const list = new Listr(
      [...tasks.values()].map((entry) => ({
        title: entry.title,
        task: async (_context: unknown, task: { title: string | undefined }): Promise<void> => {
          task.title = entry.title;
          entry.show = (title) => {
            task.title = title;
          };
          await entry.done.promise;
        },
      })),
      {
        concurrent: true,
        exitOnError: false,
        registerSignalListeners: false,
        rendererOptions: {
          logger: new ListrLogger({ processOutput: output }),
          collapseErrors: false,
          showErrorMessage: false,
        },
      },
    );
    await list.run();
  });
  return {
    onStage: ({ stage, state, detail, atMs }) => {
      const entry = tasks.get(stage)!;
      const time = state === 'done' ? ` (${atMs.toFixed(0)} ms)` : '';
      entry.title = `${STAGE_TITLES[stage]}${detail === '' ? '' : `: ${detail}`}${time}`;
      entry.show?.(entry.title);
      if (state === 'done') entry.done.resolve();
      if (state === 'failed') entry.done.reject(new Error(detail));
    },
    finish: async (failed) => {
      for (const { done } of tasks.values()) {
        if (failed) done.reject(new Error('not reached'));
        else done.resolve();
      }
      await drawn;
    },
  };
}
