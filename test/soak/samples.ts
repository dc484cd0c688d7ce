// Whether memory and tables stay as they are: samples of a run, and what of them grew.
import { collectedMemory } from '../fuzz/memory.ts';
import type { Soak } from './soak.ts';

/** Taken once all that can be freed is. Octets, and numbers of things. */
export interface Sample {
  readonly rss: number;
  readonly heapUsed: number;
  readonly arrayBuffers: number;
  readonly attributeSets: number;
  readonly paths: number;
}

/** How much more the last third may have than the middle one, as a share and in addition to it. */
const LIMITS: Readonly<Record<keyof Sample, { readonly share: number; readonly more: number }>> = {
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

/** What grew, a line each. The first third of the samples lets what was warmed up come to rest. */
export function growth(samples: readonly Sample[]): string[] {
  const third = Math.floor(samples.length / 3);
  const middle = samples.slice(third, 2 * third);
  const last = samples.slice(2 * third);
  return (Object.keys(LIMITS) as (keyof Sample)[]).flatMap((key) => {
    const { share, more } = LIMITS[key];
    const [before, after] = [median(middle, key), median(last, key)];
    return after > before * (1 + share) + more ? [`${key} grew from ${before} to ${after}`] : [];
  });
}

function median(samples: readonly Sample[], key: keyof Sample): number {
  const values = samples.map((each) => each[key]).sort((a, b) => a - b);
  return values[values.length >> 1] ?? 0;
}

/** A line for people. */
export function sampleText({ rss, heapUsed, arrayBuffers, attributeSets, paths }: Sample): string {
  const mebibytes = (octets: number): string => (octets / (1 << 20)).toFixed(1);
  return (
    `rss ${mebibytes(rss)}, heap ${mebibytes(heapUsed)}, array buffers ${mebibytes(arrayBuffers)} MiB, ` +
    `${paths} paths, ${attributeSets} attribute sets`
  );
}
