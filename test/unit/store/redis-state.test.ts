import { describe, expect, test } from 'vitest';
import { inspectRedis } from '../../../agents/store/redis-state.ts';
import { failure } from './support.ts';

/** A Redis that answers INFO and CONFIG GET. */
function redisWith(fields: Readonly<Record<string, string>>, appendfsync: string | undefined) {
  const info = {
    redis_version: '7.0.15',
    run_id: 'abc',
    maxmemory_policy: 'noeviction',
    aof_enabled: '1',
    ...fields,
  };
  const lines = Object.entries(info).map(([name, value]) => `${name}:${value}`);
  return {
    info: async () => `# Server\r\n${lines.join('\r\n')}\r\n`,
    config: async () => {
      if (appendfsync === undefined) throw new Error('ERR unknown command CONFIG');
      return ['appendfsync', appendfsync];
    },
  } as unknown as Parameters<typeof inspectRedis>[0];
}

describe('whether a store can be kept in a Redis', () => {
  test('what is wrong with it, in one line', async () => {
    const refused = (fields: Readonly<Record<string, string>>) =>
      failure(inspectRedis(redisWith(fields, 'always')));
    expect(await refused({ redis_version: '6.0.16' })).toBe(
      'undefined is Redis 6.0.16, expected 6.2 or later',
    );
    expect(await refused({ maxmemory_policy: 'volatile-ttl' })).toBe(
      'undefined has maxmemory-policy volatile-ttl, expected noeviction: it would drop parts of the store',
    );
    expect(await refused({ redis_version: '6.2.0' })).toContain('no error');
  });

  test.each([
    [{}, 'always', true],
    [{}, 'everysec', false],
    [{ aof_enabled: '0' }, 'always', false],
    // Whoever may not ask is not told.
    [{}, undefined, false],
  ])('it syncs every write: %j, appendfsync %s: %s', async (fields, appendfsync, durable) => {
    expect(await inspectRedis(redisWith(fields, appendfsync))).toEqual({ run: 'abc', durable });
  });
});
