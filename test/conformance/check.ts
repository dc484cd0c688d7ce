// Runs the whole suite against a speaker and compares with what is known of it.
import { expect } from 'vitest';
import { type RunOptions, runRequirements, type TestResult } from '../../lab/conformance/bgp/run.ts';
import { REQUIREMENTS } from '../../lab/conformance/bgp/suite.ts';
import { differences, isExpected, readExpected, updateHint, updating, writeExpected } from './expected.ts';
import type { Target } from './target.ts';

/** Longest time of a whole run: the timer of OpenSent alone has four minutes. */
export const SUITE_TIME: number = 20 * 60_000;

/**
 * Runs all requirements against a target and fails where a verdict is not the expected one. What differs is run once
 * more by itself first, so that a machine that stood still for a moment does not count.
 * @param alone ids and groups that run one by one before the others, because they crash the target.
 */
export async function checkTarget(
  name: string,
  start: () => Promise<Target>,
  alone: readonly string[] = [],
): Promise<void> {
  const target = await start();
  try {
    const expected = readExpected(name);
    const runs = async (
      list: typeof REQUIREMENTS,
      options: Omit<RunOptions, 'commands'>,
    ): Promise<readonly TestResult[]> =>
      await runRequirements(list, target.profile, { ...options, commands: target.commands });
    const isAlone = ({ id }: { readonly id: string }): boolean =>
      alone.some((word) => id === word || id.split('-')[0] === word);
    const first = [
      ...(await runs(REQUIREMENTS.filter(isAlone), { parallel: 1 })),
      ...(await runs(
        REQUIREMENTS.filter((requirement) => !isAlone(requirement)),
        { parallel: 10 },
      )),
    ];
    const differs = ({ requirement, verdict }: TestResult): boolean =>
      !isExpected(requirement.id, verdict, expected);
    const again = await runs(
      first.filter(differs).map(({ requirement }) => requirement),
      { parallel: 1 },
    );
    const results = REQUIREMENTS.map(
      ({ id }) =>
        again.find(({ requirement }) => requirement.id === id) ??
        first.find(({ requirement }) => requirement.id === id)!,
    );
    if (updating) writeExpected(name, results);
    else expect(differences(results, expected), updateHint(name)).toEqual([]);
  } finally {
    await target.stop();
  }
}
