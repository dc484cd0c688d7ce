import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { CaptureHub } from '../../../agents/capture/hub.ts';
import type { AgentControl } from '../../../agents/control/types.ts';
import {
  agentSource,
  type CaptureSource,
  type MergeOptions,
  mergeCaptures,
} from '../../../lab/capture/merge.ts';
import { type CaptureOutput, streamOutput } from '../../../lab/capture/output.ts';
import { encodeEnhancedPacket } from '../../../protocol/pcapng/enhanced-packet.ts';
import { encodeInterfaceDescription } from '../../../protocol/pcapng/interface-description.ts';
import { PcapngReader } from '../../../protocol/pcapng/reader.ts';
import { encodeSectionHeader } from '../../../protocol/pcapng/section-header.ts';
import { Collector, frame, LINK, UNDERLAY } from './capture-support.ts';
import { ManualClock } from './manual-clock.ts';

const HEADER = encodeSectionHeader({ majorVersion: 1, minorVersion: 0 });

/** A source that the test feeds. */
class TestSource implements CaptureSource {
  readonly name: string;
  #onBytes: (bytes: Uint8Array) => void | Promise<void> = () => undefined;
  readonly #end = Promise.withResolvers<void>();
  aborted = false;

  constructor(name: string) {
    this.name = name;
  }

  capture(
    onBytes: (bytes: Uint8Array) => void | Promise<void>,
    signal: AbortSignal,
    onReady: () => void,
  ): Promise<void> {
    this.#onBytes = onBytes;
    signal.addEventListener('abort', () => {
      this.aborted = true;
      this.#end.resolve();
    });
    onReady();
    return this.#end.promise;
  }

  feed(...blocks: readonly Uint8Array[]): Promise<void> | undefined {
    const answers = blocks.map((block) => this.#onBytes(block));
    return answers.find((answer) => answer instanceof Promise);
  }

  describe(name: string, timestampResolution = 9): void {
    this.feed(HEADER, encodeInterfaceDescription({ linkType: 1, snapLength: 0, name, timestampResolution }));
  }

  packet(timestamp: bigint, mark: number, dropCount = 0n): Promise<void> | undefined {
    const data = frame(mark);
    return this.feed(
      encodeEnhancedPacket({
        interfaceId: 0,
        timestamp,
        data,
        originalLength: 60,
        ...(dropCount > 0n ? { dropCount } : {}),
      }),
    );
  }

  end(error?: Error): void {
    if (error === undefined) this.#end.resolve();
    else this.#end.reject(error);
  }
}

function collectorOutput(collector: Collector): CaptureOutput {
  return { write: async (bytes) => void (await collector.sink(bytes)) };
}

function setUp(options: Partial<MergeOptions> = {}, output?: CaptureOutput) {
  const clock = new ManualClock();
  const collector = new Collector();
  const sources = [new TestSource('a'), new TestSource('b')] as const;
  const stop = new AbortController();
  const result = mergeCaptures(sources, output ?? collectorOutput(collector), {
    clock,
    signal: stop.signal,
    ...options,
  });
  return { clock, collector, a: sources[0], b: sources[1], stop, result };
}

/** Lets promises that are resolved already be acted on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('mergeCaptures', () => {
  test('one section with its own header, interfaces renumbered, packets in order of time, statistics last', async () => {
    const { clock, collector, a, b, stop, result } = setUp({ application: 'podwire 1', comments: ['lab x'] });
    a.describe('a:eth0');
    b.describe('b:eth0');
    b.packet(30n, 3);
    a.packet(10n, 1);
    b.packet(20n, 2, 4n);
    clock.advance(49);
    await settle();
    expect(collector.packets).toEqual([]);
    clock.advance(1);
    await settle();
    expect(collector.seen).toEqual(['a:eth0: 1', 'b:eth0: 2', 'b:eth0: 3']);
    a.packet(5n, 4);
    stop.abort();
    expect(await result).toEqual({ packets: 4, lost: 4n, reason: 'aborted', failures: [] });
    expect(collector.seen.at(-1)).toBe('a:eth0: 4');
    expect(collector.blocks[0]).toMatchObject({ userApplication: 'podwire 1', comments: ['lab x'] });
    expect(collector.kinds.filter((kind) => kind === 'section-header')).toHaveLength(1);
    expect(collector.blocks.slice(-2)).toMatchObject([
      { kind: 'interface-statistics', interfaceId: 0, received: 2n, dropped: 0n, delivered: 2n },
      { kind: 'interface-statistics', interfaceId: 1, received: 6n, dropped: 4n, delivered: 2n },
    ]);
    expect([a.aborted, b.aborted]).toEqual([true, true]);
  });

  test('interfaces that are described alike are one: a link seen by several agents', async () => {
    const { collector, a, b, stop, result } = setUp();
    a.describe('lan');
    b.describe('lan');
    a.packet(1n, 1);
    b.packet(2n, 2);
    stop.abort();
    await result;
    expect(collector.seen).toEqual(['lan: 1', 'lan: 2']);
    expect(collector.kinds.filter((kind) => kind === 'interface-description')).toHaveLength(1);
  });

  test('times of other resolutions become nanoseconds', async () => {
    const { collector, a, b, stop, result } = setUp();
    a.describe('a', 6);
    b.describe('b', 9);
    a.packet(2n, 2);
    b.packet(1999n, 1);
    stop.abort();
    await result;
    expect(collector.packets.map(({ timestamp }) => timestamp)).toEqual([1999n, 2000n]);
  });

  test('count: stops after as many packets, and no more come', async () => {
    const { clock, collector, a, result } = setUp({ count: 2 });
    a.describe('a');
    for (let i = 1; i <= 5; i++) a.packet(BigInt(i), i);
    clock.advance(50);
    expect(await result).toMatchObject({ packets: 2, reason: 'count' });
    expect(collector.seen).toEqual(['a: 1', 'a: 2']);
    expect(collector.kinds.at(-1)).toBe('interface-statistics');
  });

  test('duration: stops after the time, and gives what waited', async () => {
    const { clock, collector, a, result } = setUp({ durationMs: 1000 });
    a.describe('a');
    clock.advance(990);
    a.packet(1n, 1);
    clock.advance(10);
    expect(await result).toMatchObject({ packets: 1, reason: 'duration' });
    expect(collector.seen).toEqual(['a: 1']);
  });

  test('a source that fails is reported and the others go on; the last one ends it', async () => {
    const { clock, collector, a, b, result } = setUp();
    a.describe('a');
    b.describe('b');
    a.end(new Error('node went away'));
    await settle();
    b.packet(1n, 1);
    clock.advance(50);
    await settle();
    expect(collector.seen).toEqual(['b: 1']);
    b.end();
    expect(await result).toEqual({
      packets: 1,
      lost: 0n,
      reason: 'ended',
      failures: [{ source: 'a', message: 'node went away' }],
    });
  });

  test('onReady waits for all sources; one that fails or none at all is nothing to wait for', async () => {
    const clock = new ManualClock();
    const output = collectorOutput(new Collector());
    let ready = 0;
    const late = Promise.withResolvers<() => void>();
    const slow: CaptureSource = {
      name: 'slow',
      capture: (_, signal, onReady) => {
        late.resolve(onReady);
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    };
    const broken: CaptureSource = { name: 'broken', capture: () => Promise.reject(new Error('no')) };
    const stop = new AbortController();
    const onReady = (): void => void ready++;
    const result = mergeCaptures([slow, broken], output, { clock, signal: stop.signal, onReady });
    const nowReady = await late.promise;
    await settle();
    expect(ready).toBe(0);
    nowReady();
    expect(ready).toBe(1);
    stop.abort();
    await result;
    expect(ready).toBe(1);
    expect(await mergeCaptures([], output, { clock, onReady })).toMatchObject({ reason: 'ended' });
    expect(ready).toBe(2);
  });

  test('a source that does not end in time is left behind', async () => {
    const clock = new ManualClock();
    const collector = new Collector();
    const stop = new AbortController();
    const stuck: CaptureSource = { name: 'stuck', capture: () => new Promise(() => undefined) };
    const result = mergeCaptures([stuck], collectorOutput(collector), { clock, signal: stop.signal });
    stop.abort();
    clock.advance(1000);
    expect(await result).toMatchObject({ reason: 'aborted' });
  });

  test('a slow output makes the sources wait, and their hub drops and counts', async () => {
    const clock = new ManualClock();
    const hub = new CaptureHub({ clock, bufferBytes: 100_000 });
    const id = hub.addInterface(UNDERLAY);
    const collector = new Collector();
    const open = Promise.withResolvers<void>();
    const output: CaptureOutput = {
      write: async (bytes) => {
        await open.promise;
        await collector.sink(bytes);
      },
    };
    const stop = new AbortController();
    const agent: Pick<AgentControl, 'node' | 'capture'> = {
      node: 'host1',
      capture: (filter, onBytes, signal, onReady) => hub.capture(filter, onBytes, signal, onReady),
    };
    const source = agentSource(agent as AgentControl, { underlay: true });
    const result = mergeCaptures([source], output, { clock, signal: stop.signal });
    const total = 3000;
    for (let i = 0; i < total; i++) {
      hub.record(id, 'inbound', frame(1, 1000));
      clock.advance(1);
      if (i % 100 === 0) await settle();
    }
    open.resolve();
    await settle();
    clock.advance(50);
    await settle();
    hub.record(id, 'inbound', frame(2));
    clock.advance(50);
    await settle();
    stop.abort();
    const { packets, lost } = await result;
    expect(lost).toBeGreaterThan(1000n);
    expect(BigInt(packets) + lost).toBe(BigInt(total + 1));
    expect(collector.packets.at(-1)).toMatchObject({ dropCount: lost });
    expect(collector.blocks.at(-1)).toMatchObject({ received: BigInt(total + 1), dropped: lost });
  });

  test('names pass, and statistics of a hub are what the merged ones say', async () => {
    const clock = new ManualClock();
    const hub = new CaptureHub({ clock });
    const ids = [hub.addInterface(UNDERLAY), hub.addInterface(LINK)];
    const collector = new Collector();
    const stop = new AbortController();
    const source: CaptureSource = {
      name: 'host1',
      capture: (onBytes, signal, onReady) =>
        hub.capture({ underlay: true, links: ['lan'] }, onBytes, signal, onReady),
    };
    const result = mergeCaptures([source], collectorOutput(collector), { clock, signal: stop.signal });
    for (const id of ids) hub.record(id, undefined, frame(1), { packetId: 3n });
    stop.abort();
    expect(await result).toMatchObject({ packets: 2 });
    expect(collector.blocks.find((block) => block.kind === 'name-resolution')).toMatchObject({
      names: [{ names: ['host1'] }, { names: ['host1'] }],
    });
    expect(collector.packets.map(({ packetId }) => packetId)).toEqual([3n, 3n]);
  });
});

describe('outputs', () => {
  test('a stream gets each packet without waiting for more', async () => {
    const stream = new PassThrough();
    const reader = new PcapngReader();
    const { clock, a, stop, result } = setUp({}, streamOutput(stream));
    a.describe('a');
    a.packet(1n, 1);
    clock.advance(50);
    await settle();
    expect(reader.push(stream.read() as Uint8Array).map(({ kind }) => kind)).toEqual([
      'section-header',
      'interface-description',
      'enhanced-packet',
    ]);
    stop.abort();
    await result;
  });

  test.each(['EPIPE', 'ERR_STREAM_DESTROYED'])(
    'a reader that goes away with %s ends the capture quietly',
    async (code) => {
      const stream = new Writable({
        write(_chunk, _encoding, callback) {
          callback(Object.assign(new Error('write failed'), { code }));
        },
      });
      const { a, result } = setUp({}, streamOutput(stream));
      expect(await result).toMatchObject({ reason: 'reader-gone', packets: 0 });
      expect(a.aborted).toBe(true);
    },
  );

  test('a reader that goes away while nothing is written ends the capture', async () => {
    const stream = new PassThrough();
    const { result } = setUp({}, streamOutput(stream));
    await settle();
    stream.destroy();
    expect(await result).toMatchObject({ reason: 'reader-gone' });
  });

  test('any other failure of the output is an error', async () => {
    const full = new Writable({
      write(_chunk, _encoding, callback) {
        callback(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
      },
    });
    await expect(setUp({}, streamOutput(full)).result).rejects.toThrow('no space left');
  });
});
