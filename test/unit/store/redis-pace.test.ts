import { describe, expect, test } from 'vitest';
import { AppendPace } from '../../../agents/store/redis-pace.ts';
import { Patience } from '../../../agents/store/redis-patience.ts';
import { ManualClock } from '../capture/manual-clock.ts';

describe('the pace of appends', () => {
  /** Whether it is fast after so many appends of one entry each, as many milliseconds apart. */
  const fastAfter = (appends: number, apart: number, later = 0): boolean => {
    const pace = new AppendPace();
    let now = 1000;
    for (let i = 0; i < appends; i++) {
      now += apart;
      pace.appended(1, now);
    }
    return pace.isFast(now + later);
  };

  test('many entries a millisecond are fast, some a millisecond are not, however long', () => {
    expect(fastAfter(1000, 0.1)).toBe(true);
    expect(fastAfter(1000, 0.5)).toBe(false);
    expect(fastAfter(100_000, 2)).toBe(false);
  });

  test('a few at once are not fast, and even the fastest is soon forgotten', () => {
    expect(fastAfter(16, 0)).toBe(false);
    expect(fastAfter(17, 0)).toBe(true);
    expect(fastAfter(1_000_000, 0)).toBe(true);
    expect(fastAfter(1_000_000, 0, 25)).toBe(false);
    expect(new AppendPace().isFast(0)).toBe(false);
  });
});

describe('patience', () => {
  test('each item has the whole time, in order; removed ones are never given up', () => {
    const clock = new ManualClock();
    const expired: string[] = [];
    const patience = new Patience<string>(clock, 100, (item) => expired.push(`${item} ${clock.now()}`));
    patience.add('a');
    clock.advance(30);
    patience.add('b');
    patience.add('c');
    patience.remove('b');
    clock.advance(69);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual(['a 100']);
    clock.advance(1000);
    expect(expired).toEqual(['a 100', 'c 130']);
    patience.add('d');
    clock.advance(100);
    expect(expired.at(-1)).toBe('d 1200');
  });

  test('stopped, it gives up nothing', () => {
    const clock = new ManualClock();
    const expired: string[] = [];
    const patience = new Patience<string>(clock, 100, (item) => expired.push(item));
    patience.add('a');
    patience.stop();
    clock.advance(1000);
    expect(expired).toEqual([]);
  });
});
