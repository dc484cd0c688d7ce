import { expect, test } from 'vitest';
import { openLog } from '../../../agents/log.ts';

test('of an error with a command in it, as those of Redis, only the name is logged', () => {
  const lines: string[] = [];
  const { log } = openLog({ write: (line) => lines.push(line) }, 'debug', {});
  const refused = Object.assign(new Error('refused'), { command: { name: 'auth', args: ['secret'] } });
  log.child({ node: 'a' }).error({ err: refused }, 'first');
  log.error({ err: new Error('another') }, 'second');
  expect(lines.map((line) => JSON.parse(line).err)).toMatchObject([
    { type: 'Error', message: 'refused', command: 'auth' },
    { type: 'Error', message: 'another' },
  ]);
  expect(lines.join('')).not.toContain('secret');
});
