import { join } from 'node:path';
import { packageRoot } from '../cli/package.ts';

/** Source files run as they are in a checkout; the bundle has the emitted JavaScript in their place. */
const [folder, extension] = import.meta.url.endsWith('.ts') ? ['.', 'ts'] : ['dist', 'js'];

function entry(path: string): string {
  return join(packageRoot(), folder, `${path}.${extension}`);
}

/** Path of the module that a supervisor runs as an agent's process. */
export const agentEntry: string = entry('agents/main');

/** Path of the module that `podwire up -d` runs as the lab's process. */
export const daemonEntry: string = entry('lab/runtime/daemon');
