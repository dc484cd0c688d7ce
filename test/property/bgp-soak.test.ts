import { expect, test } from 'vitest';
import { growth } from '../soak/growth.ts';
import { LIMITS, type Sample } from '../soak/samples.ts';
import { Soak } from '../soak/soak.ts';

test('churn leaves every peer with the table of a naive model, and then nothing', async () => {
  const soak = new Soak({ seed: 3, routes: 300, rate: 40 });
  await soak.start();
  for (let second = 0; second < 300; second++) soak.tick();
  soak.rest();
  expect(soak.faults()).toEqual([]);
  expect(soak.counts.changes).toBeGreaterThan(10_000);
  expect(await soak.end()).toEqual([]);
});

test('what grows by little each time is told, what goes up and down is not', () => {
  const samples = (arrayBuffers: (i: number) => number): Sample[] =>
    Array.from({ length: 48 }, (_, i) => {
      return { rss: 2e8, heapUsed: 2e7, arrayBuffers: arrayBuffers(i), attributeSets: 1000, paths: 5000 };
    });
  expect(
    growth(
      samples((i) => 3e7 + (i % 7) * 1e6),
      LIMITS,
    ),
  ).toEqual([]);
  expect(
    growth(
      samples((i) => 3e7 + i * 3e5),
      LIMITS,
    ),
  ).toEqual([expect.stringMatching(/^arrayBuffers grew from /)]);
});
