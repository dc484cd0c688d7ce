// The whole of docker-compose.lab.yml, driven by testcontainers: up to converged, HTTP between pods of different hosts, what
// the Docker bridge saw in tshark's words, and nothing left after down.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StartedDockerComposeEnvironment } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import type { AgentStatus, PodRow } from '../../agents/control/types.ts';
import type { PingReport } from '../../lab/cli/ping-output.ts';
import { all, docker as dockerNeed, root as rootNeed, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { type Capture, captureInterface, readPackets } from './capture.ts';
import { composeNeed, containerOf, docker, downProject, execIn, leftovers } from './compose.ts';
import {
  addressOf,
  agentOf,
  BRIDGE,
  environment,
  FILE,
  FOLDER,
  fetchFrom,
  finishChecksums,
  HOSTS,
  healthy,
  PODS,
  PROJECT,
  REFLECTORS,
  statusWhen,
  storeCall,
} from './lab.ts';
import { podwire, podwireJson, startPodwire } from './machine.ts';

const needs = all(
  dockerNeed(),
  composeNeed(),
  rootNeed(),
  ...['tcpdump', 'tshark', 'nsenter', 'ethtool'].map(tool),
);

describe.skipIf(needs.missing)(needs.title('docker-compose.lab.yml'), () => {
  let folder: string;
  let capture: Capture | undefined;
  /** Seconds since the epoch from which on the capture shows finished checksums. */
  let checksumsSince: number;
  let lab: StartedDockerComposeEnvironment | undefined;

  beforeAll(async () => {
    await downProject(PROJECT, join(FOLDER, FILE)); // what a killed run may have left
    folder = await mkdtemp(join(tmpdir(), 'podwire-docker-'));
    // The store comes first, so that the bridge exists and everything that the agents say is captured.
    lab = await environment().up(['store']);
    capture = await captureInterface(BRIDGE, join(folder, 'bridge.pcap'), 'udp port 4789 or tcp port 179');
    lab = await environment().up();
    await finishChecksums([...HOSTS, ...REFLECTORS]);
    checksumsSince = Date.now() / 1000;
  });

  afterAll(async () => {
    await capture?.stop();
    await lab?.down({ removeVolumes: true });
    await rm(folder, { recursive: true, force: true });
  });

  test('healthy means converged: every session is Established and every remote block reachable', async () => {
    for (const node of [...HOSTS, ...REFLECTORS]) {
      const status = await (await agentOf(node)).status();
      expect(status, node).toMatchObject({ ready: true, awaited: [] });
      expect(status.sessions.synced, node).toBe(status.sessions.total);
      // Each host with both reflectors; a reflector with three hosts and with the other reflector.
      expect(status.sessions.total, node).toBe(HOSTS.includes(node) ? 2 : 4);
      if (!HOSTS.includes(node)) continue;
      expect(status.remoteBlocks, node).toHaveLength(2);
      const blocks = status.remoteBlocks.map(({ block }) => block);
      expect([...status.reachable].sort(), node).toEqual(blocks.sort());
    }
  });

  test('nodes run unprivileged, pods with NET_ADMIN alone', async () => {
    const privileges = async (service: string): Promise<string> => {
      const container = await containerOf(PROJECT, service);
      const { stdout } = await execIn(
        container,
        'grep',
        '--extended-regexp',
        '^(Uid|CapEff|CapBnd)',
        '/proc/1/status',
      );
      return stdout.replace(/\s+/g, ' ');
    };
    const none = '0000000000000000';
    for (const service of [...HOSTS, ...REFLECTORS, 'store', 'web-1-http']) {
      const uid = 'Uid: 10001 10001 10001 10001';
      expect(await privileges(service), service).toBe(`${uid} CapEff: ${none} CapBnd: ${none} `);
    }
    // CAP_NET_ADMIN is bit 12.
    for (const pod of PODS) {
      const admin = '0000000000001000';
      expect(await privileges(pod), pod).toBe(`Uid: 0 0 0 0 CapEff: ${admin} CapBnd: ${admin} `);
    }
  });

  test('the machine has no address on the underlay', async () => {
    const shown = JSON.parse(await docker('network', 'inspect', `${PROJECT}_underlay`)) as {
      Internal: boolean;
    }[];
    expect(shown[0]?.Internal).toBe(true);
    const routes = await readFile('/proc/net/route', 'utf8');
    expect(routes.split('\n').filter((line) => line.startsWith(BRIDGE))).toEqual([]);
  });

  test("a pod fetches from another host's pod, whose application is a container of its own", async () => {
    const [server, client] = [await addressOf('web-1'), await addressOf('client-2')];
    expect(await fetchFrom('client-2', `http://${server}:8080/`)).toBe(`web-1 sees ${client}\n`);
  });

  test('every pod reaches every other', async () => {
    const addresses = await Promise.all(PODS.map(addressOf));
    expect(new Set(addresses).size).toBe(PODS.length);
    for (const pod of PODS) {
      const container = await containerOf(PROJECT, pod);
      for (const address of addresses) {
        const { code, stdout } = await execIn(container, 'ping', '-n', '-c', '1', '-W', '5', address);
        expect(code, `${pod} to ${address}: ${stdout}`).toBe(0);
      }
    }
  });

  test('a large transfer arrives whole', async () => {
    const server = await containerOf(PROJECT, 'web-3');
    const size = 4 << 20;
    const serve = `require('node:net').createServer((s) => { s.end(Buffer.alloc(${size}, 7)); })
      .listen(9000, () => console.log('listening'))`;
    await docker('exec', '--detach', server, 'node', '--eval', serve);
    const read = `const end = Date.now() + 10_000; const go = () => { let n = 0, good = true;
      const s = require('node:net').connect(9000, process.argv[1]);
      s.on('data', (b) => { n += b.length; good &&= b.every((v) => v === 7); });
      s.on('end', () => console.log(n, good));
      s.on('error', (e) => { if (e.code === 'ECONNREFUSED' && Date.now() < end) setTimeout(go, 50); else throw e; }); }; go()`;
    const client = await containerOf(PROJECT, 'client-1');
    const result = await execIn(client, 'node', '--eval', read, await addressOf('web-3'));
    expect(result.stdout, result.stderr).toBe(`${size} true\n`);
  });

  test('podwire on the machine sees the lab', async () => {
    const { lab, nodes } = await podwireJson<{ lab: LabInfo; nodes: AgentStatus[] }>(folder, 'inspect');
    expect(lab).toMatchObject({ name: 'calico-rr', runtime: 'compose', phase: 'converged' });
    expect(lab.store).toBe('redis://198.51.100.3:6379');
    expect(lab.nodes.map(({ name, address }) => `${name} ${address}`)).toEqual([
      'host1 198.51.100.11',
      'host2 198.51.100.12',
      'host3 198.51.100.13',
      'rr1 198.51.100.21',
      'rr2 198.51.100.22',
    ]);
    expect(nodes.map(({ node, ready }) => `${node} ${ready}`)).toEqual([
      'host1 true',
      'host2 true',
      'host3 true',
      'rr1 true',
      'rr2 true',
    ]);
    const pods = await podwireJson<PodRow[]>(folder, 'inspect', 'pods');
    const shown = Object.fromEntries(pods.map(({ name, addresses }) => [name, addresses]));
    for (const pod of PODS) expect(shown[pod]?.[0]?.split('/')[0], pod).toBe(await addressOf(pod));
  });

  test('podwire on the machine lets pods ping, and tells of errors', async () => {
    const target = await addressOf('client-2');
    const good = await podwireJson<PingReport>(folder, 'ping', 'web-1', 'client-2', '-c', '2', '-i', '0.1');
    expect(good).toMatchObject({ transmitted: 2, received: 2, address: target });
    const expired = await podwire(folder, 'ping', 'web-1', 'client-2', '-c', '1', '-t', '1');
    expect(expired.code).toBe(1);
    expect(expired.stdout).toMatch(/From 192\.168\.\d+\.\d+ icmp_seq=1 Time to live exceeded/);
    const unknown = await podwire(folder, 'ping', 'web-9', 'client-2');
    expect(unknown).toMatchObject({
      code: 1,
      stderr: 'podwire: no pod web-9 in this lab, did you mean web-1?\n',
    });
  });

  test('podwire on the machine runs a command in a pod', async () => {
    const { stdout } = await podwire(
      folder,
      'exec',
      'web-1',
      '--',
      'ip',
      '-4',
      '-o',
      'address',
      'show',
      'eth0',
    );
    expect(stdout).toContain(`inet ${await addressOf('web-1')}/32`);
  });

  test('podwire on the machine captures pods and underlay as pcapng', async () => {
    const file = join(folder, 'machine.pcapng');
    const running = startPodwire(folder, 'capture', '--node', 'host1', '--node', 'host2', '-w', file);
    await running.said(/capturing/);
    const { received } = await podwireJson<PingReport>(folder, 'ping', 'web-1', 'web-2', '-c', '1');
    expect(received).toBe(1);
    const columns = ['frame.interface_name', 'icmp.type', 'vxlan.vni'] as const;
    // A request and its reply cross pod, host, host and pod. The file grows while tshark reads it.
    const packets = await until('8 packets in the capture', async () => {
      const found = await readPackets(file, 'icmp', columns, []).catch(() => []);
      return found.length >= 8 ? found : undefined;
    });
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 0 });
    const seen = packets.map((packet) =>
      [packet['frame.interface_name'], packet['icmp.type'], packet['vxlan.vni']].flat().join(' '),
    );
    expect(seen).toEqual([
      'default/web-1:eth0 8',
      'host1:eth0 8 4096',
      'host2:eth0 8 4096',
      'default/web-2:eth0 8',
      'default/web-2:eth0 0',
      'host2:eth0 0 4096',
      'host1:eth0 0 4096',
      'default/web-1:eth0 0',
    ]);
  });

  test('tshark reads the BGP of the bridge', async () => {
    const opens = await readPackets(capture!.file, 'bgp.type == 1', ['ip.src', 'ip.dst', 'bgp.open.version']);
    const pairs = new Set(opens.map((open) => [open['ip.src'][0], open['ip.dst'][0]].sort().join(' ')));
    // Three hosts with two reflectors each, and the reflectors with each other.
    expect(pairs.size).toBe(7);
    const updates = await readPackets(capture!.file, 'bgp.type == 2', ['bgp.nlri_prefix']);
    const announced = new Set(updates.flatMap((update) => update['bgp.nlri_prefix']));
    const blocks = new Set<string>();
    for (const pod of PODS) {
      const parts = (await addressOf(pod)).split('.');
      blocks.add([...parts.slice(0, 3), Number(parts[3]) & 0xc0].join('.'));
    }
    expect(blocks.size).toBe(3);
    expect([...announced].sort()).toEqual([...blocks].sort());
  });

  test('tshark reads the VXLAN of the bridge: VNI 4096 between the hosts, pods inside', async () => {
    const [web, client] = [await addressOf('web-1'), await addressOf('client-2')];
    const filter = `vxlan && tcp.port == 8080`;
    const packets = await readPackets(capture!.file, filter, [
      'ip.src',
      'ip.dst',
      'vxlan.vni',
      'udp.dstport',
    ]);
    expect(packets.length).toBeGreaterThan(6);
    for (const packet of packets) {
      expect(packet['vxlan.vni']).toEqual(['4096']);
      expect(packet['udp.dstport'][0]).toBe('4789');
      const [from, to] = [packet['ip.src'], packet['ip.dst']];
      const request = from[1] === client;
      expect([from[1], to[1]]).toEqual(request ? [client, web] : [web, client]);
      const [host1, host2] = ['198.51.100.11', '198.51.100.12'];
      expect([from[0], to[0]]).toEqual(request ? [host2, host1] : [host1, host2]);
    }
  });

  test('nothing on the bridge is malformed', async () => {
    // 0x800000 is the severity "Error". Checksums are left to the next test, for they are judged from a later packet on.
    const filter = '_ws.malformed || _ws.expert.severity == 0x800000';
    const found = await readPackets(capture!.file, filter, ['frame.number', '_ws.expert.message'], []);
    expect(found).toEqual([]);
    const understood = await readPackets(
      capture!.file,
      'bgp || (vxlan && (icmp || tcp))',
      ['frame.number'],
      [],
    );
    expect(understood.length).toBeGreaterThan(100);
  });

  test('no pod speaks IPv6', async () => {
    expect(await readPackets(capture!.file, 'vxlan && ipv6', ['frame.number'], [])).toEqual([]);
  });

  test('every checksum is right, outside and inside', async () => {
    const kinds = ['ip.checksum.status', 'udp.checksum.status', 'tcp.checksum.status'] as const;
    const filter = `(vxlan || tcp.port == 179) && frame.time_epoch >= ${checksumsSince}`;
    const packets = await readPackets(capture!.file, filter, ['frame.number', ...kinds]);
    expect(packets.length).toBeGreaterThan(100);
    // 1 is good; 3 is absent, which an outer UDP header over IPv4 may be; 0 is bad, 2 not verifiable.
    const wrong = packets.filter((packet) =>
      kinds.some((kind) => packet[kind].some((s) => !/^[13]$/.test(s))),
    );
    expect(wrong).toEqual([]);
  });

  test('a host that stops loses its routes; started again it takes its pods back', async () => {
    const before = await Promise.all(PODS.map(addressOf));
    const host = await containerOf(PROJECT, 'host2');
    const [lost] = (await (await agentOf('host2')).status()).blocks;
    await docker('stop', host);
    await statusWhen('host1', ({ reachable }) => !reachable.includes(lost!));
    // eth0 does not go with the agent.
    expect(await Promise.all(PODS.map(addressOf))).toEqual(before);
    await docker('start', host);
    await healthy('host2');
    await statusWhen('host1', ({ reachable }) => reachable.includes(lost!));
    expect(await Promise.all(PODS.map(addressOf))).toEqual(before);
    for (const [from, to] of [
      ['client-2', 'web-1'],
      ['client-3', 'web-2'],
    ] as const) {
      const ping = await execIn(
        await containerOf(PROJECT, from),
        'ping',
        '-c',
        '1',
        '-W',
        '5',
        await addressOf(to),
      );
      expect(ping.code, ping.stdout).toBe(0);
    }
  });

  test('Redis and the store restart in the middle, and nothing is lost', async () => {
    const keys = async (): Promise<string[]> =>
      (await (await agentOf('host1')).store()).map(({ key, value }) => `${key} ${value}`);
    const before = await keys();
    for (const service of ['redis', 'store']) await docker('restart', await containerOf(PROJECT, service));
    await healthy('store');
    expect(await keys()).toEqual(before);
    // What is written now reaches watches that began before.
    const knows = ({ remoteBlocks }: AgentStatus): boolean =>
      remoteBlocks.some(({ node }) => node === 'probe');
    const key = btoa('/calico/ipam/v2/host/probe/ipv4/block/192.168.0.0-26');
    await storeCall('put', { key, value: btoa('{"state":"confirmed"}') });
    await Promise.all(HOSTS.map((host) => statusWhen(host, knows)));
    await storeCall('deleterange', { key });
    await Promise.all(HOSTS.map((host) => statusWhen(host, (status) => !knows(status))));
  });

  test('down leaves nothing behind', async () => {
    await capture!.stop();
    await lab!.down({ removeVolumes: true });
    lab = undefined;
    expect(await leftovers(PROJECT)).toEqual([]);
    const routes = await readFile('/proc/net/dev', 'utf8');
    expect(routes).not.toContain(BRIDGE);
  });
});
