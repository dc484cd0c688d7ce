/** MRT files as they come: plain, compressed with gzip or bzip2, or on standard input. */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { plainBytes } from '../../agents/io/plain-bytes.ts';

/** A file that cannot be read. */
export class MrtInputError extends Error {
  override readonly name = 'MrtInputError';
}

/** Octets in one piece. */
const PIECE = 1 << 18;
/** Octets that tell what it is. */
const MAGIC = 3;

/**
 * The octets of an MRT file, decompressed, piece by piece as the caller takes them.
 * @param path `-` is standard input.
 * @throws MrtInputError with one line, also where it is damaged.
 */
export async function* readMrtFile(path: string): AsyncGenerator<Uint8Array> {
  const name = path === '-' ? 'standard input' : path;
  const source: Readable = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: PIECE });
  try {
    for await (const piece of decompressed(source)) yield plainBytes(piece);
  } catch (error) {
    if (error instanceof MrtInputError) throw new MrtInputError(`cannot read ${name}: ${error.message}`);
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a folder' : message;
    throw new MrtInputError(`cannot read ${name}: ${reason}`);
  } finally {
    source.destroy();
  }
}

/** What the first octets say that it is counts, whatever the file's name. */
async function* decompressed(source: Readable): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < MAGIC) {
    const { value, done } = await pieces.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  const rest = continued(head, pieces);
  if (head[0] === 0x1f && head[1] === 0x8b) {
    const gunzip = createGunzip({ chunkSize: PIECE });
    yield* through(rest, gunzip, gunzip);
  } else if (head[0] === 0x42 && head[1] === 0x5a && head[2] === 0x68) yield* bunzipped(rest);
  else yield* rest;
}

async function* continued(head: Uint8Array, pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (;;) {
    const { value, done } = await pieces.next();
    if (done === true) return;
    yield value;
  }
}

/** Through the program bzip2 (docs/decisions/0016-bzip2-is-a-program.md says why). */
async function* bunzipped(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const child = spawn('bzip2', ['-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<string | undefined>((resolve) => {
    let errors = '';
    child.stderr.on('data', (text: Buffer) => {
      errors += text.toString();
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      resolve(
        error.code === 'ENOENT'
          ? 'it is compressed with bzip2, and the program bzip2 is not installed (apt-get install bzip2)'
          : error.message,
      );
    });
    child.on('close', (code) =>
      resolve(code === 0 ? undefined : (errors.trim().split('\n')[0] ?? 'bzip2 failed')),
    );
  });
  const output = child.stdout.pipe(new PassThrough({ highWaterMark: PIECE }));
  try {
    try {
      yield* through(pieces, child.stdin, output);
    } catch (error) {
      // What the program itself says of it explains more than that it takes no more.
      throw new MrtInputError((await ended) ?? (error as Error).message);
    }
    const problem = await ended;
    if (problem !== undefined) throw new MrtInputError(problem);
  } finally {
    child.kill();
  }
}

/** Writes into one end of a decompressor and yields what comes out of the other. */
async function* through(
  pieces: AsyncIterable<Uint8Array>,
  input: Writable,
  output: Readable,
): AsyncGenerator<Uint8Array> {
  let failure: Error | undefined;
  const feeding = pipeline(pieces, input).catch((error: unknown) => {
    failure = error as Error;
    output.destroy(failure);
  });
  for await (const piece of output) yield piece as Uint8Array;
  await feeding;
  if (failure !== undefined) throw failure;
}
