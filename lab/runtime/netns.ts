import type { ChildProcess } from 'node:child_process';
import { derivedMac } from '../../agents/capture/underlay-recorder.ts';
import { connectAgent } from '../../agents/control/client.ts';
import { spawnInNetns } from '../../agents/io/linux/spawn-in-netns.ts';
import type { LogLevel } from '../../agents/log.ts';
import type { Log } from '../../agents/ports.ts';
import type { AgentProcessOptions } from '../../agents/process.ts';
import { formatMac } from '../../protocol/ethernet/mac.ts';
import { parseIpv4 } from '../../protocol/ip/ipv4.ts';
import type { LabPlan, PlannedAgentNode, PlannedForeignNode, PlannedNode } from '../plan/plan.ts';
import { agentEntry } from './entry.ts';
import { type Attachment, NetnsFabric } from './netns-fabric.ts';
import { describeEnd, startForeign } from './netns-foreign.ts';
import { ended, followOutput } from './netns-processes.ts';
import type { RunningNode, Runtime } from './runtime.ts';
import { labPaths } from './state.ts';

export interface NetnsOptions {
  readonly plan: LabPlan;
  readonly log: Log;
  readonly logLevel: LogLevel;
  /** Where each agent serves metrics, in its namespace. */
  readonly metrics?: NonNullable<AgentProcessOptions['metrics']>;
  /** BMP collector that each agent tells of its speaker, as its namespace reaches it. */
  readonly bmp?: NonNullable<AgentProcessOptions['bmp']>;
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

  get fabric(): string | null {
    return this.#fabric?.path ?? null;
  }

  async prepare(): Promise<void> {
    this.#fabric = new NetnsFabric(this.#options.plan.link.mtu);
  }

  start(node: PlannedNode, signal: AbortSignal): Promise<RunningNode> {
    const { address, prefixLength, index, name } = node;
    // What podwire's own captures show for this address.
    const mac = formatMac(derivedMac(parseIpv4(address)));
    const attachment = this.#fabric!.attach({ name, index, mac, address: `${address}/${prefixLength}` });
    return node.kind === 'linux'
      ? this.#startForeign(node, attachment, signal)
      : this.#startAgent(node, attachment, signal);
  }

  async close(): Promise<void> {
    this.#fabric?.close();
  }

  #startForeign(node: PlannedForeignNode, attachment: Attachment, signal: AbortSignal): Promise<RunningNode> {
    const { plan, log, onProcess } = this.#options;
    const folder = labPaths(plan.name).node(node.name);
    return startForeign(node, attachment, { folder, log, onProcess, signal, stopTimeoutMs: STOP_TIMEOUT });
  }

  async #startAgent(
    node: PlannedAgentNode,
    attachment: Attachment,
    signal: AbortSignal,
  ): Promise<RunningNode> {
    const paths = labPaths(this.#options.plan.name);
    const { metrics, bmp } = this.#options;
    const boot: AgentProcessOptions = {
      config: node.config,
      store: `unix:${paths.store}`,
      control: paths.agent(node.name),
      ...(metrics === undefined ? {} : { metrics }),
      ...(bmp === undefined ? {} : { bmp }),
      log: { file: paths.log },
      logLevel: this.#options.logLevel,
    };
    const child = spawnInNetns(attachment.netns.path, process.execPath, [agentEntry], {
      env: { ...process.env, PODWIRE_AGENT: JSON.stringify(boot) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const output = followOutput(child, (stream, line) =>
      this.#options.log.error({ node: node.name, stream }, line),
    );
    if (child.pid !== undefined) this.#options.onProcess(child.pid);
    const gone = ended(child).then((how) => {
      attachment.detach();
      return how;
    });
    try {
      await ready(child, signal);
    } catch (error) {
      child.kill('SIGKILL');
      await gone;
      throw new Error(`node ${node.name}: ${output.last() ?? (error as Error).message}`);
    }
    const endpoint = { kind: 'unix', path: boot.control } as const;
    let asked = false;
    const end = async (ask: () => void, timeoutMs: number): Promise<void> => {
      asked = true;
      if (child.exitCode === null && child.signalCode === null) ask();
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      await gone;
      clearTimeout(timer);
    };
    return {
      control: connectAgent(endpoint, node.name),
      endpoint,
      pid: child.pid!,
      netns: attachment.netns.path,
      exited: gone.then((how) => (asked ? undefined : describeEnd(how, output.last()))),
      stop: () => end(() => child.send({ kind: 'stop' }), STOP_TIMEOUT),
      kill: () => end(() => child.kill('SIGKILL'), STOP_TIMEOUT),
    };
  }
}

/** Settles when the agent said that it is up; rejects with what it said instead, or when `signal` aborts. */
function ready(child: ChildProcess, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(new Error('the agent is not up yet'));
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    child.once('error', (error) => reject(new Error(`cannot start the agent: ${error.message}`)));
    child.once('exit', (code, how) => reject(new Error(`the agent ended while starting (${code ?? how})`)));
    child.once('message', (message: { readonly kind: string; readonly message?: string }) => {
      signal.removeEventListener('abort', aborted);
      if (message.kind === 'ready') resolve();
      else reject(new Error(message.message ?? 'failed'));
    });
  });
}
