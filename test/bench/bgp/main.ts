// npm run bench:bgp [-- OPTIONS]: podwire, BIRD, FRR and GoBGP side by side (docs/bench-bgp.md).
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../../support/root.ts';
import { scriptOptions, wrongUsage } from '../../support/script-options.ts';
import { machine } from '../labs.ts';
import { findProgram } from '../server-process.ts';
import { measure, type RunFigures } from './measure.ts';
import { report } from './report.ts';
import { bird } from './speakers/bird.ts';
import { frr } from './speakers/frr.ts';
import { gobgp } from './speakers/gobgp.ts';
import { podwire } from './speakers/podwire.ts';
import { WORKS } from './works.ts';

const USAGE = `usage: npm run bench:bgp -- [--only WORK[,WORK]] [--speaker NAME[,NAME]] [--routes N] [--runs N]
  [--seconds N] [--timeout SECONDS] [--observe] [--node OPTION]... [--json FILE]
works: ${Object.keys(WORKS).join(', ')}
speakers: podwire, bird, frr, gobgp`;

function number(text: string): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0
    ? value
    : wrongUsage(USAGE, `${text}: expected a whole number above 0`);
}

function unknown(what: string, name: string): never {
  return wrongUsage(USAGE, `${name}: no such ${what}`);
}

const given = scriptOptions(USAGE, {
  only: { type: 'string', default: Object.keys(WORKS).join(',') },
  speaker: { type: 'string', default: 'podwire,bird,frr,gobgp' },
  routes: { type: 'string', default: '1000000' },
  runs: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '60' },
  timeout: { type: 'string', default: '300' },
  observe: { type: 'boolean', default: false },
  node: { type: 'string', multiple: true, default: [] },
  json: { type: 'string', default: join(root, 'test', 'bench', 'results', 'bgp.json') },
});
const scale = { routes: number(given.routes), seconds: number(given.seconds) };
const runs = number(given.runs);
const timeout = number(given.timeout) * 1000;
const kinds = [podwire(given.node), bird, frr, gobgp];
const speakers = given.speaker
  .split(',')
  .map((name) => kinds.find((kind) => kind.name === name) ?? unknown('speaker', name));
const works = given.only.split(',').map((name) => WORKS[name]?.(scale) ?? unknown('work', name));

const figures: RunFigures[] = [];
for (const work of works) {
  console.log(work.title);
  for (const speaker of speakers) {
    const missing = speaker.programs.find((program) => findProgram(program) === undefined);
    if (missing !== undefined) {
      console.log(`${speaker.name}: ${missing} is not installed`);
      continue;
    }
    for (let i = 0; i < runs; i++) {
      const run = await measure(work, speaker, { timeout, observed: given.observe });
      figures.push(run);
      // What is not done in time once will not be the next time.
      if (run.failure !== undefined) break;
    }
  }
  for (const line of report(figures.filter((run) => run.work === work.name))) console.log(line);
  console.log();
}
mkdirSync(dirname(given.json), { recursive: true });
writeFileSync(given.json, `${JSON.stringify({ machine: machine(), ...scale, runs, figures }, null, 1)}\n`);
process.exitCode = figures.some(({ phases }) => phases.some(({ wrong }) => wrong > 0)) ? 1 : 0;
