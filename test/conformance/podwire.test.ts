import { describe, expect, test } from 'vitest';
import { checkTarget, SUITE_TIME } from './check.ts';
import { readExpected } from './expected.ts';
import { startPodwire } from './target.ts';

describe('podwire speaker', () => {
  test('nothing that it fails is known', () => {
    const bad = Object.entries(readExpected('podwire')).filter(
      ([, { verdict }]) => verdict !== 'not-applicable',
    );
    expect(bad).toEqual([]);
  });

  test('meets every requirement that applies', () => checkTarget('podwire', startPodwire), SUITE_TIME);
});
