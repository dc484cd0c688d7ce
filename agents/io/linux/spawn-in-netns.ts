import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { withNamespaces } from './netns.ts';

/** Options of {@link spawnInNetns}: Node's, and the UTS namespace (host name) to run in. */
export interface SpawnInNetnsOptions extends SpawnOptions {
  readonly utsPath?: string | undefined;
}

/**
 * Starts a command in a network namespace given by its path ({@link Namespace.path}, `/proc/PID/ns/net`). The child is
 * inside from its first instruction, with all its threads; this process does not move. A command that does not exist
 * is reported by the child's `error` event, as with spawn.
 * @throws PortError where the namespace cannot be entered.
 */
export function spawnInNetns(
  netnsPath: string,
  command: string,
  args: readonly string[],
  options: SpawnInNetnsOptions = {},
): ChildProcess {
  const { utsPath, ...spawnOptions } = options;
  return withNamespaces({ net: netnsPath, uts: utsPath }, () => spawn(command, args, spawnOptions));
}
