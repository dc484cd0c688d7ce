import { beforeEach, expect, test } from 'vitest';
import { SharedEntries } from '../../../agents/node/shared-entries.ts';

let table: Map<number, string>;
let writes: number;
let entries: SharedEntries<string>;
beforeEach(() => {
  table = new Map();
  writes = 0;
  entries = new SharedEntries(
    (key, value) => {
      writes++;
      table.set(key, value);
    },
    (key) => table.delete(key),
  );
});

const hold = (key: number, value: string): void => entries.hold(key, value, value);

test('an entry is written once and stays until the last who holds it lets go', () => {
  hold(1, 'a');
  hold(1, 'a');
  expect([[...table], writes]).toEqual([[[1, 'a']], 1]);
  entries.release(1, 'a');
  expect([...table]).toEqual([[1, 'a']]);
  entries.release(1, 'a');
  expect([...table]).toEqual([]);
});

test('keys have nothing to do with each other', () => {
  hold(1, 'a');
  hold(2, 'a');
  entries.release(1, 'a');
  expect([...table]).toEqual([[2, 'a']]);
});

test('of different values under one key the one that came last counts, then the one before', () => {
  hold(1, 'a');
  hold(1, 'b');
  hold(1, 'c');
  expect(table.get(1)).toBe('c');
  entries.release(1, 'b');
  expect([table.get(1), writes]).toEqual(['c', 3]);
  entries.release(1, 'c');
  expect(table.get(1)).toBe('a');
  entries.release(1, 'a');
  expect([...table]).toEqual([]);
});

test('letting go of what nobody holds changes nothing', () => {
  hold(1, 'a');
  entries.release(1, 'b');
  entries.release(2, 'a');
  expect([...table]).toEqual([[1, 'a']]);
});
