import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { connectAgent, connectLab } from '../../agents/control/client.ts';
import type { LabControl, LabInfo, NodeAction } from '../../agents/control/routes.ts';
import { ControlError } from '../../agents/control/transport.ts';
import type { AgentControl } from '../../agents/control/types.ts';
import type { ForegroundLab, LabHandle, UpOptions } from '../cli/lab-access.ts';
import type { DaemonMessage } from './daemon.ts';
import { daemonEntry } from './entry.ts';
import { StageError, type StageEvent, type StageName } from './stages.ts';
import { isAlive, type LabState, labPaths, listStates, readState, removeState } from './state.ts';

/**
 * The labs of this machine: those that run under a supervisor (found by their state files) and those that run under
 * Docker Compose (found by their containers' labels).
 */

/** Path of a lab's log. */
export function logFile(name: string): string {
  return labPaths(name).log;
}

/** Labs that run under a supervisor, by name. Docker is not asked: it may take a second to say that it is not there. */
export async function listLabs(): Promise<readonly LabInfo[]> {
  const infos = await Promise.all(
    listStates()
      .filter(isAlive)
      .map((state) =>
        labControl(state.name)
          .info()
          .catch(() => undefined),
      ),
  );
  return infos.filter((info) => info !== undefined);
}

/** A running lab by name; without a name the only one. Compose labs are looked for where no other is meant. */
export async function openLab(name?: string): Promise<LabHandle> {
  const alive = listStates().filter(isAlive);
  const state = name === undefined ? alive[0] : alive.find((each) => each.name === name);
  if (name === undefined && alive.length > 1) {
    throw new Error(`several labs run, choose one with --name: ${alive.map((each) => each.name).join(', ')}`);
  }
  if (state !== undefined) return new SupervisedLab(state.name, labControl(state.name));
  const { ComposeLab, composeLabs } = await import('./compose.ts');
  const labs = await composeLabs();
  const found = name === undefined ? labs[0] : labs.find((lab) => lab.name === name);
  if (found !== undefined) return new ComposeLab(found);
  if (name === undefined) throw new Error('no lab runs; bring one up with: podwire up');
  const running = [...alive, ...labs].map((each) => each.name).join(', ');
  throw new Error(`no lab ${name} runs; running: ${running || 'none'}`);
}

/** Removes what labs left whose supervisor died: processes that it had started, and the lab's folder. */
export async function cleanDeadLabs(): Promise<readonly string[]> {
  const dead = listStates().filter((state) => !isAlive(state));
  for (const state of dead) await cleanDeadLab(state);
  return dead.map((state) => state.name);
}

/** Brings a lab up in this process. */
export async function upLab(
  options: UpOptions,
  onStage: (event: StageEvent) => void,
): Promise<ForegroundLab> {
  await cleanLeftovers(options.name);
  // Only bringing a lab up needs the agents' code; every other command is faster without it.
  const { startLab } = await import('./start.ts');
  const { supervisor } = await startLab(options, onStage);
  const direct = new SupervisedLab(options.name, supervisor, supervisor.agents);
  return Object.assign(direct, { ended: supervisor.ended });
}

/** Brings a lab up in a process of its own, which stays. */
export async function upLabDetached(
  options: UpOptions,
  onStage: (event: StageEvent) => void,
): Promise<LabHandle> {
  await cleanLeftovers(options.name);
  const { signal, ...request } = options;
  const child = spawn(process.execPath, [daemonEntry], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const abort = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', abort);
  try {
    await new Promise<void>((resolve, reject) => {
      let failed: Error | undefined;
      child.send(request);
      child.on('message', (message: DaemonMessage) => {
        if (message.kind === 'stage') onStage(message.event as StageEvent);
        else if (message.kind === 'converged') resolve();
        else failed = failure(message.stage, message.message);
      });
      child.on('error', (error) => reject(new Error(`cannot start the lab's process: ${error.message}`)));
      // After a failure its process is the last that is left of the lab.
      child.on('exit', (code, ended) =>
        reject(failed ?? new Error(`the lab's process ended (${code ?? ended})`)),
      );
    });
  } finally {
    signal.removeEventListener('abort', abort);
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
  return new SupervisedLab(options.name, labControl(options.name));
}

/** A lab under a supervisor, in this process or another. */
class SupervisedLab implements LabHandle {
  readonly name: string;
  readonly #control: LabControl;
  readonly #agents: ReadonlyMap<string, AgentControl> | undefined;

  constructor(name: string, control: LabControl, agents?: ReadonlyMap<string, AgentControl>) {
    this.name = name;
    this.#control = control;
    this.#agents = agents;
  }

  async nodes(): Promise<readonly AgentControl[]> {
    if (this.#agents !== undefined) return [...this.#agents.values()];
    const { nodes } = await this.info();
    return nodes.flatMap(({ name, endpoint }) => (endpoint === null ? [] : [connectAgent(endpoint, name)]));
  }

  info(): Promise<LabInfo> {
    return this.#control.info();
  }

  node(name: string, action: NodeAction): Promise<void> {
    return this.#control.node(name, action);
  }

  async down(): Promise<void> {
    const state = readState(this.name);
    try {
      await this.#control.down();
    } catch (error) {
      // Its process may be gone before the answer came through, which is what was asked for.
      if (!(error instanceof ControlError) || error.status !== 0) throw error;
    }
    if (state !== undefined && state.pid !== process.pid) await processEnd(state);
  }

  close(): void {
    // Nothing is held: every question opens its own connection.
  }
}

function labControl(name: string): LabControl {
  return connectLab({ kind: 'unix', path: labPaths(name).control });
}

function failure(stage: string | undefined, message: string): Error {
  return stage === undefined ? new Error(message) : new StageError(stage as StageName, message);
}

async function cleanLeftovers(name: string): Promise<void> {
  const state = readState(name);
  if (state === undefined) return;
  if (isAlive(state)) throw new Error(`lab ${name} is up already (process ${state.pid})`);
  await cleanDeadLab(state);
}

/** Namespaces and sockets went with the dead process; what is left are commands of foreign nodes, data and files. */
async function cleanDeadLab(state: LabState): Promise<void> {
  for (const child of state.children) {
    if (!isAlive(child)) continue;
    for (const target of [-child.pid, child.pid]) {
      try {
        process.kill(target, 'SIGKILL');
      } catch {
        // It is no group, or has ended meanwhile.
      }
    }
  }
  const [{ cleanLabStore }, { systemClock }] = await Promise.all([
    import('./lab-store.ts'),
    import('../../agents/io/clock.ts'),
  ]);
  await cleanLabStore(state.store, state.name, systemClock());
  await rm(labPaths(state.name).folder, { recursive: true, force: true });
  removeState(state.name);
}

/** Resolves when the supervisor's process has ended, so that its ports and addresses are free again. */
async function processEnd(state: LabState): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (isAlive(state) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
