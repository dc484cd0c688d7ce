// podwire on the machine, beside the lab's containers: a process like any user's.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../../bin/podwire.mjs', import.meta.url));

/** A podwire command that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** Resolves when standard error has said so; rejects where the command ends before. */
  said(wanted: RegExp): Promise<void>;
  readonly ended: Promise<Ended>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts podwire; `runDir` keeps it from other labs of this machine. */
export function startPodwire(runDir: string, ...args: string[]): Running {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PODWIRE_RUN_DIR: runDir, NO_COLOR: '1' },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  const said = (wanted: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (wanted.test(output.stderr)) resolve();
      };
      child.stderr!.on('data', look);
      look();
      void ended.then(({ stderr }) => reject(new Error(`podwire ${args.join(' ')}: ${stderr}`)));
    });
  return { child, said, ended };
}

/** Runs podwire to its end. */
export function podwire(runDir: string, ...args: string[]): Promise<Ended> {
  return startPodwire(runDir, ...args).ended;
}

/** What a command prints with `--format json`. Rejects where it fails. */
export async function podwireJson<T>(runDir: string, ...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await podwire(runDir, '--format', 'json', ...args);
  if (code !== 0) throw new Error(`podwire ${args.join(' ')}: exit code ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
