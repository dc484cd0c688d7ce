// The nightly mode: `npm run fuzz -- --messages 10000000 --seed 7`, and one case again: `--seed 7 --only 1234`.
import { scriptOptions, wrongUsage } from '../support/script-options.ts';
import { heldMemory } from './memory.ts';
import { type Failure, Fuzzer, failureText } from './run.ts';
import { TARGETS } from './targets.ts';
import { Watchdog } from './watchdog.ts';

/** Milliseconds between two lines of progress. */
const PROGRESS = 5000;
/** A run that fails more often says no more. */
const MAX_FAILURES = 20;
/** Octets that may be held at the end beyond those after warming up. */
const MAX_GROWTH = 16 << 20;
/** Cases until everything was compiled and every table has its size. */
const WARM_UP = 50_000;

const USAGE = `usage: npm run fuzz -- [--messages N] [--seed N] [--target NAME] [--only N]
  --messages  cases; default 10000000
  --seed      what the cases are; default by the clock, told at the end
  --target    ${TARGETS.map(({ name }) => name).join(', ')}; default all of them
  --only      one case again, by its number`;

const values = scriptOptions(USAGE, {
  messages: { type: 'string', default: '10000000' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  only: { type: 'string' },
  target: { type: 'string' },
});

function numberOf(name: 'messages' | 'seed' | 'only'): number {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  return wrongUsage(USAGE, `--${name} ${values[name]}: expected a whole number`);
}

const seed = numberOf('seed');
const targets = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
if (targets.length === 0) {
  wrongUsage(USAGE, `--target ${values.target}: expected ${TARGETS.map(({ name }) => name).join(' or ')}`);
}
const fuzzer = new Fuzzer(seed, targets);
process.exitCode = values.only === undefined ? await run(numberOf('messages')) : again(numberOf('only'));

/** One case, with whatever it says. @returns the exit code. */
function again(index: number): number {
  const failure = fuzzer.run(index);
  console.log(failure === undefined ? `seed ${seed}, case ${index}: nothing wrong` : failureText(failure));
  return failure === undefined ? 0 : 1;
}

async function run(count: number): Promise<number> {
  const watchdog = new Watchdog(seed);
  const failures: Failure[] = [];
  const started = performance.now();
  let told = started;
  let held = 0;
  for (let index = 0; index < count && failures.length < MAX_FAILURES; index++) {
    watchdog.enter(index);
    const failure = fuzzer.run(index);
    if (failure !== undefined) {
      failures.push(failure);
      console.error(failureText(failure));
    }
    if (index === WARM_UP) held = heldMemory();
    const now = performance.now();
    if (now - told < PROGRESS) continue;
    told = now;
    const rate = Math.round(((index + 1) / (now - started)) * 1000);
    console.error(`fuzz: ${index + 1} of ${count} messages, ${rate} a second, ${failures.length} failures`);
  }
  await watchdog.stop();
  const seconds = (performance.now() - started) / 1000;
  const growth = count > WARM_UP ? heldMemory() - held : 0;
  console.log(
    [
      `seed ${seed}: ${[...fuzzer.counts].map(([name, number]) => `${number} ${name}`).join(', ')}`,
      `${seconds.toFixed(1)} s, slowest case ${fuzzer.slowest.index} with ${fuzzer.slowest.time.toFixed(1)} ms`,
      `memory: ${(growth / 1024).toFixed(0)} KiB more held than after ${WARM_UP} messages`,
      `${failures.length} failures`,
    ].join('\n'),
  );
  if (growth > MAX_GROWTH)
    console.error(`fuzz: memory grew by ${growth} octets, expected at most ${MAX_GROWTH}`);
  return failures.length > 0 || growth > MAX_GROWTH ? 1 : 0;
}
