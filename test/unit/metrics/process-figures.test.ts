// What is told of the event loop, from times between two looks at it that are given.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { ProcessWatch } from '../../../agents/io/process-figures.ts';

const MILLISECOND = 1e6;

test('the sum of delays never falls, though a look may come early after a late one', () => {
  const histograms: RecordableHistogram[] = [];
  const watch = new ProcessWatch(() => {
    const histogram = createHistogram();
    histograms.push(histogram);
    return Object.assign(histogram, { disable: () => true });
  });
  const [all] = histograms as [RecordableHistogram];
  try {
    expect(watch.read().eventLoopDelay).toMatchObject({ sum: 0, count: 0 });
    all.record(30 * MILLISECOND);
    const { sum } = watch.read().eventLoopDelay;
    expect(sum).toBeCloseTo(0.02, 4);
    // Five milliseconds before its time.
    all.record(5 * MILLISECOND);
    expect(watch.read().eventLoopDelay).toMatchObject({ sum, count: 2 });
    all.record(25 * MILLISECOND);
    expect(watch.read().eventLoopDelay.sum).toBeCloseTo(0.03, 4);
  } finally {
    watch.close();
  }
});
