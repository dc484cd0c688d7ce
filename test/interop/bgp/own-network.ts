// A network namespace for a test file and all that it starts, with addresses of its choice.
import { execFileSync } from 'node:child_process';
import { createNetns, enterNetns } from '../../../agents/io/linux/netns.ts';
import { requireTool } from '../../support/tools.ts';

/**
 * Moves this process, which runs one test file, into a network namespace of its own for good: its loopback is up and
 * has these addresses. Needs root.
 */
export function enterOwnNetwork(addresses: readonly string[]): void {
  const namespace = createNetns();
  enterNetns(namespace.path);
  namespace.close();
  ip('link', 'set', 'lo', 'up');
  for (const address of addresses)
    ip('address', 'add', address, 'dev', 'lo', ...(address.includes(':') ? ['nodad'] : []));
}

/** Runs ip(8) in the namespace. */
export function ip(...args: readonly string[]): void {
  execFileSync(requireTool('ip'), args);
}
