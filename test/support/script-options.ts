// Command lines of the scripts that npm runs: benchmarks, fuzzing, soaking.
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/**
 * Values of a script's options. Prints `usage` and exits with 0 where `--help` is among them, with 2 where there is
 * something else than `options`.
 */
export function scriptOptions<T extends Options>(usage: string, options: T): Values<T> {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } });
    if (!('help' in values) || values.help !== true) return values as Values<T>;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    return wrongUsage(usage, (error as Error).message);
  }
}

/** Says what is wrong, and how it is right. */
export function wrongUsage(usage: string, problem: string): never {
  console.error(`${problem}\n${usage}`);
  process.exit(2);
}
