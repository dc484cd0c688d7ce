import { expect, test } from 'vitest';
import { LineBatch } from '../../../agents/control/line-batch.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function batch(slow?: Promise<void>): { lines: LineBatch; written: string[] } {
  const written: string[] = [];
  const decoder = new TextDecoder();
  const lines = new LineBatch((bytes) => {
    written.push(decoder.decode(bytes));
    return slow;
  });
  return { lines, written };
}

test('lines go out in the next turn, and many at once before', async () => {
  const { lines, written } = batch();
  expect(lines.add('a')).toBeUndefined();
  lines.add('b');
  expect(written).toEqual([]);
  await turn();
  expect(written).toEqual(['a\nb\n']);
  for (let i = 0; i < 300; i++) lines.add(`${i}`);
  expect(written).toHaveLength(2);
  lines.flush();
  expect(written.join('').split('\n')).toHaveLength(2 + 300 + 1);
  await turn();
  expect(written).toHaveLength(3);
});

test('a slower reader is waited for, also after lines that were few', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { lines } = batch(promise);
  expect(lines.add('a')).toBeUndefined();
  await turn();
  const waiting = lines.add('b');
  expect(waiting).toBeInstanceOf(Promise);
  resolve();
  await waiting;
  await lines.flush();
  expect(lines.flush()).toBeUndefined();
});
