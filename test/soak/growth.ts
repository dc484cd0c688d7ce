// Whether what was sampled during a long run stayed what it was.

/** How much more the last third may have than the middle one, as a share and in addition to it. */
export interface Limit {
  readonly share: number;
  readonly more: number;
}

/** What grew, a line each. The first third of the samples lets what was warmed up come to rest. */
export function growth<K extends string>(
  samples: readonly Readonly<Record<K, number>>[],
  limits: Readonly<Record<K, Limit>>,
): string[] {
  const third = Math.floor(samples.length / 3);
  const middle = samples.slice(third, 2 * third);
  const last = samples.slice(2 * third);
  return (Object.keys(limits) as K[]).flatMap((key) => {
    const { share, more } = limits[key];
    const [before, after] = [median(middle, key), median(last, key)];
    return after > before * (1 + share) + more ? [`${key} grew from ${before} to ${after}`] : [];
  });
}

function median<K extends string>(samples: readonly Readonly<Record<K, number>>[], key: K): number {
  const values = samples.map((each) => each[key]).sort((a, b) => a - b);
  return values[values.length >> 1] ?? 0;
}
