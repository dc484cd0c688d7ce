import type { ChildProcess, spawn } from 'node:child_process';
import { connectAgent } from '../../agents/control/client.ts';
import { spawnInNetns } from '../../agents/io/linux/spawn-in-netns.ts';
import type { LogLevel } from '../../agents/log.ts';
import type { Log } from '../../agents/ports.ts';
import type { AgentProcessOptions } from '../../agents/process.ts';
import { formatMac, parseMac } from '../../protocol/ethernet/mac.ts';
import type { LabPlan, PlannedAgentNode, PlannedForeignNode, PlannedNode } from '../plan/plan.ts';
import { agentEntry } from './entry.ts';
import { type Attachment, NetnsFabric } from './netns-fabric.ts';
import type { RunningNode, Runtime } from './runtime.ts';
import { labPaths } from './state.ts';

export interface NetnsOptions {
  readonly plan: LabPlan;
  readonly log: Log;
  readonly logLevel: LogLevel;
  /** Told of every process started, so that a crash of this one leaves none unknown. */
  readonly onProcess: (pid: number) => void;
}

/** How long a node may take to stop before it is killed, milliseconds. */
const STOP_TIMEOUT = 5000;

/** Each node in a network namespace: agents as processes, foreign nodes as commands. Needs root on Linux. */
export class NetnsRuntime implements Runtime {
  readonly kind = 'netns';
  readonly #options: NetnsOptions;
  #fabric: NetnsFabric | undefined;

  constructor(options: NetnsOptions) {
    this.#options = options;
  }

  /** Path of the bridge's namespace. */
  get fabricPath(): string | undefined {
    return this.#fabric?.path;
  }

  async prepare(): Promise<void> {
    this.#fabric = new NetnsFabric(this.#options.plan.link.mtu);
  }

  async start(node: PlannedNode): Promise<RunningNode> {
    const { address, prefixLength, index } = node;
    // 02: locally administered; the rest tells the node in captures.
    const mac = formatMac(parseMac('02:00:00:00:00:00') + index + 1);
    const attachment = this.#fabric!.attach(`${address}/${prefixLength}`, mac);
    try {
      return await (node.kind === 'linux'
        ? this.#startForeign(node, attachment)
        : this.#startAgent(node, attachment));
    } catch (error) {
      attachment.detach();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#fabric?.close();
  }

  async #startAgent(node: PlannedAgentNode, attachment: Attachment): Promise<RunningNode> {
    const paths = labPaths(this.#options.plan.name);
    const boot: AgentProcessOptions = {
      config: node.config,
      store: `unix:${paths.store}`,
      control: paths.agent(node.name),
      log: { file: paths.log },
      logLevel: this.#options.logLevel,
    };
    const child = spawnInNetns(attachment.netns.path, process.execPath, [agentEntry], {
      env: { ...process.env, PODWIRE_AGENT: JSON.stringify(boot) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    if (child.pid !== undefined) this.#options.onProcess(child.pid);
    await ready(child, node.name);
    const endpoint = { kind: 'unix', path: boot.control } as const;
    return {
      ...this.#process(child, attachment, () => child.send({ kind: 'stop' })),
      control: connectAgent(endpoint, node.name),
      endpoint,
    };
  }

  async #startForeign(node: PlannedForeignNode, attachment: Attachment): Promise<RunningNode> {
    const env = { ...process.env, ...node.env };
    for (const command of node.exec) await this.#exec(node, attachment, command, env);
    // A node without a process of its own is held by one that does nothing, so that it can be stopped like any other.
    const child = spawnInNetns(attachment.netns.path, 'sh', ['-c', node.run ?? 'exec sleep infinity'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#logOutput(node.name, child);
    await spawned(child, node.name);
    this.#options.onProcess(child.pid!);
    const group = (signal: NodeJS.Signals): void => {
      try {
        process.kill(-child.pid!, signal);
      } catch {
        // The whole group has ended.
      }
    };
    const running = this.#process(
      child,
      attachment,
      () => group('SIGTERM'),
      () => group('SIGKILL'),
    );
    return { ...running, control: undefined, endpoint: undefined };
  }

  async #exec(
    node: PlannedForeignNode,
    attachment: Attachment,
    command: string,
    env: NodeJS.ProcessEnv,
  ): Promise<void> {
    const child = spawnInNetns(attachment.netns.path, 'sh', ['-c', command], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    this.#logOutput(node.name, child);
    const { code, signal } = await ended(child);
    if (code === 0) return;
    const why = errors.trim().split('\n').at(-1) || `exit code ${code ?? signal}`;
    throw new Error(`node ${node.name}: command failed: ${command}: ${why}`);
  }

  #logOutput(node: string, child: ChildProcess): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.trimEnd().split('\n')) this.#options.log.info({ node, stream }, line);
      });
    }
  }

  #process(
    child: ChildProcess,
    attachment: Attachment,
    askToStop: () => void,
    kill: () => void = () => child.kill('SIGKILL'),
  ): Omit<RunningNode, 'control' | 'endpoint'> {
    const exited = Promise.withResolvers<string | undefined>();
    let expected = false;
    const gone = ended(child).then(({ code, signal }) => {
      attachment.detach();
      exited.resolve(expected ? undefined : `exit ${code ?? signal}`);
    });
    return {
      pid: child.pid!,
      netns: attachment.netns.path,
      exited: exited.promise,
      stop: async () => {
        expected = true;
        if (child.exitCode === null && child.signalCode === null) askToStop();
        const timer = setTimeout(kill, STOP_TIMEOUT);
        await gone;
        clearTimeout(timer);
      },
      kill: async () => {
        expected = true;
        kill();
        await gone;
      },
    };
  }
}

/** Settles when the agent said that it is up; rejects with what it said instead. */
function ready(child: ChildProcess, node: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (message: string): void => reject(new Error(`${node}: ${message}`));
    child.once('error', (error) => fail(`cannot start the agent: ${error.message}`));
    child.once('exit', (code, signal) => fail(`the agent ended while starting (${code ?? signal})`));
    child.once('message', (message: { readonly kind: string; readonly message?: string }) => {
      if (message.kind === 'ready') resolve();
      else fail(message.message ?? 'failed');
    });
  });
}

function spawned(child: ReturnType<typeof spawn>, node: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve());
    child.once('error', (error) => reject(new Error(`${node}: cannot start: ${error.message}`)));
  });
}

function ended(
  child: ChildProcess,
): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}
