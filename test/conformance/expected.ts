// What each speaker is expected to do: expected/*.yaml lists every requirement whose verdict is not a pass, with why.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { TestResult } from '../../lab/conformance/bgp/run.ts';
import type { Verdict } from '../../lab/conformance/bgp/verdict.ts';

/** A verdict other than pass that is known. */
export interface Expectation {
  readonly verdict: Exclude<Verdict, 'pass'>;
  /** What the speaker does instead, or why the requirement does not apply to it. */
  readonly reason: string;
  /** It passes now and then: what it does depends on a race inside the speaker. */
  readonly sometimes?: true;
  /** Where that can be read: source file, documentation, issue; for a failure. */
  readonly reference?: string;
}

export type Expectations = Readonly<Record<string, Expectation>>;

const FOLDER = join(import.meta.dirname, 'expected');

/** The known verdicts of a speaker, by requirement id. */
export function readExpected(speaker: string): Expectations {
  return (parse(readFileSync(join(FOLDER, `${speaker}.yaml`), 'utf8')) ?? {}) as Expectations;
}

/** Whether a verdict is the known one. */
export function isExpected(id: string, verdict: Verdict, expected: Expectations): boolean {
  const known = expected[id];
  if (verdict === 'pass') return known === undefined || known.sometimes === true;
  return known?.verdict === verdict;
}

/** One line for each requirement whose verdict is not the expected one; empty where all is as known. */
export function differences(
  results: readonly Pick<TestResult, 'requirement' | 'verdict' | 'reason'>[],
  expected: Expectations,
): string[] {
  const seen = new Set(results.map(({ requirement }) => requirement.id));
  const changed = results.flatMap(({ requirement: { id }, verdict, reason }) => {
    if (isExpected(id, verdict, expected)) return [];
    const known = expected[id]?.verdict ?? 'pass';
    return [`${id}: expected ${known}, got ${verdict}${reason === undefined ? '' : ` (${reason})`}`];
  });
  const gone = Object.keys(expected).filter((id) => !seen.has(id));
  return [
    ...changed,
    ...gone.map((id) => `${id}: expected ${expected[id]!.verdict}, but there is no such test`),
  ];
}

/** How to make a difference the expected state, for the message of a failing test. */
export function updateHint(speaker: string): string {
  return (
    `If the new verdicts are right, CONFORMANCE_UPDATE=1 npm test -- --project conformance -t ${speaker}: ` +
    `writes them into test/conformance/expected/${speaker}.yaml; give each new failure a reason and a reference there.`
  );
}

/** Whether the expected verdicts are to be written anew. */
export const updating: boolean = process.env.CONFORMANCE_UPDATE === '1';

/** Writes the verdicts down as expected ones; reasons and references of verdicts that stay are kept. */
export function writeExpected(
  speaker: string,
  results: readonly Pick<TestResult, 'requirement' | 'verdict' | 'reason'>[],
): void {
  const before = readExpected(speaker);
  const after: Record<string, Expectation> = {};
  for (const { requirement, verdict, reason = '' } of results) {
    const known = before[requirement.id];
    if (verdict === 'pass' && known?.sometimes !== true) continue;
    after[requirement.id] =
      known !== undefined && (known.verdict === verdict || verdict === 'pass')
        ? known
        : { verdict: verdict as Expectation['verdict'], reason };
  }
  const file = join(FOLDER, `${speaker}.yaml`);
  const [head] = /^(#.*\n)*/.exec(readFileSync(file, 'utf8')) ?? [''];
  writeFileSync(file, head + stringify(after, { lineWidth: 110 }));
}
