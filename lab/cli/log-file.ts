import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** How often a followed file is looked at, ms. */
const POLL = 100;

/** All complete lines of a file, and where they end. Throws the operating system's error. */
export function readLines(file: string): { readonly lines: readonly string[]; readonly end: number } {
  const bytes = readFrom(file, 0);
  const end = bytes.lastIndexOf(0x0a) + 1;
  return { lines: splitLines(bytes.subarray(0, end)), end };
}

/** Calls `onLine` for each line after `from` as it is written, until the file is removed or `signal` aborts. */
export function followLines(
  file: string,
  from: number,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let position = from;
  const look = (): void => {
    try {
      if (statSync(file).size < position) position = 0;
      const bytes = readFrom(file, position);
      const end = bytes.lastIndexOf(0x0a) + 1;
      position += end;
      for (const line of splitLines(bytes.subarray(0, end))) onLine(line);
    } catch (error) {
      // The lab is down: its log went with it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      stop();
    }
  };
  const stop = (): void => {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
    resolve();
  };
  if (signal.aborted) return Promise.resolve();
  signal.addEventListener('abort', stop);
  // watchFile would take the file as it finds it a moment later as its beginning, and keep quiet about that moment.
  const timer = setInterval(look, POLL);
  look();
  return promise;
}

function readFrom(file: string, position: number): Buffer {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(fd).size - position));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, position));
  } finally {
    closeSync(fd);
  }
}

function splitLines(bytes: Buffer): string[] {
  const lines = bytes.toString('utf8').split('\n');
  lines.pop();
  return lines;
}
