import { systemClock } from '../../agents/io/clock.ts';
import { portErrorFrom } from '../../agents/io/errors.ts';
import { canBind, canUseLinuxPods } from '../../agents/io/linux/privileges.ts';
import { openLog } from '../../agents/log.ts';
import type { Clock, Log } from '../../agents/ports.ts';
import { withoutCredentials } from '../../agents/store/store-url.ts';
import type { UpOptions } from '../cli/lab-access.ts';
import { packageVersion } from '../cli/package.ts';
import { type LabPlan, planLab } from '../plan/plan.ts';
import { type LabStore, openLabStore } from './lab-store.ts';
import type { Runtime } from './runtime.ts';
import { StageError, type StageEvent, type StageName } from './stages.ts';
import {
  claimState,
  type LabState,
  labPaths,
  listStates,
  processStartTicks,
  removeState,
  writeState,
} from './state.ts';
import { Supervisor, sinceProcessStart } from './supervisor.ts';

/** BGP's port (RFC 4271 §8), and the one used where a process may not bind it. */
const BGP_PORT = 179;
const UNPRIVILEGED_BGP_PORT = 1790;

/** A lab that this process runs. */
export interface StartedLab {
  readonly supervisor: Supervisor;
  readonly plan: LabPlan;
}

/**
 * Starts a lab in this process and resolves when it has converged. On any failure, and on abort, everything is taken
 * down before it rejects; the error names the stage.
 */
export async function startLab(
  options: UpOptions,
  onStage: (event: StageEvent) => void,
): Promise<StartedLab> {
  const stage = (name: StageName, state: StageEvent['state'], detail: string): void =>
    onStage({ stage: name, state, detail, atMs: sinceProcessStart() });
  stage('plan', 'running', '');
  const plan = await inStage('plan', () => makePlan(options)).catch((error: StageError) => {
    stage('plan', 'failed', error.message);
    throw error;
  });
  stage('plan', 'done', describePlan(plan));
  const undo: (() => Promise<void> | void)[] = [];
  let failedToUndo = (_error: unknown): void => {};
  const takeDown = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        // What can still be taken down is: a Redis that is gone, for one, keeps its keys and nothing else.
        failedToUndo(error);
      }
    }
  };
  try {
    const { record, ownsStore } = claimName(options, plan);
    undo.push(() => removeState(options.name));
    const { log, flush } = openLog({ file: labPaths(options.name).log }, options.logLevel, {
      lab: options.name,
    });
    undo.push(flush);
    failedToUndo = (error) => log.error({ error: String(error) }, 'something of the lab stays');
    const clock = systemClock();
    const shownStore = withoutCredentials(plan.store);
    stage('store', 'running', shownStore);
    const store = await inStage('store', () => openLabStore(plan, { clock, log, undo, onOwned: ownsStore }));
    stage('store', 'done', `${shownStore}, etcd API on ${store.endpoint}`);
    const runtime = await makeRuntime(options, plan, { clock, log, store, record });
    const { timeoutMs } = options;
    const { endpoint: storeEndpoint } = store;
    const supervisor = new Supervisor({
      plan,
      runtime,
      storeEndpoint,
      log,
      onStage,
      timeoutMs,
      onClosed: takeDown,
    });
    const aborted = (): void => void supervisor.down();
    options.signal.addEventListener('abort', aborted);
    try {
      if (options.signal.aborted) throw new StageError('nodes', 'interrupted');
      await supervisor.up();
    } catch (error) {
      await supervisor.down();
      throw options.signal.aborted ? new StageError('nodes', 'interrupted') : error;
    } finally {
      options.signal.removeEventListener('abort', aborted);
    }
    return { supervisor, plan };
  } catch (error) {
    await takeDown();
    if (error instanceof StageError) stage(error.stage, 'failed', error.message);
    throw error;
  }
}

async function makePlan(options: UpOptions): Promise<LabPlan> {
  const [bgp, others] = await Promise.all([bgpPort(), Promise.resolve(listStates())]);
  const wantsLinux = options.pods !== 'emulated' && options.lab.pods.some(({ kind }) => kind !== 'emulated');
  const ability = wantsLinux ? canUseLinuxPods() : ({ ok: true } as const);
  return planLab(options.lab, {
    runtime: options.runtime,
    pods: options.pods,
    linuxPods: ability.ok ? { possible: true } : { possible: false, reason: ability.reason },
    store: options.store,
    bgpPort: bgp,
    usedUnderlays: others.flatMap((state) => (state.name === options.name ? [] : [state.underlay])),
    name: options.name,
  });
}

/** Only a missing right moves BGP to another port; a port that is taken is an error where it is bound. */
async function bgpPort(): Promise<number> {
  const ability = await canBind('127.0.0.1', BGP_PORT);
  return !ability.ok && ability.code === 'EACCES' ? UNPRIVILEGED_BGP_PORT : BGP_PORT;
}

function describePlan(plan: LabPlan): string {
  const port = plan.bgpPort === BGP_PORT ? 'BGP on TCP 179' : `BGP on TCP ${plan.bgpPort} (179 needs root)`;
  return `${plan.nodes.length} nodes on ${plan.link.subnet}, ${port}, ${plan.podKind} pods (${plan.podReason})`;
}

/** What the state file is told once it is there: processes that the lab starts, and that the store has keys of the lab. */
interface Claim {
  readonly record: (pid: number) => void;
  readonly ownsStore: () => void;
}

/** Writes the state file. */
function claimName(options: UpOptions, plan: LabPlan): Claim {
  let state: LabState = {
    name: options.name,
    pid: process.pid,
    startTicks: processStartTicks(process.pid),
    runtime: options.runtime,
    underlay: plan.link.subnet,
    // What is in a store before is not the lab's, and not to be removed with it should this process be killed.
    store: 'memory',
    children: [],
  };
  let claimed: boolean;
  try {
    claimed = claimState(state);
  } catch (error) {
    const what = `keep the lab's state in ${labPaths(options.name).folder}`;
    throw new Error(`${portErrorFrom(what, error).message}; PODWIRE_RUN_DIR may name another folder`);
  }
  if (!claimed) throw new Error(`lab ${options.name} is up already, or just being brought up`);
  const update = (changes: Partial<LabState>): void => {
    state = { ...state, ...changes };
    writeState(state);
  };
  return {
    record: (pid) => update({ children: [...state.children, { pid, startTicks: processStartTicks(pid) }] }),
    ownsStore: () => update({ store: plan.store }),
  };
}

async function makeRuntime(
  options: UpOptions,
  plan: LabPlan,
  parts: { clock: Clock; log: Log; store: LabStore; record: (pid: number) => void },
): Promise<Runtime> {
  const { clock, log, store, record } = parts;
  const version = packageVersion();
  const program = `podwire ${version}`;
  const told = {
    ...(options.metrics === undefined ? {} : { metrics: { at: options.metrics, version } }),
    ...(options.bmp === undefined ? {} : { bmp: { collector: options.bmp, program } }),
  };
  if (options.runtime === 'netns') {
    const { NetnsRuntime } = await import('./netns.ts');
    return new NetnsRuntime({ plan, log, logLevel: options.logLevel, onProcess: record, ...told });
  }
  const { LocalRuntime } = await import('./local.ts');
  return new LocalRuntime({ clock, log, store, application: program, ...told });
}

async function inStage<T>(stage: StageName, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new StageError(stage, (error as Error).message);
  }
}
