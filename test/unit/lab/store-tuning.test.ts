import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { StoreOptions } from '../../../agents/store/store.ts';
import { addTuning, type TuningOptions, tuningOf } from '../../../lab/cli/store-tuning.ts';
import { DEFAULT_LIMITS } from '../../../protocol/etcd/check.ts';
import { podwire } from './support/fake-lab.ts';

function parsed(...args: string[]): StoreOptions {
  const command = addTuning(new Command());
  command.parse(args, { from: 'user' });
  return tuningOf(command.opts<TuningOptions>());
}

describe('options of podwire store', () => {
  test('none: as etcd without any', () => {
    expect(parsed()).toEqual({
      autoCompaction: undefined,
      tokenTtl: 300,
      progressInterval: 600_000,
      limits: DEFAULT_LIMITS,
    });
  });

  test.each<[string[], object | undefined]>([
    [['--auto-compaction-retention=2'], { mode: 'periodic', retention: 7_200_000 }],
    [['--auto-compaction-retention=1h30m'], { mode: 'periodic', retention: 5_400_000 }],
    [
      ['--auto-compaction-retention=1.5s', '--auto-compaction-mode=periodic'],
      { mode: 'periodic', retention: 1500 },
    ],
    [
      ['--auto-compaction-mode=revision', '--auto-compaction-retention=1000'],
      { mode: 'revision', retention: 1000n },
    ],
    [['--auto-compaction-retention=00'], undefined],
    [['--auto-compaction-mode=revision', '--auto-compaction-retention=00'], undefined],
  ])('%j', (args, autoCompaction) => {
    expect(parsed(...args).autoCompaction).toEqual(autoCompaction);
  });

  test('the others', () => {
    const args = ['--auth-token-ttl=60', '--watch-progress-notify-interval=500ms'];
    expect(parsed(...args, '--max-request-bytes=1000', '--max-txn-ops=5')).toMatchObject({
      tokenTtl: 60,
      progressInterval: 500,
      limits: { maxRequestBytes: 1000, maxTxnOps: 5 },
    });
  });

  test.each<[string[], string]>([
    [['--auto-compaction-mode=never'], 'Allowed choices are periodic, revision.'],
    [
      ['--auto-compaction-mode=revision', '--auto-compaction-retention=1h'],
      "--auto-compaction-retention '1h': expected a number of revisions such as 1000",
    ],
    [
      ['--auto-compaction-retention=10ms'],
      "--auto-compaction-retention '10ms': expected hours, or a time of 1s or more such as 30m",
    ],
    [
      ['--auto-compaction-retention=-1h'],
      "--auto-compaction-retention '-1h': expected hours, or a time of 1s or more such as 30m",
    ],
    [['--auth-token-ttl=0'], 'Expected a whole number from 1 to 31536000.'],
    [['--watch-progress-notify-interval=50ms'], 'Expected a time such as 10m or 1h30m, of 100 ms or more.'],
    [['--watch-progress-notify-interval=10'], 'Expected a time such as 10m or 1h30m, of 100 ms or more.'],
    [['--max-request-bytes=1MiB'], 'Expected a whole number from 1 to 1073741824.'],
    [['--max-txn-ops=0'], 'Expected a whole number from 1 to 1000000.'],
    [
      ['--restore=a', '--lab=b'],
      '--restore and --lab exclude each other: a snapshot has the resources in it',
    ],
  ])('%j is a usage error', async (args, message) => {
    const { code, stdout, stderr } = await podwire(['store', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(message);
  });
});
