/** Results for people: a line for each test, and what was sent and came back where it matters. */
import type { RecordLine } from '../record.ts';
import type { Requirement } from '../requirement.ts';
import type { TestResult } from '../run.ts';
import type { Verdict } from '../verdict.ts';

/** Colours a verdict, or returns it as it is. */
export type PaintVerdict = (verdict: Verdict, text: string) => string;

const WORDS: Readonly<Record<Verdict, string>> = {
  pass: 'pass',
  fail: 'FAIL',
  'not-applicable': 'n/a',
  inconclusive: 'inconclusive',
};

/** One line: `HDR-1   pass   RFC 4271 6.1   Marker not all ones`, and the reason where there is one. */
export function resultLines(result: TestResult, paint: PaintVerdict, detailed: boolean): string[] {
  const { requirement, verdict, reason } = result;
  const level =
    requirement.level === 'must' ? '' : ` (${requirement.level === 'should' ? 'SHOULD' : 'local choice'})`;
  const head = [
    requirement.id.padEnd(6),
    paint(verdict, WORDS[verdict].padEnd(12)),
    requirement.rfc.padEnd(24),
    `${requirement.title}${level}`,
  ].join('  ');
  if (!detailed) {
    const left = verdict === 'pass' ? result.steps.filter((step) => step.verdict === 'not-applicable') : [];
    const notes = left.map(({ name, reason: why }) => `not applicable: ${name}: ${why}`);
    return [head, ...[...(reason === undefined ? [] : [reason]), ...notes].map((line) => `        ${line}`)];
  }
  return [
    head,
    `        stimulus: ${requirement.stimulus}`,
    `        expected: ${requirement.expected}`,
    ...(reason === undefined ? [] : [`        ${WORDS[verdict]}: ${reason}`]),
    ...result.record.lines.map((line) => `          ${recordText(line)}`),
  ];
}

/** `  12 ms  -> ebgp 127.0.16.1  OPEN ...`; arrows as seen from the tester. */
export function recordText({ at, direction, peer, text }: RecordLine): string {
  const arrow = direction === 'sent' ? '->' : direction === 'received' ? '<-' : '--';
  return `${String(at).padStart(6)} ms  ${arrow} ${peer === '' ? '' : `${peer}  `}${text}`;
}

/** `146 tests: 140 pass, 1 fail, 5 not applicable`. */
export function summaryText(results: readonly TestResult[]): string {
  const count = (verdict: Verdict): number => results.filter((result) => result.verdict === verdict).length;
  const parts = (['pass', 'fail', 'not-applicable', 'inconclusive'] as const)
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => `${count(verdict)} ${verdict.replace('-', ' ')}`);
  return `${results.length} ${results.length === 1 ? 'test' : 'tests'}: ${parts.join(', ') || 'none run'}`;
}

/** The list of `--list`. */
export function listLines(requirements: readonly Requirement[]): string[] {
  return requirements.flatMap(({ id, rfc, title, level, stimulus, expected }) => [
    `${id.padEnd(6)}  ${rfc.padEnd(24)}  ${title}${level === 'must' ? '' : ` (${level})`}`,
    `        stimulus: ${stimulus}`,
    `        expected: ${expected}`,
  ]);
}
