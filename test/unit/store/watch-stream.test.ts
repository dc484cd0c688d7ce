import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../agents/io/clock.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store, StoreClient, WatchStream, WatchStreamResponse } from '../../../agents/store/store.ts';
import { b, below, eventLine } from './support.ts';

/** A stream that writes down what it is told. */
class Reader {
  readonly responses: WatchStreamResponse[] = [];
  readonly ended: Error[] = [];
  readonly stream: WatchStream;

  constructor(client: StoreClient) {
    this.stream = client.watchStream({
      onResponse: (response) => this.responses.push(response),
      onEnd: (error) => this.ended.push(error),
    });
  }

  /** Each response as one line. */
  lines(): string[] {
    return this.responses.map((each) => {
      const { watchId, created, canceled, fragment, events, cancelReason, compactRevision, header } = each;
      const flags = [created && 'created', canceled && 'canceled', fragment && 'fragment'].filter(Boolean);
      const reason = canceled ? ` ${cancelReason || compactRevision}` : '';
      return `${watchId}@${header.revision} ${[...flags, ...events.map(eventLine)].join(' ')}${reason}`;
    });
  }
}

describe('a stream of watches', () => {
  let store: Store = createMemoryStore({ clock: systemClock() });
  const open = (): StoreClient => {
    store = createMemoryStore({ clock: systemClock(), progressInterval: 100 });
    return store.client();
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const put = (client: StoreClient, key: string, value = '1') => client.put({ key: b(key), value: b(value) });
  afterEach(() => store.close());

  test('WCH-1 WCH-2 WCH-10 numbers: the lowest unused, the client’s, used twice, used again', async () => {
    const reader = new Reader(open());
    const { stream } = reader;
    stream.create({ key: b('a'), watchId: 1n });
    stream.create({ key: b('a') });
    stream.create({ key: b('a') });
    stream.create({ key: b('a'), watchId: 1n });
    await turn();
    stream.cancel(1n);
    stream.cancel(99n);
    stream.create({ key: b('a'), watchId: 1n });
    stream.create({ key: b('b'), rangeEnd: b('a') });
    await turn();
    expect(reader.lines()).toEqual([
      '1@1 created',
      '0@1 created',
      '2@1 created',
      '-1@1 created canceled mvcc: duplicate watch ID provided on the WatchStream',
      '1@1 canceled 0',
      '1@1 created',
      '-1@1 created canceled mvcc: watcher range is empty',
    ]);
  });

  test('nothing comes behind a cancellation', async () => {
    const client = open();
    const reader = new Reader(client);
    reader.stream.create(below('a'));
    await turn();
    const writing = put(client, 'a1');
    reader.stream.cancel(0n);
    await writing;
    await put(client, 'a2');
    await turn();
    expect(reader.lines().at(-1)).toMatch(/^0@\d canceled 0$/);
  });

  test('WCH-6 a large revision is split only for who wants that', async () => {
    const client = open();
    const split = new Reader(client);
    const whole = new Reader(client);
    split.stream.create({ ...below('a'), fragment: true });
    whole.stream.create(below('a'));
    for (const [i, fill] of ['x', 'y', 'z'].entries()) {
      await client.put({ key: b(`a${i}`), value: new Uint8Array(1_400_000).fill(fill.charCodeAt(0)) });
    }
    await client.deleteRange(below('a'));
    const late = new Reader(client);
    late.stream.create({ ...below('a'), fragment: true, startRevision: 5n, prevKv: true });
    await turn();
    const sizes = (reader: Reader) =>
      reader.responses.map(({ events, fragment }) => `${events.length}${fragment ? '+' : ''}`);
    expect(sizes(late)).toEqual(['0', '1+', '1+', '1']);
    expect(sizes(whole)).toEqual(['0', '1', '1', '1', '3']);
  });

  test('WCH-11 progress: asked for once everything has been told, and by itself when idle', async () => {
    const client = open();
    for (let i = 0; i < 3000; i++) await put(client, 'a', String(i));
    const reader = new Reader(client);
    reader.stream.create({ key: b('a'), startRevision: 1n });
    reader.stream.requestProgress();
    await expect.poll(() => reader.responses.length, { timeout: 10_000 }).toBe(3002);
    expect(reader.lines().at(-1)).toBe('-1@3001 ');
    // A watch that begins in the future has not been told of what is before.
    reader.stream.create({ key: b('a'), startRevision: 3004n });
    reader.stream.requestProgress();
    await put(client, 'b');
    await turn();
    expect(reader.lines().at(-1)).toBe('1@3001 created');
    await put(client, 'b');
    await turn();
    expect(reader.lines().at(-1)).toBe('-1@3003 ');
    const idle = new Reader(client);
    idle.stream.create({ key: b('z'), progressNotify: true });
    await expect.poll(() => idle.lines().slice(1, 3)).toEqual(['0@3003 ', '0@3003 ']);
  });

  test('WCH-12 a slow reader holds up nobody and misses nothing; compaction meanwhile ends its watch', async () => {
    const client = open();
    const slow = new Reader(client);
    const fast = new Reader(client);
    for (const { stream } of [slow, fast]) stream.create({ ...below('a'), prevKv: true });
    await turn();
    slow.stream.pause();
    const value = new Uint8Array(100_000);
    for (let i = 0; i < 100; i++) await client.put({ key: b(`a${i % 3}`), value });
    await turn();
    expect(slow.responses).toHaveLength(1);
    expect(fast.responses).toHaveLength(101);
    slow.stream.resume();
    await expect.poll(() => slow.responses.length).toBe(101);
    expect(slow.lines()).toEqual(fast.lines());
    await put(client, 'a9');
    await turn();
    expect(slow.responses).toHaveLength(102);
    slow.stream.pause();
    for (let i = 0; i < 100; i++) await client.put({ key: b('a'), value });
    await client.compact(store.header().revision, { physical: true });
    slow.stream.resume();
    await turn();
    expect(slow.lines().at(-1)).toBe(`0@0 canceled ${store.header().revision}`);
  });

  test('closing the store ends the stream once; closing the stream ends its watches', async () => {
    const client = open();
    const reader = new Reader(client);
    const closed = new Reader(client);
    for (const { stream } of [reader, closed]) stream.create(below('a'));
    reader.stream.create(below('b'));
    await turn();
    closed.stream.close();
    await put(client, 'a1');
    await turn();
    expect(closed.responses).toHaveLength(1);
    await store.close();
    expect(reader.ended.map(({ message }) => message)).toEqual(['the store was closed']);
    expect(closed.ended).toEqual([]);
  });
});
