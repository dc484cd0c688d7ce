import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import type { EchoReply } from '../../agents/io/linux/echo-socket.ts';
import { createLinuxPod, type LinuxPod } from '../../agents/io/linux/linux-pod.ts';
import { canBind, canUseLinuxPods } from '../../agents/io/linux/privileges.ts';
import { spawnInNetns } from '../../agents/io/linux/spawn-in-netns.ts';
import { requireTool, root } from '../support/tools.ts';
import { answerPings } from './linux-responder.ts';

const privileged = root();
const OPTIONS = {
  name: 'web',
  hostname: 'web-0',
  address: '192.168.10.1',
  mac: '02:00:00:00:00:05',
  mtu: 1450,
  gateway: '169.254.1.1',
};

let pods: LinuxPod[] = [];
afterEach(() => {
  for (const pod of pods) pod.close();
  pods = [];
});

function makePod(options: Partial<typeof OPTIONS> = {}): LinuxPod {
  const pod = createLinuxPod({ ...OPTIONS, ...options });
  pods.push(pod);
  return pod;
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

/** Open descriptors once the closing of earlier TAPs, which the kernel finishes in the background, has ended. */
async function settledDescriptors(): Promise<number> {
  const taps = (): string[] =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/net/tun';
      } catch {
        return false;
      }
    });
  await expect.poll(taps).toEqual([]);
  return openDescriptors();
}

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
}

async function run(pod: LinuxPod, command: string, ...args: string[]): Promise<Outcome> {
  const child = spawnInNetns(pod.netnsPath, requireTool(command), args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    utsPath: pod.utsPath,
  });
  const [stdout, [code]] = await Promise.all([text(child.stdout!), once(child, 'close')]);
  return { code, stdout };
}

/** Network namespaces that any process of this machine is in or holds open, except the caller's. */
function otherNamespaces(except: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const files = [`/proc/${pid}/ns/net`];
    try {
      files.push(...readdirSync(`/proc/${pid}/fd`).map((fd) => join('/proc', pid, 'fd', fd)));
      for (const file of files) {
        const target = readlinkSync(file);
        if (target.startsWith('net:[') && !except.has(target)) found.add(target);
      }
    } catch {
      // The process has ended meanwhile.
    }
  }
  return [...found];
}

describe.skipIf(privileged.missing)(privileged.title('a Linux pod'), () => {
  test('is what canUseLinuxPods promises', () => {
    expect(canUseLinuxPods()).toEqual({ ok: true });
  });

  test('root may bind port 179; a foreign address is refused with its reason', async () => {
    expect(await canBind('127.85.0.1', 179)).toEqual({ ok: true });
    expect(await canBind('192.0.2.1', 179)).toEqual({
      ok: false,
      code: 'EADDRNOTAVAIL',
      reason: 'cannot listen on 192.0.2.1:179: address not available (EADDRNOTAVAIL)',
    });
  });

  test('has eth0 with its /32, the gateway on the link, and nothing of IPv6', async () => {
    const pod = makePod();
    expect([pod.device.name, pod.device.mac]).toEqual(['eth0', '02:00:00:00:00:05']);
    const addresses = JSON.parse((await run(pod, 'ip', '-json', 'addr')).stdout);
    expect(addresses.map((link: { ifname: string }) => link.ifname)).toEqual(['lo', 'eth0']);
    expect(addresses[1]).toMatchObject({
      mtu: 1450,
      address: '02:00:00:00:00:05',
      addr_info: [{ family: 'inet', local: '192.168.10.1', prefixlen: 32 }],
    });
    const routes = (await run(pod, 'ip', 'route')).stdout.trimEnd().split(/ *\n/);
    expect(routes).toEqual(['default via 169.254.1.1 dev eth0', '169.254.1.1 dev eth0 scope link']);
    expect((await run(pod, 'ip', '-6', 'addr')).stdout).toBe('');
    expect((await run(pod, 'hostname')).stdout).toBe('web-0\n');
  });

  test('says nothing before it is asked to, then ARPs for the gateway, and the real ping gets its answers', async () => {
    const pod = makePod();
    const seen = answerPings(pod.device);
    const ping = await run(pod, 'ping', '-c', '3', '-i', '0.02', '-W', '5', '10.1.2.3');
    expect(ping.stdout).toContain('3 packets transmitted, 3 received, 0% packet loss');
    expect(ping.code).toBe(0);
    expect(seen.slice(0, 2)).toEqual(['arp who-has 169.254.1.1', 'icmp echo request 10.1.2.3']);
    expect(seen.filter((frame) => !/^(arp who-has|icmp echo)/.test(frame))).toEqual([]);
    expect(pod.device.dropped).toBe(0);
    expect(pod.device.framesIn).toBe(seen.length);
  });

  test('a ping that nobody answers has exit code 1', async () => {
    const pod = makePod();
    pod.device.onFrame(() => undefined);
    expect((await run(pod, 'ping', '-c', '1', '-W', '1', '10.1.2.3')).code).toBe(1);
  });

  test('the echo socket gets replies, with payload size and TTL', async () => {
    const pod = makePod();
    const seen = answerPings(pod.device);
    const replies: EchoReply[] = [];
    const third = new Promise<void>((resolve) => {
      pod.echo.onReply((reply) => {
        replies.push(reply);
        if (replies.length === 3) resolve();
      });
    });
    for (const seq of [1, 2, 3]) pod.echo.send('10.1.2.3', 0x77, seq, new Uint8Array(100), 33);
    await third;
    expect(replies.map(({ from, type, id, seq, bytes }) => [from, type, id, seq, bytes])).toEqual(
      [1, 2, 3].map((seq) => ['10.1.2.3', 0, 0x77, seq, 108]),
    );
    // The responder sends the packet back with the TTL that it came with.
    expect(replies[0]!.ttl).toBe(33);
    expect(seen).toContain('icmp echo request 10.1.2.3');
    expect(() => pod.echo.send('10.1.2.3', 1, 1, new Uint8Array(1500), 64, true)).toThrow(
      'cannot send an echo request to 10.1.2.3: message too long (EMSGSIZE)',
    );
  });

  test('bad options leave nothing behind', async () => {
    const before = await settledDescriptors();
    expect(() => makePod({ address: 'nonsense' })).toThrow('not an IP address: "nonsense"');
    expect(() => makePod({ gateway: '10.0.0.300' })).toThrow();
    await expect.poll(openDescriptors).toBe(before);
  });

  test('creating and closing pods leaks no file descriptor', async () => {
    makePod().close();
    const before = await settledDescriptors();
    for (let i = 0; i < 20; i++) {
      const pod = makePod();
      answerPings(pod.device);
      const answered = new Promise<void>((resolve) => pod.echo.onReply(() => resolve()));
      pod.echo.send('10.1.2.3', 1, i, new Uint8Array(8));
      await answered;
      pod.close();
      pod.close();
    }
    await expect.poll(openDescriptors).toBe(before);
  });

  test('a process that is killed leaves no namespace and no process behind', async () => {
    const own = new Set([readlinkSync('/proc/self/ns/net')]);
    const known = new Set([...own, ...otherNamespaces(own)]);
    const script = join(import.meta.dirname, 'linux-pod-holder.ts');
    const holder: ChildProcess = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [chunk] = await once(holder.stdout!, 'data');
    const { namespaces } = JSON.parse(String(chunk)) as { namespaces: string[] };
    expect(namespaces).toHaveLength(3);
    expect(otherNamespaces(known)).toEqual(expect.arrayContaining(namespaces));
    holder.kill('SIGKILL');
    await once(holder, 'close');
    expect(otherNamespaces(known).filter((name) => namespaces.includes(name))).toEqual([]);
    expect(() => statSync(`/proc/${holder.pid}`)).toThrow('ENOENT');
  });
});
