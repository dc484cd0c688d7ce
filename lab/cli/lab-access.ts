import type { LabInfo, NodeAction } from '../../agents/control/routes.ts';
import type { AgentControl } from '../../agents/control/types.ts';
import type { LogLevel } from '../../agents/log.ts';
import type { Endpoint } from '../../agents/ports.ts';
import type { Lab } from '../file/model.ts';
import type { StageEvent } from '../runtime/stages.ts';

/**
 * How the command line reaches labs. `lab/runtime/lab.ts` is the implementation; commands get it through their
 * context, so tests can give them another.
 */
export interface LabAccess {
  /**
   * A running lab by name; without a name the only one that runs. Rejects with one line, naming the labs that run,
   * where there is none or more than one.
   */
  openLab(name?: string): Promise<LabHandle>;
  /** Labs that run, by name. */
  listLabs(): Promise<readonly LabInfo[]>;
  /** Removes what labs left whose processes died; returns their names. */
  cleanDeadLabs(): Promise<readonly string[]>;
  /** Brings a lab up in this process; resolves when it has converged. Rejects, with everything taken down, when not. */
  upLab(options: UpOptions, onStage: (event: StageEvent) => void): Promise<ForegroundLab>;
  /** The same in a process of its own, which stays when this one ends. */
  upLabDetached(options: UpOptions, onStage: (event: StageEvent) => void): Promise<LabHandle>;
  /** Path of a lab's log, JSON lines. */
  logFile(name: string): string;
}

/** A running lab. */
export interface LabHandle {
  readonly name: string;
  /** Control interfaces of the agents that run. */
  nodes(): Promise<readonly AgentControl[]>;
  info(): Promise<LabInfo>;
  /** Stops, kills or starts one node; resolves when that is done. Rejects with one line. */
  node(name: string, action: NodeAction): Promise<void>;
  /** Ends the lab; resolves when nothing of it is left. */
  down(): Promise<void>;
  /** Lets go of the lab, which runs on. */
  close(): void;
}

/** A lab that ends with this process. */
export interface ForegroundLab extends LabHandle {
  /** Settles when the lab has ended, whoever asked for it. */
  readonly ended: Promise<void>;
}

/** What `podwire up` was asked for. */
export interface UpOptions {
  readonly lab: Lab;
  /** Path of the lab file, absolute. */
  readonly file: string;
  /** Name to run under: `--name`, or the file's. */
  readonly name: string;
  readonly runtime: 'local' | 'netns';
  readonly pods: 'auto' | 'linux' | 'emulated';
  /** `memory`, or the URL of a Redis. */
  readonly store: string;
  readonly logLevel: LogLevel;
  /**
   * Where Prometheus scrapes all nodes of the runtime `local`; with `netns` each node, at this address of its namespace.
   * Absent: nowhere.
   */
  readonly metrics?: Endpoint;
  /** BMP collector that all nodes tell of their speakers. */
  readonly bmp?: Endpoint;
  /** How long convergence may take. */
  readonly timeoutMs: number;
  /** Aborts start-up (Ctrl-C). */
  readonly signal: AbortSignal;
}

/** The labs of this machine. */
export async function systemLabs(): Promise<LabAccess> {
  return await import('../runtime/lab.ts');
}
