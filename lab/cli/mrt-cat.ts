import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { jsonRecords } from '../../protocol/mrt/json.ts';
import { OneLinePrinter } from '../../protocol/mrt/one-line.ts';
import { MrtReader, type MrtRecord } from '../../protocol/mrt/record.ts';
import { readMrtFile } from '../mrt/input.ts';
import { type CliContext, type GlobalOptions, say } from './context.ts';
import { CliError } from './errors.ts';
import { StreamWriter } from './stream-writer.ts';

/** Prints records of one form. */
interface RecordPrinter {
  print(record: MrtRecord): string;
  readonly skipped: number;
}

/** Records of which it is said what is wrong with them; more are only counted. */
const REPORTED = 20;

/**
 * Prints the routes of a file as they come, in bounded memory. What is damaged inside of a record is said, and the next
 * record follows.
 * @returns how many records are damaged.
 * @throws CliError where the file cannot be read, or not further.
 */
export async function catMrt(context: CliContext, path: string, options: GlobalOptions): Promise<number> {
  const printer: RecordPrinter = options.format === 'json' ? jsonRecords() : new OneLinePrinter();
  const output = new StreamWriter(context.stdout);
  const reader = new MrtReader();
  let faults = 0;
  try {
    for await (const piece of readMrtFile(path)) {
      for (const record of reader.records(piece)) {
        try {
          output.add(printer.print(record));
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          faults += 1;
          if (faults <= REPORTED) context.stderr.write(`podwire: ${error.message}\n`);
        }
        if (output.full) await output.flush();
      }
    }
    reader.end();
  } catch (error) {
    throw new CliError((error as Error).message);
  } finally {
    await output.flush();
  }
  if (faults > REPORTED) context.stderr.write(`podwire: ${faults - REPORTED} more records are damaged\n`);
  if (printer.skipped > 0) {
    say(context, options, `podwire: ${printer.skipped} records have nothing to print in this format`);
  }
  return faults;
}
