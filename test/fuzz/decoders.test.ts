// Mutated messages for every decoder and for the session machine; `npm run fuzz` goes on for longer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { fromHex, toHex } from '../../protocol/bytes/hex.ts';
import { digest } from './digest.ts';
import { guarded } from './guard.ts';
import { heldMemory } from './memory.ts';
import { FuzzRandom } from './random.ts';
import { Fuzzer, failureText } from './run.ts';
import { MESSAGES } from './seeds.ts';
import type { FuzzTarget } from './target.ts';
import { messageTarget } from './targets/message.ts';
import { TARGETS } from './targets.ts';
import { Watchdog } from './watchdog.ts';

const SEED = 20_260_131;
const CASES = 95_000;
const BATCHES = 5;
/** Octets that a batch may leave behind once everything is warm. */
const MAX_GROWTH = 16 << 20;

const watchdog = new Watchdog(SEED);
afterAll(() => watchdog.stop());

describe(`${CASES} mutated inputs`, () => {
  const fuzzer = new Fuzzer(SEED, TARGETS);
  const size = CASES / BATCHES;
  let held = 0;

  test.each(Array.from({ length: BATCHES }, (_, batch) => batch))(
    'crash nothing, hang nothing, and come out as the RFCs want: batch %i',
    (batch) => {
      for (let index = batch * size; index < (batch + 1) * size; index++) {
        watchdog.enter(index);
        const failure = fuzzer.run(index);
        if (failure !== undefined) expect.fail(failureText(failure));
      }
      watchdog.enter(-1);
      if (batch === 0) held = heldMemory();
    },
    120_000,
  );

  test('leave no memory behind', () => {
    expect(heldMemory() - held).toBeLessThan(MAX_GROWTH);
  });

  test('reach everything', () => {
    for (const [name, count] of fuzzer.counts) expect(`${name} ${count > 500}`).toBe(`${name} true`);
  });
});

test('the same seed makes the same cases, another one others', () => {
  const made = (seed: number): Uint8Array[] =>
    [1, 2, 3].map((index) => messageTarget.make(new FuzzRandom(seed, index)).bytes);
  expect(made(SEED)).toEqual(made(SEED));
  expect(made(SEED)).not.toEqual(made(SEED + 1));
});

test('every kind of message, and messages of every captured speaker, are mutated', () => {
  const kinds = new Set(MESSAGES.map((bytes) => bytes[18]));
  expect([...kinds].sort()).toEqual([1, 2, 3, 4, 5]);
  for (const name of ['bird', 'exabgp', 'frr', 'gobgp']) {
    const lines = readFileSync(join(import.meta.dirname, 'corpus', `${name}.hex`), 'utf8').split('\n');
    const captured = lines.filter((line) => line.startsWith('ff')).map((line) => toHex(fromHex(line)));
    expect(captured.length).toBeGreaterThan(5);
    expect(MESSAGES.map(toHex)).toEqual(expect.arrayContaining(captured));
  }
});

describe('the fuzzer itself', () => {
  const broken: FuzzTarget = {
    name: 'broken',
    weight: 1,
    make: (random) => ({ bytes: random.bytes(64) }),
    check: (bytes) => {
      if (bytes.some((octet) => octet > 250)) throw new Error('an octet above 250');
    },
  };

  test('finds what is wrong, makes it short, and says how to find it again', () => {
    const fuzzer = new Fuzzer(3, [broken]);
    const failures = Array.from({ length: 40 }, (_, index) => fuzzer.run(index)).filter(
      (failure) => failure !== undefined,
    );
    expect(failures.length).toBeGreaterThan(5);
    const [first] = failures;
    expect(first!.shrunk.length).toBeLessThan(4);
    expect(failureText(first!)).toContain(`npm run fuzz -- --seed 3 --only ${first!.index}`);
  });

  test('sees a decoder that reads past the end, or writes', () => {
    const octets = Uint8Array.of(1, 2, 3);
    const past = (view: Uint8Array): number => new Uint8Array(view.buffer)[view.byteOffset + 3]!;
    expect(() => guarded(octets, past, [])).toThrow('reads past its end');
    expect(() => guarded(octets, (view) => view.fill(9), [])).toThrow('was written to');
    expect(guarded(octets, (view) => view[0], [])).toEqual({ value: 1 });
  });

  test('takes results for equal whatever the order of their keys, and sees any other difference', () => {
    const values = [1, '1', [1], { a: 1 }, { b: 1 }, Uint8Array.of(1), [], {}, null, true, 1n, 1.5];
    expect(digest({ a: 1, b: [2] })).toBe(digest({ b: [2], a: 1 }));
    expect(new Set(values.map((value) => digest(value))).size).toBe(values.length);
  });
});
