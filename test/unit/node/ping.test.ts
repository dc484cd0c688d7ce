import { beforeEach, describe, expect, test } from 'vitest';
import type { PingRequest, PingResult } from '../../../agents/control/types.ts';
import { ping } from '../../../agents/node/ping.ts';
import type { EchoPort, EchoReply } from '../../../agents/pod/types.ts';
import { SimClock } from '../../support/sim-net.ts';

const REQUEST: PingRequest = {
  pod: 'default/a',
  destination: '10.65.0.2',
  count: 1,
  intervalMs: 1000,
  timeoutMs: 500,
  size: 3,
  ttl: 64,
};

/** An echo port whose answers the test gives. */
class FakeEcho implements EchoPort {
  readonly sent: { readonly at: number; readonly id: number; readonly sequence: number }[] = [];
  readonly payloads: string[] = [];
  readonly listeners: Set<(reply: EchoReply) => void> = new Set();
  /** Answers a request, after `delay` ms; undefined: never. */
  answer: (sequence: number) => { readonly delay: number; readonly reply?: Partial<EchoReply> } | undefined;
  refuse: string | undefined;
  readonly #clock: SimClock;

  constructor(clock: SimClock) {
    this.#clock = clock;
    this.answer = () => ({ delay: 10 });
  }

  send(...[destination, id, sequence, payload, ttl, dontFragment]: Parameters<EchoPort['send']>): void {
    this.sent.push({ at: this.#clock.now(), id, sequence });
    this.payloads.push(`${destination} ${[...payload]} ttl ${ttl} df ${dontFragment}`);
    if (this.refuse !== undefined) throw new Error(this.refuse);
    const answer = this.answer(sequence);
    if (answer === undefined) return;
    const reply = { from: destination, type: 0, code: 0, id, sequence, ttl: 62, bytes: 11, ...answer.reply };
    const tell = (): void => {
      for (const listener of this.listeners) listener(reply);
    };
    if (answer.delay === 0) tell();
    else this.#clock.setTimer(answer.delay, tell);
  }

  onReply(listener: (reply: EchoReply) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

let clock: SimClock;
let echo: FakeEcho;
let results: (PingResult & { readonly at: number })[];
beforeEach(() => {
  clock = new SimClock();
  echo = new FakeEcho(clock);
  results = [];
});

async function run(request: Partial<PingRequest> = {}, signal?: AbortSignal): Promise<PingResult[]> {
  const ports = { clock, random: { uint32: () => 0xabcd1234, float: () => 0 } };
  const onResult = (result: PingResult): void => void results.push({ ...result, at: clock.now() });
  const all = { ...REQUEST, ...request };
  await clock.outcome(ping(echo, all, ports, onResult, signal ?? new AbortController().signal));
  expect(echo.listeners.size).toBe(0);
  return results.map(({ at: _, ...result }) => result);
}

const NOTHING = { from: null, rttMs: null, ttl: null, bytes: null, error: null };

test('a reply, with its time', async () => {
  expect(await run()).toEqual([
    { sequence: 1, outcome: 'reply', from: '10.65.0.2', rttMs: 10, ttl: 62, bytes: 11, error: null },
  ]);
  expect(echo.sent).toEqual([{ at: 0, id: 0x1234, sequence: 1 }]);
  expect(echo.payloads).toEqual(['10.65.0.2 0,1,2 ttl 64 df false']);
  expect([clock.now(), clock.pending]).toEqual([10, 0]);
});

test('a reply that comes before send returns', async () => {
  echo.answer = () => ({ delay: 0 });
  expect(await run({ dontFragment: true })).toMatchObject([{ outcome: 'reply', rttMs: 0 }]);
  expect(echo.payloads).toEqual(['10.65.0.2 0,1,2 ttl 64 df true']);
  expect(clock.pending).toBe(0);
});

test('silence', async () => {
  echo.answer = () => undefined;
  expect(await run()).toEqual([{ sequence: 1, outcome: 'timeout', ...NOTHING }]);
  expect(clock.now()).toBe(500);
});

describe('an ICMP error', () => {
  test.each([
    [{ type: 11, code: 0 }, 'Time to live exceeded'],
    [{ type: 3, code: 1 }, 'Destination Host Unreachable'],
    [{ type: 3, code: 4, mtu: 1400 }, 'Frag needed and DF set (mtu = 1400)'],
    [{ type: 3, code: 200 }, 'ICMP type 3 code 200'],
  ])('%o is %s', async (reply, error) => {
    echo.answer = () => ({ delay: 5, reply: { ...reply, from: '10.65.0.0' } });
    expect(await run()).toEqual([{ sequence: 1, outcome: 'error', ...NOTHING, from: '10.65.0.0', error }]);
    expect(clock.now()).toBe(5);
  });
});

test('what the pod’s stack refuses is an error from nobody, and the next is tried', async () => {
  echo.refuse = 'network is down';
  const error = { outcome: 'error', ...NOTHING, error: 'network is down' };
  expect(await run({ count: 2 })).toEqual([
    { sequence: 1, ...error },
    { sequence: 2, ...error },
  ]);
  expect(clock.pending).toBe(0);
});

describe('which reply is whose', () => {
  test('other ids are not ours', async () => {
    echo.answer = () => ({ delay: 5, reply: { id: 0x1235 } });
    expect(await run()).toMatchObject([{ outcome: 'timeout' }]);
  });

  test('a late reply is not told after the timeout was, nor a second one', async () => {
    echo.answer = (sequence) => ({ delay: sequence === 1 ? 900 : 10, reply: { sequence: 1 } });
    // 1 times out at 500; its reply comes at 900, a copy of it in place of the reply to 2 at 1010.
    expect(await run({ count: 2 })).toMatchObject([
      { sequence: 1, outcome: 'timeout' },
      { sequence: 2, outcome: 'timeout' },
    ]);
  });

  test('replies out of order are told as they come', async () => {
    echo.answer = (sequence) => ({ delay: sequence === 1 ? 300 : 10 });
    await run({ count: 3, intervalMs: 100 });
    expect(results.map(({ sequence, at }) => [sequence, at])).toEqual([
      [2, 110],
      [3, 210],
      [1, 300],
    ]);
  });
});

describe('the pace', () => {
  test('is the interval, whether replies came or not; the end waits for the last', async () => {
    echo.answer = (sequence) => (sequence === 2 ? undefined : { delay: 10 });
    await run({ count: 3 });
    expect(echo.sent.map(({ at }) => at)).toEqual([0, 1000, 2000]);
    expect(results.map(({ sequence, at }) => [sequence, at])).toEqual([
      [1, 10],
      [2, 1500],
      [3, 2010],
    ]);
  });

  test('with interval 0 is that of the answers', async () => {
    echo.answer = (sequence) => (sequence === 2 ? undefined : { delay: 10 });
    await run({ count: 3, intervalMs: 0 });
    expect(echo.sent.map(({ at }) => at)).toEqual([0, 10, 510]);
  });

  test('goes on beyond the 16 bits of the sequence number', async () => {
    echo.answer = () => ({ delay: 0 });
    const all = await run({ count: 0x10002, intervalMs: 0, size: 0 });
    expect(echo.sent.at(-1)!.sequence).toBe(2);
    expect(all.at(-1)).toMatchObject({ sequence: 0x10002, outcome: 'reply' });
    expect(all.filter(({ outcome }) => outcome === 'reply')).toHaveLength(0x10002);
  });
});

describe('an abort', () => {
  test('ends at once: what is pending is not told', async () => {
    const controller = new AbortController();
    echo.answer = () => undefined;
    clock.setTimer(1200, () => controller.abort());
    expect(await run({ count: 5 }, controller.signal)).toMatchObject([{ sequence: 1, outcome: 'timeout' }]);
    expect(echo.sent).toHaveLength(2);
    expect([clock.now(), clock.pending]).toEqual([1200, 0]);
  });

  test('from inside of a result, even a synchronous one', async () => {
    const controller = new AbortController();
    echo.answer = () => ({ delay: 0 });
    const ports = { clock, random: { uint32: () => 1, float: () => 0 } };
    const told: number[] = [];
    const onResult = ({ sequence }: PingResult): void => {
      told.push(sequence);
      controller.abort();
    };
    await clock.outcome(ping(echo, { ...REQUEST, count: 5 }, ports, onResult, controller.signal));
    expect([told, clock.now(), clock.pending]).toEqual([[1], 0, 0]);
  });

  test('beforehand sends nothing', async () => {
    expect(await run({ count: 5 }, AbortSignal.abort())).toEqual([]);
    expect(echo.sent).toEqual([]);
  });
});

test('what the listener throws comes out of ping, not out of the packet path', async () => {
  const broken = new Error('listener');
  const ports = { clock, random: { uint32: () => 1, float: () => 0 } };
  const onResult = (): void => {
    throw broken;
  };
  const pinged = ping(echo, { ...REQUEST, count: 5 }, ports, onResult, new AbortController().signal);
  pinged.catch(() => undefined);
  expect(() => clock.run(10)).not.toThrow();
  await expect(clock.outcome(pinged)).rejects.toBe(broken);
  expect([echo.sent.length, echo.listeners.size, clock.now(), clock.pending]).toEqual([1, 0, 10, 0]);
});
