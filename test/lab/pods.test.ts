// Both kinds of pods in one lab: what runs in them, and what they say to each other.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { all, root, tool } from '../support/tools.ts';
import { MIXED_LAB } from './support/labs.ts';
import { podAddresses, startServer } from './support/pods.ts';
import { type Ran, type RunOptions, Workspace } from './support/workspace.ts';

const needs = all(root(), tool('ping'), tool('ip'));

describe.skipIf(needs.missing)(needs.title('pods of both kinds'), () => {
  let workspace: Workspace;
  let ip: Readonly<Record<string, string>>;

  const exec = (pod: string, command: readonly string[], options?: RunOptions): Promise<Ran> =>
    workspace.podwire(['exec', pod, '--', ...command], options);

  beforeAll(async () => {
    workspace = new Workspace('pods');
    await workspace.ok(['up', '-d', workspace.file('mixed.yaml', MIXED_LAB)]);
    ip = await podAddresses(workspace);
  });

  afterAll(() => workspace.clean());

  describe('exec in a linux pod', () => {
    test('joins standard input, output and error, and returns the exact exit code', async () => {
      const script = 'cat; hostname; echo problem >&2; exit 42';
      expect(await exec('linux-1', ['sh', '-c', script], { input: 'in\n' })).toEqual({
        code: 42,
        signal: null,
        stdout: 'in\nlinux-1\n',
        stderr: 'problem\n',
      });
    });

    test.each([
      ['a command that a signal ended: 128 and its number', ['sh', '-c', 'kill -9 $$'], 137, ''],
      [
        'a command that is not there: 127',
        ['no-such-command'],
        127,
        'podwire: no command no-such-command on this machine\n',
      ],
      [
        'a file that is no program: 126',
        ['/etc/passwd'],
        126,
        expect.stringMatching(/^podwire: cannot run \/etc\/passwd: .*EACCES\n$/),
      ],
    ])('%s', async (_, command, code, stderr) => {
      expect(await exec('linux-1', command)).toMatchObject({ code, stdout: '', stderr });
    });

    test('sees its own eth0 and Calico’s routes, nothing of the machine', async () => {
      const { stdout } = await exec('linux-1', ['ip', '-json', 'addr']);
      const links = JSON.parse(stdout) as {
        ifname: string;
        mtu: number;
        addr_info: { local: string; prefixlen: number }[];
      }[];
      expect(links.map(({ ifname }) => ifname)).toEqual(['lo', 'eth0']);
      expect(links[1]!).toMatchObject({ mtu: 1450, addr_info: [{ local: ip['linux-1'], prefixlen: 32 }] });
      const routes = (await exec('linux-1', ['ip', 'route'])).stdout.trim().split(/\s*\n/);
      expect(routes).toEqual(['default via 169.254.1.1 dev eth0', '169.254.1.1 dev eth0 scope link']);
    });
  });

  describe('exec in an emulated pod', () => {
    test('ping, with the exit codes of ping', async () => {
      const good = await exec('emulated-1', ['ping', '-c', '1', ip['emulated-2']!]);
      expect(good).toMatchObject({ code: 0, stderr: '' });
      expect(good.stdout).toMatch(/ icmp_seq=1 ttl=62 time=/);
      const bad = await exec('emulated-1', ['ping', '-c', '1', '-t', '2', ip['emulated-2']!]);
      expect(bad).toMatchObject({ code: 1, stderr: '' });
      expect(bad.stdout).toContain('icmp_seq=1 Time to live exceeded');
      expect(bad.stdout).toContain('1 packets transmitted, 0 received, +1 errors, 100% packet loss');
    });

    test('nc -u to the UDP echo port: standard input comes back, however large', async () => {
      const small = await exec('emulated-1', ['nc', '-u', ip['emulated-2']!, '7'], { input: 'hallo\n' });
      expect(small).toMatchObject({ code: 0, stdout: 'hallo\n', stderr: '' });
      // 20,000 bytes are 15 fragments.
      const text = randomBytes(10_000).toString('hex');
      const large = await exec('emulated-1', ['nc', '-u', ip['emulated-2']!, '7'], { input: text });
      expect(large).toMatchObject({ code: 0, stderr: '' });
      expect(large.stdout === text).toBe(true);
    });

    test('ip addr, and 127 for what it has not', async () => {
      const addr = await exec('emulated-1', ['ip', 'addr']);
      expect(addr).toMatchObject({ code: 0, stderr: '' });
      expect(addr.stdout).toMatch(/^2: eth0: <.*UP.*> mtu 1450$/m);
      expect(addr.stdout).toContain(`inet ${ip['emulated-1']}/32 scope global eth0`);
      const bash = await exec('emulated-1', ['bash', '-c', 'true']);
      expect(bash).toMatchObject({
        code: 127,
        stdout: '',
        stderr: 'bash: not found; an emulated pod has: ping, nc, ip\n',
      });
    });
  });

  describe('a real ping in a linux pod', () => {
    test('TTL exceeded, from each host on the way', async () => {
      const blocks = await tunnelAddresses();
      for (const [ttl, from] of [
        ['1', blocks.host1],
        ['2', blocks.host2],
      ]) {
        const { code, stdout } = await exec('linux-1', ['ping', '-c', '1', '-t', ttl!, ip['linux-2']!]);
        expect(code).toBe(1);
        expect(stdout).toContain(`From ${from} icmp_seq=1 Time to live exceeded`);
      }
    });

    test('unreachable, from its own host', async () => {
      const { code, stdout } = await exec('linux-1', ['ping', '-c', '1', '-W', '2', '192.168.255.250']);
      expect(code).toBe(1);
      expect(stdout).toContain(
        `From ${(await tunnelAddresses()).host1} icmp_seq=1 Destination Net Unreachable`,
      );
    });

    test('its own MTU leaves room for VXLAN: 1450 bytes go, 1451 do not', async () => {
      const full = await exec('linux-1', ['ping', '-c', '1', '-M', 'do', '-s', '1422', ip['linux-2']!]);
      expect(full).toMatchObject({ code: 0, stdout: expect.stringContaining('1430 bytes from') });
      const more = await exec('linux-1', ['ping', '-c', '1', '-M', 'do', '-s', '1423', ip['linux-2']!]);
      expect(more).toMatchObject({ code: 1, stderr: 'ping: local error: message too long, mtu=1450\n' });
      const fragments = await exec('linux-1', ['ping', '-c', '1', '-s', '5000', ip['linux-2']!]);
      expect(fragments).toMatchObject({ code: 0, stdout: expect.stringContaining('5008 bytes from') });
    });

    test('fragmentation needed with the right MTU, where the pod’s own is too large', async () => {
      await setMtu('linux-1', 1500);
      try {
        const { code, stdout } = await exec('linux-1', [
          'ping',
          '-c',
          '1',
          '-M',
          'do',
          '-s',
          '1472',
          '-W',
          '2',
          ip['linux-2']!,
        ]);
        expect(code).toBe(1);
        const { host1 } = await tunnelAddresses();
        expect(stdout).toContain(`From ${host1} icmp_seq=1 Frag needed and DF set (mtu = 1450)`);
        // The kernel believed it.
        const { stdout: route } = await exec('linux-1', ['ip', 'route', 'get', ip['linux-2']!]);
        expect(route).toContain('mtu 1450');
      } finally {
        await setMtu('linux-1', 1450);
      }
    });
  });

  describe('TCP between linux pods of two hosts', () => {
    test.each([
      ['with the MTU that the pods have', 1450],
      ['with path MTU discovery, where their MTU is too large', 1500],
    ])('1 MB there and back, intact, %s', async (_, mtu) => {
      await Promise.all([setMtu('linux-1', mtu), setMtu('linux-2', mtu)]);
      const server = await startServer(workspace, 'linux-2', 'http');
      const body = randomBytes(1 << 20).toString('latin1');
      const client = `const body = Buffer.concat(await Array.fromAsync(process.stdin));
        const answer = await fetch('http://${ip['linux-2']}:8080/', { method: 'POST', body });
        process.stdout.write(Buffer.from(await answer.arrayBuffer()).toString('base64'));`;
      const input = Buffer.from(body, 'latin1');
      const node = [process.execPath, '--input-type=module', '-e', client];
      const got = await exec('linux-1', node, { input });
      expect(got).toMatchObject({ code: 0, stderr: '' });
      expect(Buffer.from(got.stdout, 'base64').equals(input)).toBe(true);
      // A signal reaches the command in the pod.
      server.child.kill('SIGTERM');
      expect(await server.ended).toMatchObject({ code: 143 });
      await Promise.all([setMtu('linux-1', 1450), setMtu('linux-2', 1450)]);
    });
  });

  describe('a linux and an emulated pod', () => {
    test.each([
      ['linux-1', 'emulated-1', 63],
      ['linux-1', 'emulated-2', 62],
      ['emulated-1', 'linux-2', 62],
      ['emulated-2', 'linux-2', 63],
    ])('ping from %s to %s', async (from, to, ttl) => {
      const { code, stdout } = await exec(from, ['ping', '-c', '1', ip[to]!]);
      expect(code).toBe(0);
      expect(stdout).toContain(`bytes from ${ip[to]}: icmp_seq=1 ttl=${ttl} time=`);
    });

    test('UDP from the emulated to a server in the linux one, which sees its address', async () => {
      const server = await startServer(workspace, 'linux-2', 'udp');
      const { stdout } = await exec('emulated-1', ['nc', '-u', ip['linux-2']!, '9999'], { input: 'hallo' });
      expect(stdout).toBe(`${ip['emulated-1']} hallo`);
      server.child.kill('SIGTERM');
      await server.ended;
    });

    test('UDP from the linux one to the echo port, and TCP refused as by any host without a server', async () => {
      const client = `const socket = require('dgram').createSocket('udp4');
        socket.on('message', (data) => { console.log(String(data)); socket.close(); });
        socket.send('hallo', 7, '${ip['emulated-2']}');`;
      const udp = await exec('linux-1', ['node', '-e', client]);
      expect(udp).toMatchObject({ code: 0, stdout: 'hallo\n' });
      const connect = `require('net').connect(80, '${ip['emulated-2']}').on('error', ({ code }) => console.log(code))`;
      expect(await exec('linux-1', ['node', '-e', connect])).toMatchObject({ stdout: 'ECONNREFUSED\n' });
    });
  });

  /** First address of each host's block: its VXLAN device's, from which it sends ICMP errors. */
  async function tunnelAddresses(): Promise<Readonly<Record<string, string>>> {
    const rows = await workspace.json<{ node: string; type: string; destination: string }[]>([
      'inspect',
      'routes',
    ]);
    return Object.fromEntries(
      rows.filter(({ type }) => type === 'local').map((row) => [row.node, row.destination]),
    );
  }

  async function setMtu(pod: string, mtu: number): Promise<void> {
    const script = `ip link set eth0 mtu ${mtu} && ip route flush cache`;
    expect(await exec(pod, ['sh', '-c', script])).toMatchObject({ code: 0, stderr: '' });
  }
});
