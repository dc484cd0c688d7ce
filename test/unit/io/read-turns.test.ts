import { describe, expect, test } from 'vitest';
import { ReadTurns, TurnReader } from '../../../agents/io/read-turns.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A reader whose handling of each slice takes `cost` ms of a clock that stands still otherwise. */
function scene(cost: number): {
  readonly turns: ReadTurns;
  readonly log: string[];
  reader(name: string): TurnReader;
} {
  let now = 1;
  const turns = new ReadTurns(() => now);
  const log: string[] = [];
  const reader = (name: string): TurnReader =>
    new TurnReader(
      turns,
      { pause: () => log.push(`${name} paused`), resume: () => log.push(`${name} resumed`) },
      (bytes) => {
        now += cost;
        log.push(`${name} ${bytes.length}`);
      },
    );
  return { turns, log, reader };
}

describe('TurnReader', () => {
  test('hands on at once what takes little time', () => {
    const { log, reader } = scene(1);
    reader('a').read(new Uint8Array(100));
    expect(log).toEqual(['a 100']);
  });

  test('lets the rest wait for later turns, in order, with the source paused', async () => {
    const { log, reader } = scene(6);
    const a = reader('a');
    a.read(new Uint8Array(65_536));
    expect(log).toEqual(['a 16384', 'a 16384', 'a paused']);
    a.read(new Uint8Array(1));
    expect(log).toHaveLength(3);
    await nextTurn();
    expect(log.slice(3)).toEqual(['a 16384', 'a 16384']);
    await nextTurn();
    expect(log.slice(5)).toEqual(['a 1', 'a resumed']);
  });

  test('shares a turn among all readers', async () => {
    const { log, reader } = scene(9);
    const [a, b] = [reader('a'), reader('b')];
    a.read(new Uint8Array(10));
    b.read(new Uint8Array(20));
    expect(log).toEqual(['a 10', 'a paused', 'b paused']);
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    expect(log.slice(3)).toEqual(['a resumed', 'b 20', 'b resumed']);
  });

  test('hands everything on when the source has ended', () => {
    const { log, reader } = scene(9);
    const a = reader('a');
    a.read(new Uint8Array(40_000));
    a.finish();
    expect(log).toEqual(['a 16384', 'a paused', 'a 16384', 'a 7232']);
  });
});
