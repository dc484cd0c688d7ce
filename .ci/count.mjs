// Prints `PASSED FAILED` from vitest's JSON report. A skipped test counts as failed (CI runs everything), and so does a
// file that failed before its tests began. Says on stderr which they are.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
let passed = 0;
let failed = 0;
for (const file of report.testResults) {
  const failedBefore = failed;
  for (const test of file.assertionResults) {
    if (test.status === 'passed') {
      passed++;
      continue;
    }
    failed++;
    if (test.status !== 'failed') console.error(`${test.status}: ${file.name}: ${test.fullName}`);
  }
  if (file.status === 'failed' && failed === failedBefore) {
    failed++;
    console.error(`failed as a whole: ${file.name}: ${file.message}`);
  }
}
console.log(`${passed} ${failed}`);
