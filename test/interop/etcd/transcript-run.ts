import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { endProcess } from '../etcd-server.ts';
import type { Step } from './transcript-steps.ts';

/** How long a step may wait for what it expects. */
const PATIENCE = 20_000;

/**
 * Runs the steps against `endpoint` (`http://host:port`), one after the other; gives each step's normalised output: exit
 * code, standard output, standard error.
 */
export async function runTranscript(
  etcdctl: string,
  endpoint: string,
  steps: readonly Step[],
): Promise<string[]> {
  const run = new Run(etcdctl, endpoint);
  const outputs: string[] = [];
  try {
    for (const step of steps) outputs.push(`${titleOf(step)}\n${await run.step(step)}`);
  } finally {
    await run.close();
  }
  return outputs;
}

function titleOf(step: Step): string {
  switch (step.kind) {
    case 'post':
      return `POST ${step.path} ${step.body}`;
    case 'end':
      return `end ${step.name}`;
    default:
      return `$ etcdctl ${step.command}`;
  }
}

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Run {
  readonly #etcdctl: string;
  readonly #endpoint: string;
  readonly #background: Map<string, ChildProcess> = new Map();

  constructor(etcdctl: string, endpoint: string) {
    this.#etcdctl = etcdctl;
    this.#endpoint = endpoint;
  }

  async step(step: Step): Promise<string> {
    switch (step.kind) {
      case 'ctl':
        return this.#shown(await this.#finish(this.#start(step.command, step.stdin)));
      case 'follow':
        return this.#shown(await this.#follow(step));
      case 'background':
        this.#background.set(step.name, this.#start(step.command));
        return '';
      case 'end':
        await endProcess(this.#background.get(step.name)!);
        return '';
      case 'await':
        return this.#await(step.command, step.text);
      case 'post':
        return this.#post(step.path, step.body);
    }
  }

  #start(command: string, stdin?: string): ChildProcess {
    const words = command.split(' ').map((word) => (word === 'ENDPOINT' ? this.#host() : word));
    const args = ['--endpoints', this.#host(), '--command-timeout=10s', ...words];
    const child = spawn(this.#etcdctl, args, { env: { ...process.env, ETCDCTL_API: '3' } });
    // An interactive watch ends with its input.
    if (stdin === undefined) child.stdin!.end();
    else if (command.startsWith('watch')) child.stdin!.write(stdin);
    else child.stdin!.end(stdin);
    child.stdin!.on('error', () => {});
    return child;
  }

  #host(): string {
    return this.#endpoint.replace('http://', '');
  }

  async #finish(child: ChildProcess, onOutput: (stdout: string) => void = () => {}): Promise<Finished> {
    let stdout = '';
    let stderr = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onOutput(stdout);
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(timer);
    return { code, stdout, stderr };
  }

  async #follow({ command, stdin, until, times = 1 }: Step & { readonly kind: 'follow' }): Promise<Finished> {
    const child = this.#start(command, stdin);
    const finished = await this.#finish(child, (stdout) => {
      if (stdout.split(until).length > times) child.kill('SIGINT');
    });
    return { ...finished, code: 0 };
  }

  async #await(command: string, text: string): Promise<string> {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const { stdout } = await this.#finish(this.#start(command));
      if (stdout.includes(text)) return '';
      if (Date.now() > deadline) return `never had ${text}: ${stdout}`;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #post(path: string, body: string): Promise<string> {
    const response = await fetch(this.#endpoint + path, { method: 'POST', body });
    return this.#normal(`${response.status} ${await response.text()}`);
  }

  #shown({ code, stdout, stderr }: Finished): string {
    return this.#normal(`[${code}] ${stdout}${stderr}`);
  }

  /** Without what differs between any two servers: identities, terms, log positions, ports, times, sizes, tokens. */
  #normal(text: string): string {
    const host = this.#host();
    return (
      text
        .replaceAll(host, 'HOST')
        .replaceAll(/("?(?:cluster_id|member_id|ClusterID|MemberID)"? ?: ?)"?\d+"?/g, '$1ID')
        .replaceAll(/("?(?:raft_term|RaftTerm)"? ?: ?)"?\d+"?/g, '$1TERM')
        .replaceAll(/took = [\d.]+[mµ]?s/g, 'took = TIME')
        .replaceAll(/\b(?=[0-9a-f]*[0-9])[0-9a-f]{15,16}\b/g, 'HEX16')
        .replaceAll(/\{"level":"warn","ts":.*\n/g, '')
        .replaceAll(
          /[\d.]+ [kM]?B, (true|false), (true|false), \d+, \d+, \d+/g,
          'SIZE, $1, $2, TERM, INDEX, INDEX',
        )
        // Go's stack traces and etcd's unordered set of keys.
        .replaceAll(/\ngoroutine [\s\S]*/g, '')
        .replaceAll(
          /attached keys\(\[(.*)\]\)/g,
          (_, keys: string) => `keys ${keys.split(' ').sort().join(' ')}`,
        )
        .replaceAll(/remaining\(\d+s\)/g, 'remaining(TIME)')
    );
  }

  async close(): Promise<void> {
    for (const child of this.#background.values()) await endProcess(child, 'SIGKILL');
  }
}
