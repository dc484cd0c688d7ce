import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { setTxChecksum } from '../../agents/io/linux/ethtool.ts';
import { withNetlink } from '../../agents/io/linux/netlink.ts';
import {
  createNetns,
  createUtsNamespace,
  type Namespace,
  withNamespaces,
  withNetns,
} from '../../agents/io/linux/netns.ts';
import { spawnInNetns } from '../../agents/io/linux/spawn-in-netns.ts';
import { requireTool, root } from '../support/tools.ts';

const privileged = root();

let opened: Namespace[] = [];
afterEach(() => {
  for (const namespace of opened) namespace.close();
  opened = [];
});

function netns(): Namespace {
  const namespace = createNetns();
  opened.push(namespace);
  return namespace;
}

const here = (): string => readlinkSync('/proc/thread-self/ns/net');

/** The namespaces that this process's threads are in. */
const threadNamespaces = (): Set<string> =>
  new Set(readdirSync('/proc/self/task').map((thread) => readlinkSync(`/proc/self/task/${thread}/ns/net`)));

/** What a program prints inside a namespace. */
const output = (namespace: Namespace, name: string, ...args: string[]): string =>
  withNetns(namespace, () => execFileSync(requireTool(name), args, { encoding: 'utf8' }));

describe.skipIf(privileged.missing)(privileged.title('network namespaces'), () => {
  test('withNetns is inside, and comes back also from an exception and from a nested call', () => {
    const [outer, inner] = [netns(), netns()];
    const home = here();
    const names = [outer, inner].map(({ path }) => readlinkSync(path));
    expect(new Set([home, ...names]).size).toBe(3);
    expect(withNetns(outer, () => [here(), withNetns(inner, here), here()])).toEqual([
      names[0],
      names[1],
      names[0],
    ]);
    const fail = (): never => {
      throw new Error('from inside');
    };
    expect(() => withNetns(outer, fail)).toThrow('from inside');
    expect(() => withNetns(outer, async () => 1)).toThrow('must be synchronous');
    expect(here()).toBe(home);
    expect(threadNamespaces()).toEqual(new Set([home]));
  });

  test('paths that are no namespaces are refused in one line', () => {
    expect(() => withNamespaces({ net: '/proc/0/ns/net' }, here)).toThrow(
      'cannot open network namespace /proc/0/ns/net: no such file or directory (ENOENT)',
    );
    expect(() => withNamespaces({ net: '/dev/null' }, here)).toThrow('invalid argument (EINVAL)');
    expect(() => spawnInNetns('/nowhere', 'true', [])).toThrow('cannot open network namespace /nowhere');
  });

  test('a child is inside with its host name, and inherits no descriptor of ours', async () => {
    const namespace = netns();
    const uts = createUtsNamespace('pod-7');
    opened.push(uts);
    const script = 'readlink /proc/self/ns/net; hostname; ls -l /proc/self/fd';
    const child = spawnInNetns(namespace.path, 'sh', ['-c', script], { utsPath: uts.path });
    const lines = (await text(child.stdout!)).split('\n');
    expect(lines.slice(0, 2)).toEqual([readlinkSync(namespace.path), 'pod-7']);
    expect(lines.slice(2).some((line) => /-> (uts:|\/dev\/net\/tun)/.test(line))).toBe(false);
    expect(execFileSync('hostname', { encoding: 'utf8' })).not.toBe('pod-7\n');
  });

  test('what Node binds to an address inside is bound outside; libuv binds a bare TCP port at once', async () => {
    const namespace = netns();
    const [named, bare] = [createServer(), createServer()];
    const datagrams = createSocket('udp4');
    withNetns(namespace, () => {
      named.listen(0, '127.0.0.1');
      bare.listen(0);
      datagrams.bind(0, '127.0.0.1');
    });
    await Promise.all([named, bare, datagrams].map((server) => once(server, 'listening')));
    const ports = [named, bare, datagrams].map((server) => (server.address() as { port: number }).port);
    const inside = withNetns(namespace, () =>
      ['tcp', 'tcp6', 'udp'].map((table) => readFileSync(`/proc/thread-self/net/${table}`, 'utf8')).join(''),
    );
    const isInside = (port: number): boolean =>
      inside.includes(`:${port.toString(16).toUpperCase().padStart(4, '0')} `);
    expect(ports.map(isInside)).toEqual([false, true, false]);
    for (const server of [named, bare, datagrams]) server.close();
  });

  test('a process that enters for good has its children there', async () => {
    const namespace = netns();
    const script = join(import.meta.dirname, 'linux-enter-netns.ts');
    const child = spawn(process.execPath, [script, namespace.path], { stdio: ['ignore', 'pipe', 'inherit'] });
    expect(JSON.parse(await text(child.stdout!))).toEqual({
      self: readlinkSync(namespace.path),
      child: readlinkSync(namespace.path),
      refused: 'cannot enter network namespace /dev/null: invalid argument (EINVAL)',
    });
  });
});

describe.skipIf(privileged.missing)(privileged.title('netlink'), () => {
  test('two namespaces on a bridge ping each other', async () => {
    const [left, right, middle] = [netns(), netns(), netns()];
    withNetlink(middle, (netlink) => {
      netlink.addBridge('br0');
      netlink.setLink('br0', { up: true });
      for (const [end, namespace] of [
        ['l', left],
        ['r', right],
      ] as const) {
        netlink.addVeth(
          { name: end },
          { name: 'eth0', mac: `02:00:00:00:00:0${end === 'l' ? 1 : 2}`, mtu: 1400, netns: namespace },
        );
        netlink.setMaster(end, 'br0');
        netlink.setLink(end, { up: true });
      }
      const bridge = netlink.link('br0')!;
      expect(
        netlink
          .links()
          .filter(({ master }) => master === bridge.index)
          .map(({ name }) => name),
      ).toEqual(['l', 'r']);
    });
    for (const [address, namespace] of [
      ['10.9.0.1/24', left],
      ['10.9.0.2/24', right],
    ] as const) {
      withNetlink(namespace, (netlink) => {
        netlink.setLink('lo', { up: true });
        netlink.addAddress('eth0', address);
        netlink.setLink('eth0', { up: true, noLinkLocal: true });
      });
      withNetns(namespace, () => setTxChecksum('eth0', false));
    }
    const ping = spawnInNetns(left.path, requireTool('ping'), [
      '-c',
      '2',
      '-i',
      '0.05',
      '-W',
      '5',
      '10.9.0.2',
    ]);
    const [printed, [code]] = await Promise.all([text(ping.stdout!), once(ping, 'close')]);
    expect(printed).toContain('2 received, 0% packet loss');
    expect(code).toBe(0);
    const inet6 = output(left, 'ip', '-6', 'addr', 'show', 'dev', 'eth0');
    expect(inet6).toBe('');
  });

  test('iproute2 shows what was configured', () => {
    const namespace = netns();
    withNetlink(namespace, (netlink) => {
      netlink.addVeth({ name: 'under', mac: '02:00:00:00:00:01', mtu: 1500 }, { name: 'peer' });
      netlink.addAddress('under', '10.0.0.1/24');
      netlink.addAddress('under', '2001:db8::1/64');
      netlink.setLink('under', { up: true });
      netlink.setLink('peer', { up: true, name: 'other' });
      netlink.addVxlan('vxlan.calico', {
        vni: 4096,
        port: 4789,
        local: '10.0.0.1',
        dev: 'under',
        mac: '66:00:00:00:00:01',
        mtu: 1450,
      });
      netlink.setLink('vxlan.calico', { up: true, noLinkLocal: true });
      netlink.addFdbEntry('vxlan.calico', '66:00:00:00:00:02', '10.0.0.2');
      netlink.addNeighbour('vxlan.calico', '192.168.66.0', '66:00:00:00:00:02');
      netlink.addRoute('192.168.66.0/26', { via: '192.168.66.0', dev: 'vxlan.calico', onlink: true });
      netlink.addRoute('192.168.10.0/26', {});
      netlink.addRoute('default', { via: '10.0.0.254' });
      netlink.addRoute('2001:db8:1::/48', { via: '2001:db8::2' });
      netlink.addRoute('10.77.0.0/16', { via: '10.0.0.7' });
      netlink.deleteRoute('10.77.0.0/16', { via: '10.0.0.7' });
    });
    const lines = (printed: string): string[] => printed.trim().split(/ *\n/);
    expect(lines(output(namespace, 'ip', 'route'))).toEqual([
      'default via 10.0.0.254 dev under',
      '10.0.0.0/24 dev under proto kernel scope link src 10.0.0.1',
      'blackhole 192.168.10.0/26',
      '192.168.66.0/26 via 192.168.66.0 dev vxlan.calico onlink',
    ]);
    expect(output(namespace, 'ip', '-6', 'route')).toContain('2001:db8:1::/48 via 2001:db8::2 dev under');
    expect(lines(output(namespace, 'ip', 'neigh', 'show', 'dev', 'vxlan.calico'))).toEqual([
      '192.168.66.0 lladdr 66:00:00:00:00:02 PERMANENT',
    ]);
    expect(output(namespace, 'bridge', 'fdb', 'show', 'dev', 'vxlan.calico')).toContain(
      '66:00:00:00:00:02 dst 10.0.0.2 self permanent',
    );
    const [vxlan] = JSON.parse(output(namespace, 'ip', '-d', '-json', 'link', 'show', 'vxlan.calico'));
    expect(vxlan).toMatchObject({ mtu: 1450, address: '66:00:00:00:00:01' });
    expect(vxlan.linkinfo.info_data).toMatchObject({
      id: 4096,
      port: 4789,
      local: '10.0.0.1',
      link: 'under',
      learning: false,
      udp_csum: false,
    });
  });

  test('links are listed with what they are, and deleted', () => {
    withNetlink(netns(), (netlink) => {
      netlink.addVeth({ name: 'a', mac: '02:00:00:00:00:0a', mtu: 1400 }, { name: 'b' });
      expect(netlink.link('a')).toMatchObject({
        mac: '02:00:00:00:00:0a',
        mtu: 1400,
        up: false,
        linkKind: 'veth',
      });
      expect(netlink.link('lo')).toMatchObject({ index: 1, linkKind: undefined, master: undefined });
      netlink.setLink('a', { up: true, mtu: 1300 });
      expect(netlink.link('a')).toMatchObject({ up: true, mtu: 1300 });
      netlink.deleteLink('b');
      expect(netlink.links().map(({ name }) => name)).toEqual(['lo']);
    });
  });

  test('an interface moves to another namespace', () => {
    const [from, to] = [netns(), netns()];
    withNetlink(from, (netlink) => {
      netlink.addVeth({ name: 'a' }, { name: 'b' });
      netlink.moveLink('b', to);
      expect(netlink.link('b')).toBeUndefined();
    });
    expect(withNetlink(to, (netlink) => netlink.link('b')?.linkKind)).toBe('veth');
  });

  test('many interfaces need a dump of several datagrams', () => {
    withNetlink(netns(), (netlink) => {
      for (let i = 0; i < 60; i++) netlink.addVeth({ name: `a${i}` }, { name: `b${i}` });
      expect(netlink.links()).toHaveLength(121);
    });
  });

  test('refusals say in words what could not be done, with the kernel\u2019s reason', () => {
    withNetlink(netns(), (netlink) => {
      netlink.addBridge('br0');
      const refusals = [
        () => netlink.addBridge('br0'),
        () => netlink.setLink('nope', { up: true }),
        () => netlink.setMaster('lo', 'nope'),
        () => netlink.addRoute('10.5.0.0/16', { via: '7.7.7.7' }),
        () => netlink.addAddress('br0', '10.0.0.300/24'),
      ].map((refused) => {
        try {
          return refused();
        } catch (error) {
          return (error as Error).message;
        }
      });
      expect(refusals).toEqual([
        'cannot create bridge br0: file already exists (EEXIST)',
        'cannot set nope to up true: there is no interface nope',
        'cannot add lo to bridge nope: there is no interface nope',
        expect.stringMatching(
          /^cannot add route 10.5.0.0\/16 via 7.7.7.7: network is unreachable \(ENETUNREACH\)/,
        ),
        'cannot add address 10.0.0.300/24 to br0: not an IP address: "10.0.0.300"',
      ]);
    });
  });

  test('the offload of lo is fixed and says so; an unprivileged process is refused', () => {
    expect(() => withNetns(netns(), () => setTxChecksum('lo', false))).toThrow(
      'cannot switch transmit checksum offload of lo off: operation not supported',
    );
    const script = join(import.meta.dirname, 'linux-unprivileged.ts');
    const { stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    expect(JSON.parse(stdout)).toEqual({
      pods: {
        ok: false,
        code: 'EPERM',
        reason:
          'cannot create a network namespace: operation not permitted (EPERM); this needs root (CAP_SYS_ADMIN)',
      },
      echo: 'cannot open an ICMP socket: permission denied (EACCES); this needs CAP_NET_RAW, or a group in net.ipv4.ping_group_range',
    });
  });
});
