// Whether a long run keeps memory.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Memory once all that can be freed is. */
export function collectedMemory(): NodeJS.MemoryUsage {
  collect();
  collect();
  return process.memoryUsage();
}

/** Octets that are in use once all that can be freed is. */
export function heldMemory(): number {
  const { heapUsed, arrayBuffers } = collectedMemory();
  return heapUsed + arrayBuffers;
}
