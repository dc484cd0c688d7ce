import type { PathView } from '../../agents/bgp/types.ts';
import type { BgpControl, PathQuery } from '../../agents/control/bgp.ts';
import { pathCount, prefixCount, routeLine, routesHeading } from './bgp-format.ts';
import { type CliContext, type GlobalOptions, print } from './context.ts';
import { StreamWriter } from './stream-writer.ts';

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
  const writer = new StreamWriter(context.stdout);
  const heading = routesHeading(await speaker.summary());
  let paths = 0;
  let prefixes = 0;
  let before: PathView | undefined;
  const onPath = (path: PathView): void | Promise<void> => {
    if (before === undefined) writer.add(`${heading}\n`);
    const repeated = before?.prefix === path.prefix && before.family === path.family;
    if (!repeated) prefixes += 1;
    paths += 1;
    before = path;
    writer.add(`${routeLine(path, repeated && path.pathId === undefined)}\n`);
    return writer.soon();
  };
  await speaker.paths(query, onPath, context.interrupted());
  await writer.flush();
  if (before === undefined) print(context, 'No BGP paths.');
  else print(context, `\nDisplayed ${prefixCount(prefixes)} and ${pathCount(paths)}`);
}

async function printJsonArray(context: CliContext, speaker: BgpControl, query: PathQuery): Promise<void> {
  const writer = new StreamWriter(context.stdout);
  let separator = '';
  const onPath = (path: PathView): void | Promise<void> => {
    writer.add(`${separator}${JSON.stringify(path)}\n`);
    separator = ',';
    return writer.soon();
  };
  writer.add('[\n');
  await speaker.paths(query, onPath, context.interrupted());
  writer.add(']\n');
  await writer.flush();
}
