// A day of churn at night: `npm run soak -- --hours 24 --seed 7`. Exit code 1 where anything grew or a table is wrong.
import { scriptOptions, wrongUsage } from '../support/script-options.ts';
import { growth } from './growth.ts';
import { LIMITS, type Sample, sample, sampleText } from './samples.ts';
import { Soak } from './soak.ts';

/** Samples of a run, whatever its length. */
const SAMPLES = 48;

const USAGE = `usage: npm run soak -- [--hours N] [--seed N] [--routes N] [--rate N]
  --hours   virtual time; default 24, which takes some minutes
  --seed    what happens when; default by the clock, told at the end
  --routes  prefixes; default 20000
  --rate    changes in a second of virtual time; default 30`;

const values = scriptOptions(USAGE, {
  hours: { type: 'string', default: '24' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  routes: { type: 'string', default: '20000' },
  rate: { type: 'string', default: '30' },
});

function numberOf(name: keyof typeof values, least: number): number {
  const number = Number(values[name]);
  if (Number.isFinite(number) && number >= least) return number;
  return wrongUsage(USAGE, `--${name} ${values[name]}: expected a number from ${least} on`);
}

const seed = Math.floor(numberOf('seed', 0));
const seconds = Math.round(numberOf('hours', 0.1) * 3600);
const soak = new Soak({
  seed,
  routes: Math.floor(numberOf('routes', 1)),
  rate: Math.floor(numberOf('rate', 1)),
});
const began = performance.now();
await soak.start();
soak.warmUp();
const samples: Sample[] = [];
for (let second = 1; second <= seconds; second++) {
  soak.tick();
  if (second < Math.round(((samples.length + 1) * seconds) / SAMPLES)) continue;
  const taken = sample(soak);
  samples.push(taken);
  console.error(
    `soak: ${(second / 3600).toFixed(2)} h, ${soak.counts.changes} changes: ${sampleText(taken)}`,
  );
}
soak.rest();
const faults = [...soak.faults(), ...growth(samples, LIMITS), ...(await soak.end())];
for (const fault of faults) console.error(`soak: ${fault}`);
const { changes, sessions, stops, refreshes } = soak.counts;
console.log(
  `seed ${seed}: ${seconds / 3600} h in ${((performance.now() - began) / 1000).toFixed(0)} s, ${changes} changes, ` +
    `${sessions} sessions ended, ${stops} readers stopped, ${refreshes} refreshes; ${faults.length} faults`,
);
process.exitCode = faults.length > 0 ? 1 : 0;
