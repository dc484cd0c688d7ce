import { type Command, Option } from 'commander';
import type { AutoCompaction } from '../../agents/store/auto-compaction.ts';
import type { StoreOptions } from '../../agents/store/store.ts';
import { UsageError } from './errors.ts';
import { goDuration, wholeNumber } from './parsers.ts';

/** How a store works, by the names of etcd's own options. */
export interface TuningOptions {
  readonly autoCompactionMode: AutoCompaction['mode'];
  readonly autoCompactionRetention: string;
  readonly authTokenTtl: number;
  readonly watchProgressNotifyInterval: number;
  readonly maxRequestBytes: number;
  readonly maxTxnOps: number;
}

const HOUR_MS = 3_600_000;
const MAX_BYTES = 1024 * 1024 * 1024;
const DAY_S = 86_400;

/** Adds the options to a command. */
export function addTuning(command: Command): Command {
  return command
    .addOption(
      new Option('--auto-compaction-mode <mode>', 'what --auto-compaction-retention counts')
        .choices(['periodic', 'revision'])
        .default('periodic'),
    )
    .option(
      '--auto-compaction-retention <length>',
      'history to keep: hours or a time such as 30m, with --auto-compaction-mode=revision a number of revisions; 0: all',
      '0',
    )
    .option(
      '--auth-token-ttl <seconds>',
      'how long a token is good for behind its last use',
      wholeNumber(1, 365 * DAY_S),
      300,
    )
    .addOption(
      new Option(
        '--watch-progress-notify-interval <time>',
        'time between progress notifications to watches that want them, 100ms or more',
      )
        .argParser(goDuration(100))
        .default(600_000, '10m'),
    )
    .option(
      '--max-request-bytes <bytes>',
      'the largest request that is served',
      wholeNumber(1, MAX_BYTES),
      1_572_864,
    )
    .option('--max-txn-ops <count>', 'most operations in one transaction', wholeNumber(1, 1_000_000), 128);
}

/** What the options ask of a store. @throws UsageError where the retention does not fit the mode. */
export function tuningOf(options: TuningOptions): StoreOptions {
  const { maxRequestBytes, maxTxnOps } = options;
  return {
    autoCompaction: autoCompactionOf(options),
    tokenTtl: options.authTokenTtl,
    progressInterval: options.watchProgressNotifyInterval,
    limits: { maxRequestBytes, maxTxnOps },
  };
}

function autoCompactionOf({
  autoCompactionMode: mode,
  autoCompactionRetention: text,
}: TuningOptions): AutoCompaction | undefined {
  if (/^0+$/.test(text)) return undefined;
  const isNumber = /^\d{1,15}$/.test(text);
  if (mode === 'revision') {
    if (!isNumber)
      throw new UsageError(`${RETENTION} '${text}': expected a number of revisions such as 1000`);
    return { mode, retention: BigInt(text) };
  }
  return { mode, retention: isNumber ? Number(text) * HOUR_MS : periodOf(text) };
}

const RETENTION = '--auto-compaction-retention';

/** Shortest period: shorter ones would compact what a client is still listing. */
const LEAST_PERIOD_MS = 1000;

function periodOf(text: string): number {
  try {
    return goDuration(LEAST_PERIOD_MS)(text);
  } catch {
    throw new UsageError(`${RETENTION} '${text}': expected hours, or a time of 1s or more such as 30m`);
  }
}
