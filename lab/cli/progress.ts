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
  // A pseudo-terminal without a size (script(1), some CI) would wrap after every letter.
  const { isTTY, columns } = context.stderr;
  const drawable = isTTY === true && (columns ?? 0) >= 40 && context.env.TERM !== 'dumb';
  const live = drawable && context.stderr === process.stderr;
  return live ? liveProgress(options) : lineProgress(context, options);
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
  return `${mark} ${stageTitle(stage, state, detail)} ${paint('dim', `(${atMs.toFixed(0)} ms)`)}`;
}

/** Why a stage failed is left to the command's error, which says it once, in one line. */
function stageTitle(stage: StageName, state: StageEvent['state'], detail: string): string {
  return detail === '' || state === 'failed' ? STAGE_TITLES[stage] : `${STAGE_TITLES[stage]}: ${detail}`;
}

type Outcome = 'done' | 'not reached';

/** listr2's renderer on standard error. It is loaded beside the lab's start, which never waits for it. */
function liveProgress(options: GlobalOptions): Progress {
  // listr2 decides about colours when it is loaded.
  if (!options.color) process.env.NO_COLOR = '1';
  const tasks = new Map(
    STAGES.map((stage) => [
      stage,
      { title: STAGE_TITLES[stage], ended: Promise.withResolvers<Outcome>(), show() {} },
    ]),
  );
  // A stage may fail before listr2 is loaded: then nobody waits for it yet.
  for (const { ended } of tasks.values()) ended.promise.catch(() => {});
  const drawn = draw([...tasks.values()]);
  return {
    onStage: ({ stage, state, detail, atMs }) => {
      const entry = tasks.get(stage)!;
      const time = state === 'done' ? ` (${atMs.toFixed(0)} ms)` : '';
      entry.title = `${stageTitle(stage, state, detail)}${time}`;
      entry.show();
      if (state === 'done') entry.ended.resolve('done');
      if (state === 'failed') entry.ended.reject(new Error(detail));
    },
    finish: async (failed) => {
      for (const { ended } of tasks.values()) ended.resolve(failed ? 'not reached' : 'done');
      await drawn;
    },
  };
}

interface Drawn {
  title: string;
  readonly ended: PromiseWithResolvers<Outcome>;
  show: () => void;
}

async function draw(tasks: readonly Drawn[]): Promise<void> {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const output = new ProcessOutput(process.stderr, process.stderr);
  const list = new Listr(
    tasks.map((entry) => ({
      title: entry.title,
      task: async (_context, task): Promise<void> => {
        entry.show = () => {
          task.title = entry.title;
        };
        entry.show();
        if ((await entry.ended.promise) === 'not reached') task.skip();
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
        collapseSkips: false,
        showSkipMessage: false,
      },
    },
  );
  await list.run();
}
