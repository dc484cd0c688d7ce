/** How a test ends, and the ways in which its code says so. */

/** What a test found. A test that returns without a word has passed. */
export type Verdict = 'pass' | 'fail' | 'not-applicable' | 'inconclusive';

/** The target did something else than the requirement expects. */
export class Failed extends Error {
  override readonly name = 'Failed';
}

/** The requirement does not concern this target, or cannot be seen with these peers: the message says why. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

/** The test could not be carried through: what it builds on did not come about. */
export class Inconclusive extends Error {
  override readonly name = 'Inconclusive';
}

/** What an error that a test threw means. An error of any other class is a fault of the tester. */
export function verdictOf(error: unknown): { readonly verdict: Verdict; readonly reason: string } {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof Failed) return { verdict: 'fail', reason };
  if (error instanceof NotApplicable) return { verdict: 'not-applicable', reason };
  if (error instanceof Inconclusive) return { verdict: 'inconclusive', reason };
  return { verdict: 'inconclusive', reason: `the tester failed: ${reason}` };
}

const RANK: Readonly<Record<Verdict, number>> = { fail: 3, inconclusive: 2, pass: 1, 'not-applicable': 0 };

/** Verdict of a whole of parts: the worst one; not applicable only where no part is applicable. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  return verdicts.reduce((a, b) => (RANK[b] > RANK[a] ? b : a), 'not-applicable');
}
