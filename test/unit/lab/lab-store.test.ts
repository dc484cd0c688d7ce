import { expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { cleanLabStore } from '../../../lab/runtime/lab-store.ts';

test('a dead lab whose etcd has lost its CA file can be cleaned up all the same', async () => {
  const url = 'etcds://me:secret@127.0.0.1:26600?ca=/nowhere/ca.crt';
  await expect(cleanLabStore(url, 'lab', systemClock())).resolves.toBeUndefined();
});
