import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { StreamWriter } from '../../../lab/cli/stream-writer.ts';

/** A reader that takes what it was given only when the test says so. */
class SlowReader extends Writable {
  readonly chunks: string[] = [];
  #taken: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 4, decodeStrings: false });
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    this.#taken = done;
  }

  take(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a stream of text', () => {
  test('goes out in the next turn, however little it is', async () => {
    const written: string[] = [];
    const writer = new StreamWriter({ write: (text) => written.push(String(text)) > 0 });
    for (const line of ['a\n', 'b\n']) {
      writer.add(line);
      expect(writer.soon()).toBeUndefined();
    }
    expect(written).toEqual([]);
    await turn();
    expect(written).toEqual(['a\nb\n']);
  });

  test('asks to wait while its reader has no room, and watches it once', async () => {
    const reader = new SlowReader();
    const writer = new StreamWriter(reader);
    writer.add('first');
    writer.soon();
    await turn();
    for (let i = 0; i < 20; i++) {
      writer.add(`${i}`);
      expect(writer.soon()).toBeInstanceOf(Promise);
      await turn();
    }
    expect(reader.listenerCount('drain')).toBe(1);
    const waiting = writer.soon();
    for (let i = 0; i < 30; i++) {
      reader.take();
      await turn();
    }
    await waiting;
    expect(reader.chunks.join('')).toBe(`first${Array.from({ length: 20 }, (_, i) => i).join('')}`);
  });

  test('waits no longer for a reader that is gone', async () => {
    const reader = new SlowReader();
    const writer = new StreamWriter(reader);
    writer.add('first');
    const flushed = writer.flush();
    reader.destroy();
    await flushed;
    writer.add('second');
    await writer.flush();
    expect(reader.chunks).toEqual(['first']);
  });
});
