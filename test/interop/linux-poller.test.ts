import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { libc } from '../../agents/io/linux/libc.ts';
import { createPoller, type Poller } from '../../agents/io/linux/poller.ts';
import {
  AF_INET,
  inetSockaddr,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from '../../agents/io/linux/sockaddr.ts';
import { root } from '../support/tools.ts';

// The calls need Linux, not root; the need is the same for all files of this folder that begin with linux-.
const linux = root();

const byte = Uint8Array.of(1);
const buffer = new Uint8Array(64);
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let opened: number[] = [];
let poller: Poller | undefined;
afterEach(() => {
  poller?.close();
  poller = undefined;
  for (const fd of opened) libc().close(fd);
  opened = [];
});

/** A UDP socket that sends to itself: readable after `poke`, until `drain`. */
function selfSocket(): number {
  const fd = libc().socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  opened.push(fd);
  for (let port = 20_000 + (fd % 1000) * 16; ; port++) {
    const address = inetSockaddr({ address: '127.86.0.1', port });
    if (libc().bind(fd, address, address.length) < 0) continue;
    expect(libc().connect(fd, address, address.length)).toBe(0);
    return fd;
  }
}

const poke = (fd: number): number => libc().send(fd, byte, 1, 0);
const drain = (fd: number): number => libc().recv(fd, buffer, buffer.length, 0);

describe.skipIf(linux.missing)(linux.title('poller'), () => {
  test('calls back for what is readable, again while something is left, and not otherwise', async () => {
    poller = createPoller();
    const [a, b] = [selfSocket(), selfSocket()];
    const events: string[] = [];
    let left = 3;
    const done = new Promise<void>((resolve) => {
      poller!.add(a, () => {
        events.push(`a ${drain(a)}`);
        if (--left === 0) resolve();
      });
    });
    poller.add(b, () => events.push('b'));
    for (let i = 0; i < 3; i++) poke(a);
    await done;
    for (let i = 0; i < 10; i++) await turn();
    expect(events).toEqual(['a 1', 'a 1', 'a 1']);
    expect(poller.size).toBe(2);
  });

  test('promises and ticks of a reader run before the loop waits again', async () => {
    poller = createPoller();
    const fd = selfSocket();
    const order = await new Promise<string[]>((resolve) => {
      const seen: string[] = [];
      poller!.add(fd, () => {
        drain(fd);
        process.nextTick(() => seen.push('tick'));
        queueMicrotask(() => seen.push('microtask'));
        setImmediate(() => resolve(seen));
      });
      poke(fd);
    });
    expect(order).toEqual(['tick', 'microtask']);
  });

  test('a descriptor added while the loop waits, and one readable already, wake it', async () => {
    poller = createPoller();
    const [early, late] = [selfSocket(), selfSocket()];
    poke(late);
    const woken = await new Promise<string>((resolve) => {
      poller!.add(early, () => {
        drain(early);
        poller!.add(late, () => resolve(`late ${drain(late)}`));
      });
      poke(early);
    });
    expect(woken).toBe('late 1');
  });

  test('a descriptor removed in the same batch is not served', async () => {
    poller = createPoller();
    const [a, b] = [selfSocket(), selfSocket()];
    const served: string[] = [];
    const reader = (name: string, other: number) => (): void => {
      served.push(name);
      poller!.remove(other);
    };
    poller.add(a, reader('a', b));
    poller.add(b, reader('b', a));
    poke(a);
    poke(b);
    for (let i = 0; i < 20 && served.length === 0; i++) await turn();
    const [first] = served;
    for (let i = 0; i < 5; i++) await turn();
    expect(new Set(served)).toEqual(new Set([first]));
    expect(poller.size).toBe(1);
  });

  test('a number that is reused by a new descriptor belongs to the new reader', async () => {
    poller = createPoller();
    const old = selfSocket();
    const calls: string[] = [];
    poller.add(old, () => calls.push('old'));
    poke(old);
    poller.remove(old);
    libc().close(opened.pop()!);
    const fresh = selfSocket();
    expect(fresh).toBe(old);
    await new Promise<void>((resolve) => {
      poller!.add(fresh, () => {
        drain(fresh);
        calls.push('fresh');
        resolve();
      });
      poke(fresh);
    });
    expect(calls).toEqual(['fresh']);
  });

  test('an error on the descriptor is served, and does not end the watch', async () => {
    poller = createPoller();
    const [fd, gone] = [selfSocket(), selfSocket()];
    const closedPort = inetSockaddr({ address: '127.86.0.1', port: 9 });
    expect(libc().connect(gone, closedPort, closedPort.length)).toBe(0);
    const readable = Promise.withResolvers<void>();
    const results: number[] = [];
    let failed = Promise.withResolvers<void>();
    poller.add(gone, () => {
      results.push(drain(gone));
      failed.resolve();
    });
    // The port is closed: the answer is an ICMP error, which the next read reports. Twice: the watch goes on.
    for (let i = 0; i < 2; i++) {
      failed = Promise.withResolvers<void>();
      poke(gone);
      await failed.promise;
    }
    poller.add(fd, () => {
      drain(fd);
      readable.resolve();
    });
    poke(fd);
    await readable.promise;
    expect(results.slice(0, 2)).toEqual([-1, -1]);
  });

  test('misuse is refused; closing is final and may come twice', () => {
    poller = createPoller();
    const fd = selfSocket();
    poller.add(fd, () => undefined);
    expect(() => poller!.add(fd, () => undefined)).toThrow('cannot watch file descriptor');
    poller.remove(fd);
    poller.remove(fd);
    poller.close();
    poller.close();
    expect(() => poller!.add(fd, () => undefined)).toThrow('the poller is closed');
  });

  test('stress: sockets come and go while others talk; every datagram is seen, nothing leaks', async () => {
    selfSocket();
    const before = openDescriptors();
    for (let round = 0; round < 10; round++) {
      const current = createPoller();
      let pending = 0;
      await new Promise<void>((resolve) => {
        for (let i = 0; i < 60; i++) {
          const fd = selfSocket();
          pending++;
          let rest = 5;
          current.add(fd, () => {
            expect(drain(fd)).toBe(1);
            if (--rest > 0) poke(fd);
            else {
              current.remove(fd);
              libc().close(fd);
              opened = opened.filter((other) => other !== fd);
              if (--pending === 0) resolve();
            }
          });
          poke(fd);
        }
      });
      expect(current.size).toBe(0);
      current.close();
    }
    expect(openDescriptors()).toBe(before);
  });

  test('wakes up in less than a millisecond, typically', async () => {
    poller = createPoller();
    const fd = selfSocket();
    const latencies: number[] = [];
    let woken: (() => void) | undefined;
    let sent = 0;
    poller.add(fd, () => {
      drain(fd);
      latencies.push(performance.now() - sent);
      woken!();
    });
    for (let i = 0; i < 200; i++) {
      const wake = new Promise<void>((resolve) => {
        woken = resolve;
      });
      sent = performance.now();
      poke(fd);
      await wake;
    }
    latencies.sort((a, b) => a - b);
    expect(latencies[100]).toBeLessThan(1);
  });

  test('a worker thread that ends without closing its poller ends in order', async () => {
    const module = JSON.stringify(join(import.meta.dirname, '../../agents/io/linux/poller.ts'));
    const worker = new Worker(
      `import(${module}).then(({ createPoller }) => {
      createPoller().add(require('node:fs').openSync('/dev/ptmx', 'r+'), () => undefined);
      setImmediate(() => process.exit(7));
    })`,
      { eval: true },
    );
    expect(await once(worker, 'exit')).toEqual([7]);
  });

  test.each([
    ['closed', 'poller.close()'],
    ['unreferenced', 'poller.unref()'],
  ])('a poller that is %s does not keep the process alive', async (_title, end) => {
    const module = JSON.stringify(join(import.meta.dirname, '../../agents/io/linux/poller.ts'));
    const script = `import { createPoller } from ${module}; import { openSync } from 'node:fs';
      const poller = createPoller(); poller.add(openSync('/dev/ptmx', 'r+'), () => undefined); ${end};
      process.on('exit', () => console.log('ended'));`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(await text(child.stdout!)).toBe('ended\n');
  });
});
