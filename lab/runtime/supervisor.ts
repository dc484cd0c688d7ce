import type { LabControl, LabInfo, LabNodeInfo, NodeAction } from '../../agents/control/routes.ts';
import { type ControlServer, serveControl } from '../../agents/control/server.ts';
import type { AgentControl, AgentStatus } from '../../agents/control/types.ts';
import type { Log } from '../../agents/ports.ts';
import { withoutCredentials } from '../../agents/store/store-url.ts';
import type { LabPlan, PlannedNode } from '../plan/plan.ts';
import type { RunningNode, Runtime } from './runtime.ts';
import { judge, type Progress, StageError, type StageEvent, type StageName } from './stages.ts';
import { labPaths } from './state.ts';

export interface SupervisorOptions {
  readonly plan: LabPlan;
  readonly runtime: Runtime;
  /** Where the lab's store serves etcd's API. */
  readonly storeEndpoint: string;
  readonly log: Log;
  readonly onStage: (event: StageEvent) => void;
  /** How long convergence may take, milliseconds. */
  readonly timeoutMs: number;
  /** Runs after all nodes have ended, e.g. closes the store. */
  readonly onClosed: () => Promise<void>;
}

/** Milliseconds since the process started (not since the first line of podwire ran). */
export function sinceProcessStart(): number {
  return performance.now();
}

/**
 * Holds a running lab together: starts its nodes, tells when it has converged, answers `podwire` commands, and takes
 * everything down, in whatever state it is.
 */
export class Supervisor implements LabControl {
  readonly #options: SupervisorOptions;
  readonly #nodes = new Map<string, RunningNode>();
  readonly #agents = new Map<string, AgentControl>();
  readonly #statuses = new Map<string, AgentStatus>();
  readonly #watches = new Map<string, AbortController>();
  readonly #startedAt = new Date();
  readonly #down = Promise.withResolvers<void>();
  /** What is being done to nodes, by name: one thing after the other. */
  readonly #actions = new Map<string, Promise<void>>();
  readonly #giveUp = new AbortController();
  #control: ControlServer | undefined;
  #phase = 'starting';
  #convergedMs: number | null = null;
  #closing: Promise<void> | undefined;
  #onStatus: (() => void) | undefined;
  #onNodeEnd: ((node: string, reason: string) => void) | undefined;
  #checkQueued = false;
  #lastStage = '';

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Agents that run now, by node name. */
  get agents(): ReadonlyMap<string, AgentControl> {
    return this.#agents;
  }

  /** Settles when the lab has been taken down, by whoever asked for it. */
  get ended(): Promise<void> {
    return this.#down.promise;
  }

  /** Starts everything and resolves when the lab has converged. Rejects with {@link StageError}; call `down` then. */
  async up(): Promise<Progress> {
    const { plan, runtime } = this.#options;
    this.#control = await serveControl(labPaths(plan.name).control, this.#agents, this);
    this.#stage('nodes', 'running', '');
    await this.#inStage('nodes', () => runtime.prepare());
    const progress = await this.#withinTime();
    this.#phase = 'converged';
    this.#convergedMs = sinceProcessStart();
    return progress;
  }

  async info(): Promise<LabInfo> {
    const { plan } = this.#options;
    return {
      name: plan.name,
      runtime: this.#options.runtime.kind,
      pid: process.pid,
      phase: this.#shownPhase(),
      file: plan.file ?? null,
      store: withoutCredentials(plan.store),
      storeEndpoint: this.#options.storeEndpoint,
      bgpPort: plan.bgpPort,
      podKind: plan.podKind,
      startedAt: this.#startedAt.toISOString(),
      convergedMs: this.#convergedMs,
      fabric: this.#options.runtime.fabric,
      nodes: plan.nodes.map((node) => this.#nodeInfo(node)),
    };
  }

  async down(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async node(name: string, action: NodeAction): Promise<void> {
    const planned = this.#options.plan.nodes.find((each) => each.name === name);
    if (planned === undefined) throw new Error(`no node ${name} in lab ${this.#options.plan.name}`);
    await this.#afterOthers(name, () => this.#act(planned, action));
  }

  async #act(planned: PlannedNode, action: NodeAction): Promise<void> {
    const { name } = planned;
    const running = this.#nodes.get(name);
    if (action === 'start') {
      if (running !== undefined) throw new Error(`node ${name} runs already`);
      await this.#start(planned);
      return;
    }
    if (running === undefined) throw new Error(`node ${name} does not run`);
    this.#forget(name);
    await (action === 'stop' ? running.stop() : running.kill());
  }

  /** Lets a node be stopped before it is started again, although both were asked for at once. */
  #afterOthers(name: string, work: () => Promise<void>): Promise<void> {
    const before = this.#actions.get(name) ?? Promise.resolve();
    const now = before.catch(() => undefined).then(work);
    this.#actions.set(name, now);
    return now;
  }

  /** What was reached once need not hold: a node may have been stopped since. */
  #shownPhase(): string {
    const complete = this.#options.plan.nodes.every((node) => this.#nodes.has(node.name));
    return this.#phase === 'converged' && !complete ? 'degraded' : this.#phase;
  }

  #nodeInfo(node: PlannedNode): LabNodeInfo {
    const running = this.#nodes.get(node.name);
    const supervisor = { kind: 'unix', path: labPaths(this.#options.plan.name).control } as const;
    return {
      name: node.name,
      kind: node.kind,
      address: node.address,
      running: running !== undefined,
      pid: running?.pid ?? null,
      endpoint: running?.control === undefined ? null : (running.endpoint ?? supervisor),
      netns: running?.netns ?? null,
      ...(node.kind === 'linux'
        ? { folder: labPaths(this.#options.plan.name).node(node.name), env: node.env }
        : {}),
    };
  }

  async #start(node: PlannedNode): Promise<void> {
    if (this.#closing !== undefined) throw new Error('the lab is being taken down');
    const running = await this.#options.runtime.start(node, this.#giveUp.signal);
    if (this.#closing !== undefined) {
      await running.stop();
      return;
    }
    this.#nodes.set(node.name, running);
    void running.exited.then((reason) => {
      if (reason === undefined || this.#nodes.get(node.name) !== running) return;
      this.#options.log.error({ node: node.name, reason }, 'node ended by itself');
      this.#forget(node.name);
      this.#onNodeEnd?.(node.name, reason);
      this.#statusChanged();
    });
    if (running.control === undefined) return;
    this.#agents.set(node.name, running.control);
    this.#watch(node.name, running.control);
  }

  #watch(name: string, agent: AgentControl): void {
    const controller = new AbortController();
    this.#watches.set(name, controller);
    const onStatus = (status: AgentStatus): void => {
      if (controller.signal.aborted) return;
      this.#statuses.set(name, status);
      this.#statusChanged();
    };
    agent.watchStatus(onStatus, controller.signal).catch((error: Error) => {
      if (!controller.signal.aborted)
        this.#options.log.warn({ node: name, error: error.message }, 'status lost');
    });
  }

  #forget(name: string): void {
    this.#watches.get(name)?.abort();
    this.#watches.delete(name);
    this.#statuses.delete(name);
    this.#agents.delete(name);
    this.#nodes.delete(name);
  }

  /** Many agents change in one turn of the loop: judge them once. */
  #statusChanged(): void {
    if (this.#checkQueued || this.#onStatus === undefined) return;
    this.#checkQueued = true;
    setImmediate(() => {
      this.#checkQueued = false;
      this.#onStatus?.();
    });
  }

  /** Starts all nodes and waits for convergence; a node that ends meanwhile, and too long a time, are failures. */
  async #withinTime(): Promise<Progress> {
    const { plan, timeoutMs } = this.#options;
    const timer = setTimeout(() => this.#giveUp.abort(), timeoutMs);
    const early = Promise.withResolvers<never>();
    this.#onNodeEnd = (node, reason) =>
      early.reject(new StageError('nodes', `node ${node} ended by itself: ${reason}`));
    const start = (node: PlannedNode): Promise<void> =>
      this.#inStage('nodes', () => this.#afterOthers(node.name, () => this.#start(node)));
    try {
      await Promise.race([Promise.all(plan.nodes.map(start)), early.promise]);
      return await Promise.race([this.#converged(), early.promise]);
    } finally {
      clearTimeout(timer);
      this.#onNodeEnd = undefined;
      early.promise.catch(() => undefined);
    }
  }

  #converged(): Promise<Progress> {
    const { plan, timeoutMs } = this.#options;
    const expected = plan.nodes.flatMap((node) => (node.kind === 'linux' ? [] : [node.name]));
    const foreign = plan.nodes.flatMap(({ name, foreignBlocks }) =>
      foreignBlocks.map((block) => ({ block, node: name })),
    );
    const order: readonly (keyof Progress & StageName)[] = ['nodes', 'pods', 'bgp', 'routes'];
    let at = 0;
    const { promise, resolve, reject } = Promise.withResolvers<Progress>();
    const check = (): void => {
      const progress = judge(expected, this.#statuses, foreign);
      for (; at < order.length; at++) {
        const stage = order[at]!;
        const count = progress[stage];
        const detail = `${count.done}/${count.total}`;
        // Later stages count towards nothing before the earlier ones are complete, so each is done only once.
        if (count.done < count.total) {
          this.#stage(stage, 'running', detail);
          return;
        }
        this.#stage(stage, 'done', detail);
      }
      if (progress.converged) resolve(progress);
    };
    const timedOut = (): void => {
      const { missing } = judge(expected, this.#statuses, foreign);
      const stage = order[Math.min(at, order.length - 1)]!;
      const why =
        this.#closing === undefined
          ? `not converged after ${timeoutMs / 1000} s: ${missing.join('; ')}`
          : 'the lab was taken down while it started';
      reject(new StageError(stage, why));
    };
    this.#giveUp.signal.addEventListener('abort', timedOut, { once: true });
    this.#onStatus = check;
    check();
    return promise.finally(() => {
      this.#giveUp.signal.removeEventListener('abort', timedOut);
      this.#onStatus = undefined;
    });
  }

  async #close(): Promise<void> {
    this.#phase = 'stopping';
    // Nodes that are just starting are waited for, or they would outlive the lab.
    this.#giveUp.abort();
    await Promise.allSettled(this.#actions.values());
    const running = [...this.#nodes.values()];
    for (const name of [...this.#nodes.keys()]) this.#forget(name);
    const results = await Promise.allSettled(running.map((each) => each.stop()));
    for (const result of results) {
      if (result.status === 'rejected')
        this.#options.log.error({ error: String(result.reason) }, 'node did not stop');
    }
    await this.#options.runtime.close();
    await this.#options.onClosed();
    // Answer the `down` that may have come over this very socket before it closes.
    setImmediate(() => void this.#control?.close());
    this.#down.resolve();
  }

  async #inStage<T>(stage: StageName, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof StageError ? error : new StageError(stage, (error as Error).message);
    }
  }

  #stage(stage: StageName, state: StageEvent['state'], detail: string): void {
    const line = `${stage} ${state} ${detail}`;
    if (line === this.#lastStage) return;
    this.#lastStage = line;
    this.#options.onStage({ stage, state, detail, atMs: sinceProcessStart() });
  }
}
