import { once } from 'node:events';
import { createReadStream, type ReadStream, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { plainBytes } from '../../agents/io/plain-bytes.ts';
import { CliError, UsageError } from './errors.ts';

/** Octets to decode, as they come. */
export interface DecodeInput {
  /** For errors: the file's name, `standard input`, `argument`. */
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Octets in the file as it is on disk; undefined where that is not known. */
  readonly size: number | undefined;
  /** Octets of it that were read. */
  readonly read: () => number;
}

/** Enough to tell what it is. */
const HEAD = 16;

/**
 * What `podwire bgp decode ARGUMENT` is given: standard input for `-`, a file where there is one of that name, hex
 * otherwise. What is compressed with gzip is decompressed. @throws UsageError where it is none of them.
 */
export async function openInput(argument: string): Promise<DecodeInput> {
  if (argument === '-') return streamInput('standard input', process.stdin, undefined);
  const stats = statSync(argument, { throwIfNoEntry: false });
  if (stats?.isDirectory()) throw new UsageError(`${argument} is a folder`);
  if (stats === undefined) return textInput(argument);
  const stream: ReadStream = createReadStream(argument, { highWaterMark: 1 << 18 });
  try {
    await once(stream, 'open');
  } catch (error) {
    throw new CliError(`cannot read ${argument}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
  return streamInput(argument, stream, stats.isFile() ? stats.size : undefined);
}

function textInput(argument: string): DecodeInput {
  if (!/^\s*(\\x|0x|[0-9a-f]{2})/i.test(argument) || /[/\\]/.test(argument.replaceAll('\\x', '')))
    throw new UsageError(`${JSON.stringify(argument)} is neither a file nor hex`);
  const text = new TextEncoder().encode(argument);
  return {
    name: 'argument',
    chunks: (async function* () {
      yield text;
    })(),
    size: text.length,
    read: () => text.length,
  };
}

function streamInput(name: string, stream: Readable, size: number | undefined): DecodeInput {
  let read = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      read += chunk.length;
      yield chunk;
    }
  }
  return { name, chunks: gunzipped(name, counted()), size, read: () => read };
}

/** Decompresses what begins as gzip does. @throws CliError where that is damaged. */
async function* gunzipped(name: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { head, rest } = await peek(chunks);
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* rest;
    return;
  }
  const gunzip = createGunzip();
  const feeding = feed(rest, gunzip);
  feeding.catch((error: unknown) => gunzip.destroy(error as Error));
  try {
    yield* gunzip;
  } catch (error) {
    throw new CliError(`cannot read ${name}: ${(error as Error).message}`);
  }
  await feeding;
}

async function feed(
  chunks: AsyncIterable<Uint8Array>,
  gunzip: ReturnType<typeof createGunzip>,
): Promise<void> {
  for await (const chunk of chunks) {
    if (!gunzip.write(chunk)) await Promise.race([once(gunzip, 'drain'), once(gunzip, 'close')]);
    if (gunzip.destroyed) return;
  }
  gunzip.end();
}

/** The first octets (fewer where there are no more), and all of them with what follows. */
export async function peek(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: Uint8Array; readonly rest: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < HEAD) {
    const { value, done } = await iterator.next();
    if (done === true) break;
    head = Buffer.concat([head, value as Uint8Array]);
  }
  async function* rest(): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield plainBytes(head);
    for (;;) {
      const { value, done } = await iterator.next();
      if (done === true) return;
      yield plainBytes(value as Uint8Array);
    }
  }
  return { head, rest: rest() };
}
