import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { parseAddress } from '../../protocol/ip/prefix.ts';
import { OneLinePrinter } from '../../protocol/mrt/one-line.ts';
import { MrtReader } from '../../protocol/mrt/record.ts';
import { ribPieces, updateRecordPieces } from '../mrt/table-dump.ts';
import { generateTable } from '../mrt/table-generator.ts';
import type { NextHops } from '../mrt/table-updates.ts';
import type { GenerateOptions } from './bgp-generate.ts';
import { type CliContext, say } from './context.ts';
import { CliError } from './errors.ts';
import { drained } from './stream-writer.ts';

/** Next hops of the generated table. The options have been checked. */
export function nextHopsOf({ nextHop, nextHop6 }: GenerateOptions): NextHops {
  return { ipv4: parseAddress(nextHop)!, ipv6: parseAddress(nextHop6)! };
}

/** Writes the table to a file or to standard output. @throws CliError where the file cannot be written. */
export async function generateFile(context: CliContext, options: GenerateOptions): Promise<void> {
  const { output } = options;
  const pieces = options.content === 'text' ? textPieces(mrtPieces(options)) : mrtPieces(options);
  if (output === undefined) {
    if (options.content !== 'text' && context.stdout.isTTY === true) {
      throw new CliError('MRT is no text: give a file with -o, or --content text');
    }
    for (const piece of pieces) if (!context.stdout.write(piece)) await drained(context.stdout);
    return;
  }
  const started = performance.now();
  try {
    await writeFile(output, pieces);
  } catch (error) {
    throw new CliError(`cannot write ${output}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(context, options, `podwire: ${options.routes + options.ipv6} routes in ${output}, ${seconds} s`);
}

function mrtPieces(options: GenerateOptions): Generator<Uint8Array> {
  const nextHops = nextHopsOf(options);
  const table = generateTable({
    ipv4: options.routes,
    ipv6: options.ipv6,
    seed: options.seed,
    asn: options.as,
  });
  const [a, b, c, d] = nextHops.ipv4 as unknown as [number, number, number, number];
  const id = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  if (options.content !== 'updates') {
    return ribPieces(table, { id, address: nextHops.ipv4, asn: options.as }, nextHops, options.time);
  }
  const session = {
    peerAs: options.as,
    localAs: options.as,
    interfaceIndex: 0,
    peerAddress: nextHops.ipv4,
    localAddress: nextHops.ipv4,
  };
  return updateRecordPieces(table, session, nextHops, options.time);
}

function* textPieces(pieces: Iterable<Uint8Array>): Generator<string> {
  const reader = new MrtReader();
  const printer = new OneLinePrinter();
  for (const piece of pieces) {
    const lines: string[] = [];
    for (const record of reader.records(piece)) lines.push(printer.print(record));
    yield lines.join('');
  }
}

async function writeFile(path: string, pieces: Iterable<Uint8Array | string>): Promise<void> {
  const file = createWriteStream(path);
  // Speed before size: a table that is made up has better things to do than to be small.
  if (path.endsWith('.gz')) await pipeline(pieces, createGzip({ level: 1 }), file);
  else await pipeline(pieces, file);
}
