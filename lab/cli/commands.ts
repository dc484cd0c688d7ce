import type { Command } from 'commander';
import type { CliContext } from './context.ts';

/** Adds one command to the program. Whatever is heavy is imported by the command's action. */
export type Register = (program: Command, context: CliContext) => void;

/** A command: its module is loaded when it is called, or when help is asked for. */
export interface CommandEntry {
  readonly load: () => Promise<{ readonly register: Register }>;
}

/** All commands, in the order of the help. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  up: { load: () => import('./up.ts') },
  down: { load: () => import('./down.ts') },
  stop: { load: async () => ({ register: (await import('./node.ts')).registerStop }) },
  start: { load: async () => ({ register: (await import('./node.ts')).registerStart }) },
  kill: { load: async () => ({ register: (await import('./node.ts')).registerKill }) },
  inspect: { load: () => import('./inspect.ts') },
  exec: { load: () => import('./exec.ts') },
  ping: { load: () => import('./ping.ts') },
  capture: { load: () => import('./capture.ts') },
  logs: { load: () => import('./logs.ts') },
  bgp: { load: () => import('./bgp.ts') },
  mrt: { load: () => import('./mrt.ts') },
  bmp: { load: () => import('./bmp.ts') },
  speaker: { load: () => import('./speaker.ts') },
  validate: { load: () => import('./validate.ts') },
  conformance: { load: () => import('./conformance.ts') },
  version: { load: () => import('./version.ts') },
  agent: { load: () => import('./agent.ts') },
  store: { load: () => import('./store.ts') },
  pod: { load: () => import('./pod.ts') },
  health: { load: () => import('./health.ts') },
  'control-proxy': { load: () => import('./control-proxy.ts') },
  completion: { load: () => import('./completion.ts') },
  __complete: { load: () => import('./complete.ts') },
};
