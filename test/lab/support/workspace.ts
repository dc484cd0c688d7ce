// The real command line, run as a person would run it, in a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { root } from '../../support/root.ts';

/** The program that `npx podwire` starts. */
const PODWIRE = join(root, 'bin', 'podwire.mjs');

/** The machine's Node, whatever its version, not the one that npm installed beside podwire. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

/** What a command printed and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Standard input; none where absent. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Program and arguments to put before podwire, e.g. `['setpriv', '--reuid=65534']`. */
  readonly through?: readonly string[];
  /** Path of podwire's program, where it is not the checkout's. */
  readonly podwire?: string;
}

/** A command that runs: its output so far, and its end. */
export interface Started {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<Ran>;
  /** Resolves when standard output and error together contain `text`; rejects where the command ends before. */
  readonly shows: (text: string) => Promise<void>;
  /** The same for what standard output is to satisfy; `wanted` says in words what that is. */
  readonly prints: (wanted: string, satisfied: (stdout: string) => boolean) => Promise<void>;
}

/** A temporary folder with the state of the labs that one test file runs, and the commands that act on them. */
export class Workspace {
  readonly folder: string;
  /** Where labs keep their state: PODWIRE_RUN_DIR. */
  readonly runDir: string;
  /** Name for the file's lab, unlike that of any other file that runs at the same time. */
  readonly lab: string;
  readonly #started = new Set<ChildProcess>();

  constructor(label: string) {
    this.folder = mkdtempSync(join(tmpdir(), `podwire-${label}-`));
    // Other users' commands may have to reach it.
    chmodSync(this.folder, 0o755);
    this.runDir = join(this.folder, 'run');
    this.lab = `${label}-${process.pid}`;
  }

  /** Runs `podwire --name LAB ...` to its end. */
  podwire(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    return this.start(args, options).ended;
  }

  /** The same for a command that must succeed; returns its standard output. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, signal, stdout, stderr } = await this.podwire(args, options);
    if (code !== 0)
      throw new Error(`podwire ${args.join(' ')} ended with ${code ?? signal}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Standard output of a command with `--format json`, parsed. */
  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.ok(['--format', 'json', ...args])) as T;
  }

  /** Starts a command that goes on until it is told to end. */
  start(args: readonly string[], options: RunOptions = {}): Started {
    const named = args.includes('--name') ? args : ['--name', this.lab, ...args];
    return this.run([...(options.through ?? []), 'node', options.podwire ?? PODWIRE, ...named], options);
  }

  /** Starts any program in this workspace's surroundings. */
  run([program, ...args]: readonly string[], options: RunOptions = {}): Started {
    const child = spawn(program!, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: options.cwd ?? this.folder,
      env: { ...process.env, PATH, PODWIRE_RUN_DIR: this.runDir, NO_COLOR: '1', ...options.env },
    });
    this.#started.add(child);
    child.stdin.on('error', () => {}).end(options.input ?? '');
    return follow(child, () => this.#started.delete(child));
  }

  /** Writes a file into the workspace; returns its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Takes all labs down, whatever state they are in, ends what was started, and removes the folder. */
  async clean(): Promise<void> {
    if (existsSync(this.runDir)) await this.podwire(['--name', this.lab, 'down', '--all']);
    for (const child of this.#started) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function follow(child: ChildProcess, onEnd: () => void): Started {
  const text = { stdout: '', stderr: '' };
  const looks = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      for (const look of looks) look();
    });
  }
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      onEnd();
      resolve({ code, signal, ...text });
    });
  });
  ended.catch(() => {});
  const until = (wanted: string, satisfied: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!satisfied()) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
      ended.then(
        ({ code, signal }) =>
          reject(new Error(`ended with ${code ?? signal} before it showed '${wanted}': ${text.stderr}`)),
        reject,
      );
      look();
    });
  return {
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    ended,
    shows: (wanted) => until(wanted, () => text.stdout.includes(wanted) || text.stderr.includes(wanted)),
    prints: (wanted, satisfied) => until(wanted, () => satisfied(text.stdout)),
  };
}
