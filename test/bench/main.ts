import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root.ts';
import { benchLabs, machine } from './labs.ts';

/**
 * npm run bench                      labs of 3, 50 and 200 hosts: time to converged, memory
 * npm run bench -- labs 3,10 --runs 5
 * npm run bench -- forwarder         nanoseconds per packet of the forwarder alone
 */
const [what = 'labs', ...rest] = process.argv.slice(2);
if (what === 'forwarder') {
  await import('./forwarder.ts');
} else if (what === 'labs') {
  const runsAt = rest.indexOf('--runs');
  const runs = runsAt < 0 ? 3 : Number(rest[runsAt + 1]);
  const sizes = (rest[0] === undefined || rest[0].startsWith('-') ? '3,50,200' : rest[0])
    .split(',')
    .map(Number);
  const figures = await benchLabs(sizes, runs);
  console.log(`${machine()}; medians of ${runs} runs`);
  console.log('hosts   pods  sessions  command ms  converged ms  peak MB');
  for (const each of figures) {
    const cells = [each.hosts, each.pods, each.sessions, each.commandMs, each.convergedMs, each.peakMb];
    const widths = [5, 7, 10, 12, 14, 9];
    console.log(cells.map((cell, i) => cell.toFixed(0).padStart(widths[i]!)).join(''));
  }
  const folder = join(root, 'test', 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'labs.json'),
    `${JSON.stringify({ machine: machine(), runs, figures }, null, 2)}\n`,
  );
} else {
  console.error('usage: npm run bench -- [labs [SIZES] [--runs N] | forwarder]');
  process.exit(2);
}
