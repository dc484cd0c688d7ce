// Samples of a speaker's run: its memory and tables, which are to stay as they are.
import { collectedMemory } from '../fuzz/memory.ts';
import type { Limit } from './growth.ts';
import type { Soak } from './soak.ts';

/** Taken once all that can be freed is. Octets, and numbers of things. */
export interface Sample {
  readonly rss: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  readonly attributeSets: number;
  readonly paths: number;
}

/** How much they may grow. */
export const LIMITS: Readonly<Record<keyof Sample, Limit>> = {
  // The allocator keeps pages for a while, and the system decides what is resident.
  rss: { share: 0.1, more: 16 << 20 },
  heapUsed: { share: 0.05, more: 1 << 20 },
  arrayBuffers: { share: 0.05, more: 1 << 20 },
  attributeSets: { share: 0.05, more: 500 },
  paths: { share: 0.05, more: 500 },
};

export function sample({ speaker }: Soak): Sample {
  const { rss, heapUsed, arrayBuffers } = collectedMemory();
  const paths = speaker.table.statistics().reduce((sum, each) => sum + each.paths, 0);
  return { rss, heapUsed, arrayBuffers, attributeSets: speaker.table.attributeSets, paths };
}

/** A line for people. */
export function sampleText({ rss, heapUsed, arrayBuffers, attributeSets, paths }: Sample): string {
  const mebibytes = (octets: number): string => (octets / (1 << 20)).toFixed(1);
  return (
    `rss ${mebibytes(rss)}, heap ${mebibytes(heapUsed)}, array buffers ${mebibytes(arrayBuffers)} MiB, ` +
    `${paths} paths, ${attributeSets} attribute sets`
  );
}
