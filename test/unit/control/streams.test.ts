import { createConnection } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectAgent } from '../../../agents/control/client.ts';
import type {
  AgentControl,
  AgentStatus,
  CaptureFilter,
  PingResult,
  TraceStepRow,
} from '../../../agents/control/types.ts';
import { aborted } from '../../../agents/wait.ts';
import { endless, fakeAgent, never, Scene, STATUS } from './support.ts';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => scene.close());

const PING = {
  pod: 'default/a',
  destination: '10.65.0.2',
  count: 2,
  intervalMs: 0.5,
  timeoutMs: 1000,
  size: 56,
  ttl: 64,
  dontFragment: true,
};
const EVERYTHING: CaptureFilter = { underlay: true };

function reply(sequence: number): PingResult {
  return { sequence, outcome: 'reply', from: '10.65.0.2', rttMs: 0.1, ttl: 62, bytes: 64, error: null };
}

function step(text: string): TraceStepRow {
  const packet = { packetId: '0', source: '10.0.0.1', destination: '10.0.0.2' };
  return { node: 'host1', time: '0', ...packet, at: 'port', text, fields: {} };
}

describe('ping', () => {
  test('hands over the request and each result as it comes', async () => {
    const results: PingResult[] = [];
    const got = Promise.withResolvers<void>();
    const agent = await scene.agent({
      ping: async (request, onResult) => {
        expect(request).toEqual(PING);
        onResult(reply(1));
        // The second waits until the first has arrived.
        await got.promise;
        onResult(reply(2));
      },
    });
    const onResult = (result: PingResult): void => {
      results.push(result);
      got.resolve();
    };
    await agent.ping(PING, onResult, never());
    expect(results).toEqual([reply(1), reply(2)]);
  });

  test('an error before the first result has a status of its own, a later one ends the stream', async () => {
    let results = 0;
    const agent = await scene.agent({
      ping: async ({ count }, onResult) => {
        if (count > 1) onResult(reply(1));
        throw new Error(`pod is gone after ${count}`);
      },
    });
    const onResult = (): void => void results++;
    const early = agent.ping({ ...PING, count: 1 }, onResult, never());
    await expect(early).rejects.toMatchObject({ status: 500, message: 'pod is gone after 1' });
    expect(results).toBe(0);
    await expect(agent.ping(PING, onResult, never())).rejects.toMatchObject({
      status: 500,
      message: 'pod is gone after 2',
    });
    expect(results).toBe(1);
  });

  test('what the listener throws ends the ping and comes out as it is', async () => {
    const run = endless();
    const agent = await scene.agent({
      ping: (_, onResult, signal) => {
        onResult(reply(1));
        return run.run(signal);
      },
    });
    const broken = new TypeError('listener');
    const pinged = agent.ping(
      PING,
      () => {
        throw broken;
      },
      never(),
    );
    await expect(pinged).rejects.toBe(broken);
    await run.ended;
  });
});

describe('a client that goes away', () => {
  test.each([
    ['ping', (agent: AgentControl, signal: AbortSignal) => agent.ping(PING, () => undefined, signal)],
    ['trace', (agent: AgentControl, signal: AbortSignal) => agent.trace({}, () => undefined, signal)],
    ['watchStatus', (agent: AgentControl, signal: AbortSignal) => agent.watchStatus(() => undefined, signal)],
    [
      'capture',
      (agent: AgentControl, signal: AbortSignal) => agent.capture(EVERYTHING, () => undefined, signal),
    ],
    ['exec', (agent: AgentControl, signal: AbortSignal) => agent.exec('a', ['x'], () => undefined, signal)],
  ] as const)('by abort, before any headers: %s resolves here and ends there', async (method, call) => {
    const { run, seen, ended } = endless();
    const agent = await scene.agent({
      [method]: (...args: unknown[]) =>
        run(args.find((arg) => arg instanceof AbortSignal) as AbortSignal).then(() => 0),
    });
    const controller = new AbortController();
    const called = call(agent, controller.signal);
    await seen;
    controller.abort();
    // As a shell tells of a command that Ctrl-C ended.
    expect(await called).toBe(method === 'exec' ? 130 : undefined);
    await ended;
  });

  test('by abort, in the middle of a stream', async () => {
    const { run, ended } = endless();
    const controller = new AbortController();
    const agent = await scene.agent({
      trace: (_, onStep, signal, onReady) => {
        onReady?.();
        onStep(step('one'));
        onStep(step('two'));
        return run(signal);
      },
    });
    const texts: string[] = [];
    const onStep = ({ text }: TraceStepRow): void => {
      texts.push(text);
      controller.abort();
    };
    await agent.trace({ a: '10.0.0.1', protocol: 'icmp' }, onStep, controller.signal);
    expect(texts).toEqual(['one']);
    await ended;
  });

  test('with a signal that aborted before, nothing is asked', async () => {
    const agent = await scene.agent({});
    await agent.trace({}, () => undefined, AbortSignal.abort());
    await agent.capture(EVERYTHING, () => undefined, AbortSignal.abort());
    expect(await agent.exec('a', ['ping'], () => undefined, AbortSignal.abort())).toBe(130);
  });

  test('by death: what the agent writes afterwards harms nobody', async () => {
    let written = Promise.withResolvers<void>();
    await scene.serve([
      fakeAgent('host1', {
        trace: async (_, onStep, signal, onReady) => {
          onReady?.();
          await aborted(signal);
          onStep(step('to nobody'));
          written.resolve();
        },
        capture: async (_, onBytes, signal, onReady) => {
          onReady?.();
          await aborted(signal);
          // Statistics come last, and a promise would never settle if it waited for a reader.
          await onBytes(new Uint8Array(100));
          written.resolve();
        },
      }),
    ]);
    for (const [action, body] of [
      ['trace', '{}'],
      ['capture', '{"underlay":true}'],
    ] as const) {
      written = Promise.withResolvers();
      const socket = createConnection(scene.path);
      socket.write(
        `POST /v1/nodes/host1/${action} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      await new Promise((resolve) => socket.once('data', resolve));
      socket.destroy();
      await written.promise;
    }
    expect((await connectAgent(scene.endpoint, 'host1').status()).node).toBe('host1');
  });
});

describe('trace', () => {
  test('says when it is armed, before the first step', async () => {
    const events: string[] = [];
    const ready = Promise.withResolvers<void>();
    const agent = await scene.agent({
      trace: async (filter, onStep, _signal, onReady) => {
        expect(filter).toEqual({ a: '10.0.0.1', b: '10.0.0.2', protocol: 'icmp' });
        onReady?.();
        await ready.promise;
        onStep(step('one'));
      },
    });
    await agent.trace(
      { a: '10.0.0.1', b: '10.0.0.2', protocol: 'icmp' },
      ({ text }) => void events.push(text),
      never(),
      () => {
        events.push('ready');
        ready.resolve();
      },
    );
    expect(events).toEqual(['ready', 'one']);
  });

  test('a node that ends in the middle is an error, not an end', async () => {
    const server = await scene.serve([
      fakeAgent('host1', {
        trace: (_, __, signal, onReady) => {
          onReady?.();
          return aborted(signal);
        },
      }),
    ]);
    const ready = Promise.withResolvers<void>();
    const traced = connectAgent(scene.endpoint, 'host1').trace({}, () => undefined, never(), ready.resolve);
    const failure = expect(traced).rejects.toMatchObject({ status: 0, message: 'node went away: aborted' });
    await ready.promise;
    await server.close();
    await failure;
  });

  test('a reader that does not read is told so, and the agent stops', async () => {
    const stopped = Promise.withResolvers<number>();
    await scene.serve([
      fakeAgent('host1', {
        trace: async (_, onStep, signal) => {
          let written = 0;
          for (; !signal.aborted && written < 100; written++) onStep(step('x'.repeat(1 << 20)));
          stopped.resolve(written);
        },
      }),
    ]);
    const socket = createConnection(scene.path);
    socket.write(
      'POST /v1/nodes/host1/trace HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}',
    );
    socket.pause();
    // 8 MiB and what the kernel's buffers hold.
    const written = await stopped.promise;
    expect(written).toBeGreaterThan(7);
    expect(written).toBeLessThan(20);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume();
    await new Promise((resolve) => socket.on('end', resolve));
    socket.destroy();
    expect(Buffer.concat(chunks).toString('latin1')).toContain(
      '{"error":"the reader is too slow: 8 MiB wait for it"}\n',
    );
  });
});

describe('watchStatus', () => {
  test('a slow reader gets the newest status instead of all of them', async () => {
    const written = Promise.withResolvers<void>();
    const message = 'x'.repeat(1 << 20);
    await scene.serve([
      fakeAgent('host1', {
        watchStatus: async (listener) => {
          for (let asn = 1; asn <= 100; asn++) listener({ ...STATUS, asn, message });
          written.resolve();
        },
      }),
    ]);
    const socket = createConnection(scene.path);
    socket.write('GET /v1/nodes/host1/status?watch=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    socket.pause();
    await written.promise;
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.resume();
    await new Promise((resolve) => socket.on('end', resolve));
    const seen = [...text.matchAll(/"asn":(\d+)/g)].map(([, asn]) => Number(asn));
    expect(seen[0]).toBe(1);
    expect(seen.at(-1)).toBe(100);
    expect(seen.length).toBeLessThan(10);
  });

  test('a reader that keeps up gets every one', async () => {
    const seen: number[] = [];
    let next = Promise.withResolvers<void>();
    const agent = await scene.agent({
      watchStatus: async (listener) => {
        for (let asn = 1; asn <= 5; asn++) {
          next = Promise.withResolvers();
          listener({ ...STATUS, asn });
          await next.promise;
        }
      },
    });
    await agent.watchStatus(({ asn }: AgentStatus) => {
      seen.push(asn);
      next.resolve();
    }, never());
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('capture', () => {
  test('brings the bytes as they are, and lets the capture wait for a reader that is busy', async () => {
    const busy = Promise.withResolvers<void>();
    const chunk = Uint8Array.from({ length: 1 << 18 }, (_, i) => i & 255);
    let waited = 0;
    const agent = await scene.agent({
      capture: async (filter, onBytes, _signal, onReady) => {
        expect(filter).toEqual({ underlay: false, pods: ['default/a'], links: ['underlay'] });
        onReady?.();
        for (let i = 0; i < 8; i++) {
          const taken = onBytes(chunk);
          if (taken === undefined) continue;
          waited++;
          busy.resolve();
          await taken;
        }
      },
    });
    let received = 0;
    let right = true;
    const onBytes = async (bytes: Uint8Array): Promise<void> => {
      // Reads nothing more until the agent's side has felt it.
      await busy.promise;
      right &&= bytes.every((byte, i) => byte === ((received + i) & 255));
      received += bytes.length;
    };
    await agent.capture({ underlay: false, pods: ['default/a'], links: ['underlay'] }, onBytes, never());
    expect(received).toBe(8 << 18);
    expect(right).toBe(true);
    expect(waited).toBeGreaterThan(0);
  });

  test('an error in the middle does not become part of the capture', async () => {
    const agent = await scene.agent({
      capture: async (_, onBytes) => {
        await onBytes(Uint8Array.of(1, 2, 3));
        throw new Error('disk on fire');
      },
    });
    let received = 0;
    const onBytes = (bytes: Uint8Array): void => {
      received += bytes.length;
    };
    const captured = agent.capture(EVERYTHING, onBytes, never());
    await expect(captured).rejects.toMatchObject({
      status: 0,
      message: expect.stringContaining('node went away'),
    });
    expect(received).toBeLessThanOrEqual(3);
  });
});

describe('exec', () => {
  test('brings input, both outputs and the exit code', async () => {
    const input = Uint8Array.from({ length: 256 }, (_, i) => i);
    const agent = await scene.agent({
      exec: async (pod, command, output, _signal, stdin) => {
        expect([pod, command]).toEqual(['default/a', ['nc', '-u', '10.0.0.1', '7']]);
        output('stdout', stdin!);
        output('stderr', Uint8Array.of(0xff, 0x0a));
        return 7;
      },
    });
    const outputs: [string, number[]][] = [];
    const output = (name: 'stdout' | 'stderr', bytes: Uint8Array): void => {
      outputs.push([name, [...bytes]]);
    };
    const code = await agent.exec('default/a', ['nc', '-u', '10.0.0.1', '7'], output, never(), input);
    expect(code).toBe(7);
    expect(outputs).toEqual([
      ['stdout', [...input]],
      ['stderr', [0xff, 0x0a]],
    ]);
  });

  test('an unknown pod is an error, not an exit code', async () => {
    const agent = await scene.agent({
      exec: async () => {
        throw new Error('node host1 runs no pod x; it runs: none');
      },
    });
    await expect(agent.exec('x', ['ip', 'a'], () => undefined, never())).rejects.toMatchObject({
      status: 500,
      message: 'node host1 runs no pod x; it runs: none',
    });
  });
});

test('stop resolves when the agent has stopped', async () => {
  let stopped = false;
  const agent = await scene.agent({
    stop: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      stopped = true;
    },
  });
  await agent.stop();
  expect(stopped).toBe(true);
});
