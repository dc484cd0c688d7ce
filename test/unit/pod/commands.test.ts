import { describe, expect, test } from 'vitest';
import { Host } from './support.ts';

describe('ping', () => {
  test('prints as iputils does and exits with 0', async () => {
    const { code, stdout, stderr } = await new Host().run('ping -c 2 -i 0.5 10.65.0.2');
    expect(stdout.split('\n')).toEqual([
      'PING 10.65.0.2 (10.65.0.2) 56(84) bytes of data.',
      '64 bytes from 10.65.0.2: icmp_seq=1 ttl=63 time=8 ms',
      '64 bytes from 10.65.0.2: icmp_seq=2 ttl=63 time=4 ms',
      '',
      '--- 10.65.0.2 ping statistics ---',
      '2 packets transmitted, 2 received, 0% packet loss, time 504ms',
      '',
    ]);
    expect([code, stderr]).toEqual([0, '']);
  });

  test('exits with 1 where nothing comes back, and takes as long as it must', async () => {
    const host = new Host();
    host.b.close();
    const { code, stdout } = await host.run('ping -c 3 -i 1 -W 2 10.65.0.2');
    expect(stdout).toContain('3 packets transmitted, 0 received, 100% packet loss, time 4000ms');
    expect(code).toBe(1);
  });

  test('shows ICMP errors, and counts them', async () => {
    const { code, stdout } = await new Host().run('ping -c1 -t1 10.65.0.2');
    expect(stdout).toContain('From 10.65.0.0 icmp_seq=1 Time to live exceeded\n');
    expect(stdout).toContain('1 packets transmitted, 0 received, +1 errors, 100% packet loss');
    expect(code).toBe(1);
  });

  test('shows what the own stack refuses', async () => {
    const { code, stdout } = await new Host().run('ping -c 1 -s 1423 -M do 10.65.0.2');
    expect(stdout).toContain('ping: local error: message too long: 1451 bytes, path MTU 1450\n');
    expect(code).toBe(1);
  });

  test('ends with the statistics so far when it is interrupted', async () => {
    const host = new Host();
    const controller = new AbortController();
    host.clock.setTimer(1500, () => controller.abort());
    const { code, stdout } = await host.run('ping -c 1000 10.65.0.2', { signal: controller.signal });
    expect(stdout).toContain('2 packets transmitted, 2 received, 0% packet loss, time 1500ms');
    expect(code).toBe(0);
    expect(host.clock.pending).toBe(0);
  });

  test('two at once do not take each other’s replies', async () => {
    const host = new Host();
    const both = await Promise.all([
      host.run('ping -c 2 -i 0 10.65.0.2'),
      host.run('ping -c 2 -i 0 -t 1 10.65.0.2'),
    ]);
    expect(both.map(({ code }) => code)).toEqual([0, 1]);
    expect(both[1]!.stdout).not.toContain('bytes from');
  });

  test.each([
    'ping',
    'ping -c',
    'ping -c 0 10.65.0.2',
    'ping -c -1 10.65.0.2',
    'ping -c 1.5 10.65.0.2',
    'ping -c 0x2 10.65.0.2',
    'ping -i -1 10.65.0.2',
    'ping -s 65508 10.65.0.2',
    'ping -t 0 10.65.0.2',
    'ping -t 256 10.65.0.2',
    'ping -W 0 10.65.0.2',
    'ping -M perhaps 10.65.0.2',
    'ping -x 1 10.65.0.2',
    'ping 10.65.0.2 10.65.0.3',
  ])('%s is wrong usage', async (command) => {
    const { code, stdout, stderr } = await new Host().run(command);
    expect(stderr).toMatch(/^usage: ping \[-c COUNT\].* ADDRESS\n$/);
    expect([code, stdout]).toEqual([2, '']);
  });

  test('wants an address', async () => {
    const { code, stderr } = await new Host().run('ping web-2');
    expect([code, stderr]).toEqual([2, 'ping: web-2: expected an IPv4 address\n']);
  });
});

describe('nc', () => {
  const input = new TextEncoder().encode('hello\n');

  test('sends its input and prints what comes back until it is quiet', async () => {
    const host = new Host();
    const { code, stdout, stderr } = await host.run('nc -u 10.65.0.2 7', { input });
    expect([code, stdout, stderr]).toEqual([0, 'hello\n', '']);
    // 8 ms on the way, then a second of silence.
    expect(host.clock.now()).toBe(1008);
    expect(host.clock.pending).toBe(0);
  });

  test('every datagram begins the wait anew', async () => {
    const host = new Host();
    let peer = 0;
    const socket = host.b.openUdp(({ from, fromPort }) => {
      peer++;
      for (let i = 1; i <= 3; i++) {
        host.clock.setTimer(i * 400, () => socket.send(from, fromPort, Uint8Array.of(0x30 + i)));
      }
    });
    // The first ephemeral port of the other pod.
    const { code, stdout } = await host.run('nc -u -w 0.5 10.65.0.2 49152', { input });
    expect([peer, code, stdout]).toEqual([1, 0, '123']);
  });

  test('listens to nobody else', async () => {
    const host = new Host();
    const stranger = host.b.openUdp(() => undefined);
    host.clock.setTimer(100, () => stranger.send(host.a.host.address, 49152, input));
    const { code, stdout } = await host.run('nc -u 10.65.0.2 9', { input });
    expect([code, stdout]).toEqual([1, '']);
  });

  test('says why it cannot send', async () => {
    const host = new Host();
    const { code, stderr } = await host.run('nc -u 10.65.0.2 7', { input: new Uint8Array(65508) });
    expect([code, stderr]).toEqual([1, 'nc: message too long: 65536 bytes, IPv4 carries 65535\n']);
    // Its port is free again.
    expect(host.a.host.openUdp(49152)).toBe(49152);
    expect(host.clock.pending).toBe(0);
  });

  test('ends when it is interrupted, also before it began', async () => {
    const host = new Host();
    const controller = new AbortController();
    host.clock.setTimer(100, () => controller.abort());
    expect((await host.run('nc -u -w 60 10.65.0.2 9', { signal: controller.signal })).code).toBe(1);
    expect((await host.run('nc -u -w 60 10.65.0.2 9', { signal: AbortSignal.abort() })).code).toBe(1);
    expect(host.clock.now()).toBe(100);
    expect(host.clock.pending).toBe(0);
  });

  test('an output that fails ends it with that error', async () => {
    const host = new Host();
    const broken = new Error('EPIPE');
    const output = (): void => {
      throw broken;
    };
    const run = host.a.exec(['nc', '-u', '10.65.0.2', '7'], output, new AbortController().signal, input);
    // The error goes to standard error, which is as broken.
    await expect(host.clock.outcome(run)).rejects.toBe(broken);
  });

  test.each([
    'nc 10.65.0.2 7',
    'nc -u 10.65.0.2',
    'nc -u web 7',
    'nc -u 10.65.0.2 0',
    'nc -u 10.65.0.2 65536',
    'nc -u 10.65.0.2 80.5',
    'nc -u -w 0 10.65.0.2 7',
    'nc -u -w x 10.65.0.2 7',
    'nc -u 10.65.0.2 7 8',
  ])('%s is wrong usage', async (command) => {
    const { code, stderr } = await new Host().run(command);
    expect([code, stderr]).toEqual([2, 'usage: nc -u [-w SECONDS] ADDRESS PORT\n']);
  });
});

describe('ip', () => {
  test('addr', async () => {
    const { code, stdout } = await new Host().run('ip a');
    expect(code).toBe(0);
    expect(stdout).toContain('2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450\n');
    expect(stdout).toContain('    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n');
    expect(stdout).toContain('    inet 10.65.0.1/32 scope global eth0\n');
  });

  test('route', async () => {
    const { stdout } = await new Host().run('ip route show');
    expect(stdout).toBe('default via 169.254.1.1 dev eth0\n169.254.1.1 dev eth0 scope link\n');
  });

  test('neigh, before and after ARP', async () => {
    const host = new Host();
    expect((await host.run('ip n')).stdout).toBe('');
    host.up = false;
    host.a.echo.send('10.65.0.2', 7, 1, new Uint8Array(0), 64, false);
    expect((await host.run('ip neigh')).stdout).toBe('169.254.1.1 dev eth0 INCOMPLETE\n');
    host.up = true;
    await host.run('ping -c 1 10.65.0.2');
    expect((await host.run('ip neigh')).stdout).toBe(
      '169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee REACHABLE\n',
    );
  });

  test.each(['ip', 'ip link', 'ip -4'])('%s is wrong usage', async (command) => {
    const { code, stderr } = await new Host().run(command);
    expect([code, stderr]).toEqual([2, 'usage: ip addr|route|neigh\n']);
  });
});

describe('other commands', () => {
  test.each(['', 'sh', 'constructor', 'toString'])('%j is not found', async (command) => {
    const { code, stderr } = await new Host().run(command);
    expect([code, stderr]).toEqual([127, `${command}: not found; an emulated pod has: ping, nc, ip\n`]);
  });
});
