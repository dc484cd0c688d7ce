import type { PathView } from '../../agents/bgp/types.ts';
import type { BgpControl, PathQuery } from '../../agents/control/bgp.ts';
import { pathCount, prefixCount, routeLine, routesHeading } from './bgp-format.ts';
import type { CliContext, GlobalOptions, OutputStream } from './context.ts';
import { print } from './context.ts';

/** Lines that are gathered before they are written. */
const BATCH = 256;

/** Prints the paths of a table as they come: a table for people, or one JSON array. */
export async function printPaths(
  context: CliContext,
  format: GlobalOptions['format'],
  speaker: BgpControl,
  query: PathQuery,
): Promise<void> {
  if (format === 'json') await printJsonArray(context, speaker, query);
  else await printTable(context, speaker, query);
}

async function printTable(context: CliContext, speaker: BgpControl, query: PathQuery): Promise<void> {
  const writer = new LineWriter(context.stdout);
  const heading = routesHeading(await speaker.summary());
  let paths = 0;
  let prefixes = 0;
  let before: PathView | undefined;
  const onPath = (path: PathView): void | Promise<void> => {
    if (before === undefined) print(context, heading);
    const repeated = before?.prefix === path.prefix && before.family === path.family;
    if (!repeated) prefixes += 1;
    paths += 1;
    before = path;
    return writer.line(routeLine(path, repeated && path.pathId === undefined));
  };
  await speaker.paths(query, onPath, context.interrupted());
  await writer.flush();
  if (before === undefined) print(context, 'No BGP paths.');
  else print(context, `\nDisplayed ${prefixCount(prefixes)} and ${pathCount(paths)}`);
}

async function printJsonArray(context: CliContext, speaker: BgpControl, query: PathQuery): Promise<void> {
  const writer = new LineWriter(context.stdout);
  let separator = '';
  const onPath = (path: PathView): void | Promise<void> => {
    const text = `${separator}${JSON.stringify(path)}`;
    separator = ',';
    return writer.line(text);
  };
  await writer.line('[');
  await speaker.paths(query, onPath, context.interrupted());
  await writer.line(']');
  await writer.flush();
}

/** Writes lines in batches, waiting where the reader is slower. */
class LineWriter {
  readonly #output: OutputStream;
  #lines: string[] = [];

  constructor(output: OutputStream) {
    this.#output = output;
  }

  line(text: string): void | Promise<void> {
    this.#lines.push(text);
    if (this.#lines.length >= BATCH) return this.flush();
  }

  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = `${this.#lines.join('\n')}\n`;
    this.#lines = [];
    if (!this.#output.write(text)) await drained(this.#output);
  }
}

/** A stream of the process says when it has room; other outputs always have. */
function drained(output: OutputStream): Promise<void> {
  const { once } = output as { once?: (event: string, listener: () => void) => void };
  if (once === undefined) return Promise.resolve();
  return new Promise((resolve) => once.call(output, 'drain', resolve));
}
