/** Results as JUnit XML, the form that CI systems show: a testsuite for each group, a testcase for each requirement. */
import type { TestResult } from '../run.ts';
import { recordText } from './table.ts';

/** A whole XML document. */
export function junitReport(name: string, results: readonly TestResult[]): string {
  const groups = Map.groupBy(results, ({ requirement }) => requirement.id.split('-')[0]!);
  const suites = [...groups].map(([group, list]) => suite(group, list));
  const head = `<testsuites name="${xml(name)}" ${counts(results)}>`;
  return ['<?xml version="1.0" encoding="UTF-8"?>', head, ...suites, '</testsuites>', ''].join('\n');
}

function suite(group: string, results: readonly TestResult[]): string {
  return [
    `  <testsuite name="${group}" ${counts(results)}>`,
    ...results.map(testcase),
    '  </testsuite>',
  ].join('\n');
}

function counts(results: readonly TestResult[]): string {
  const count = (verdict: TestResult['verdict']): number =>
    results.filter((result) => result.verdict === verdict).length;
  const seconds = results.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
  return (
    `tests="${results.length}" failures="${count('fail')}" errors="${count('inconclusive')}" ` +
    `skipped="${count('not-applicable')}" time="${seconds.toFixed(3)}"`
  );
}

function testcase({ requirement, verdict, reason = '', record, milliseconds }: TestResult): string {
  const { id, rfc, title } = requirement;
  const open = `    <testcase classname="${id.split('-')[0]}" name="${xml(`${id} ${title} (${rfc})`)}" time="${(milliseconds / 1000).toFixed(3)}"`;
  if (verdict === 'pass') return `${open}/>`;
  const tag = verdict === 'fail' ? 'failure' : verdict === 'inconclusive' ? 'error' : 'skipped';
  const lines = verdict === 'not-applicable' ? '' : xml(record.lines.map(recordText).join('\n'));
  return [`${open}>`, `      <${tag} message="${xml(reason)}">${lines}</${tag}>`, '    </testcase>'].join(
    '\n',
  );
}

/** For text and attribute values; octets that XML 1.0 cannot hold become U+FFFD. */
function xml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
