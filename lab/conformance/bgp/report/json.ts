/** Results for programs; the form is described in docs/conformance.md. */
import type { Profile } from '../profile.ts';
import type { TestResult } from '../run.ts';
import type { Verdict } from '../verdict.ts';

/** A plain value to be written as JSON. */
export function jsonReport(profile: Profile, results: readonly TestResult[]): object {
  const summary: Record<Verdict, number> = { pass: 0, fail: 0, 'not-applicable': 0, inconclusive: 0 };
  for (const { verdict } of results) summary[verdict]++;
  return {
    target: { ...profile.target, asn: profile.asn },
    summary,
    tests: results.map(({ requirement, verdict, reason, steps, record, milliseconds }) => ({
      id: requirement.id,
      rfc: requirement.rfc,
      level: requirement.level,
      title: requirement.title,
      stimulus: requirement.stimulus,
      expected: requirement.expected,
      verdict,
      ...(reason === undefined ? {} : { reason }),
      milliseconds,
      steps,
      record: record.lines,
    })),
  };
}
