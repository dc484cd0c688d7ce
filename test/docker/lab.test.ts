// The whole of docker-compose.lab.yml, driven by testcontainers: up to converged, HTTP between pods of different hosts, what
// the Docker bridge saw in tshark's words, and nothing left after down.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DockerComposeEnvironment, type StartedDockerComposeEnvironment } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectAgent } from '../../agents/control/client.ts';
import { all, docker as dockerNeed, root as rootNeed, tool } from '../support/tools.ts';
import { type Capture, captureInterface, disableChecksumOffload, readPackets } from './capture.ts';
import { composeNeed, containerOf, docker, downProject, execIn, findCompose, leftovers } from './compose.ts';

// No second container that cleans up: it would have to be pulled, and this file cleans up itself.
process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
// The lab publishes no port, so nobody needs the daemon's address, which testcontainers else reads from Docker's default
// bridge; a daemon may run without one.
process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost';

const PROJECT = 'podwire-test';
const FILE = 'docker-compose.lab.yml';
const BRIDGE = 'podwire0';
const FOLDER = fileURLToPath(new URL('../..', import.meta.url));
const HOSTS = ['host1', 'host2', 'host3'];
const REFLECTORS = ['rr1', 'rr2'];
const PODS = ['web-1', 'web-2', 'web-3', 'client-1', 'client-2', 'client-3'];

const needs = all(
  dockerNeed(),
  composeNeed(),
  rootNeed(),
  ...['tcpdump', 'tshark', 'nsenter', 'ethtool'].map(tool),
);

/** The compose project; an image named by the environment is taken as it is, else it is built from the tree. */
function environment(): DockerComposeEnvironment {
  const lab = new DockerComposeEnvironment(FOLDER, FILE)
    .withProjectName(PROJECT)
    .withClientOptions(findCompose()!.clientOptions)
    .withAutoCleanup(false)
    .withStartupTimeout(180_000);
  return process.env.PODWIRE_IMAGE === undefined ? lab.withBuild() : lab;
}

/** Containers of services whose kernel sockets talk on the bridge, with full checksums from now on. */
async function finishChecksums(services: readonly string[]): Promise<void> {
  for (const service of services) {
    const container = await containerOf(PROJECT, service);
    await disableChecksumOffload(await docker('inspect', '--format', '{{.State.Pid}}', container));
  }
}

/** The pod's address as its own kernel has it. */
async function addressOf(pod: string): Promise<string> {
  const shown = await execIn(
    await containerOf(PROJECT, pod),
    'ip',
    '-json',
    '-4',
    'address',
    'show',
    'dev',
    'eth0',
  );
  const [link] = JSON.parse(shown.stdout) as { addr_info: { local: string; prefixlen: number }[] }[];
  expect(link?.addr_info).toMatchObject([{ prefixlen: 32 }]);
  return link!.addr_info[0]!.local;
}

/** What a pod gets for a URL, fetched by a process inside the pod. */
async function fetchFrom(pod: string, url: string): Promise<string> {
  const script = `fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(10_000) })
    .then((response) => response.text()).then((text) => process.stdout.write(text))`;
  const { code, stdout, stderr } = await execIn(await containerOf(PROJECT, pod), 'node', '--eval', script);
  if (code !== 0) throw new Error(`${pod}: ${url}: ${stderr}`);
  return stdout;
}

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
      const agent = connectAgent({ kind: 'docker', container: await containerOf(PROJECT, node) }, node);
      const status = await agent.status();
      expect(status, node).toMatchObject({ ready: true, store: 'connected' });
      expect(status.sessions.established, node).toBe(status.sessions.total);
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

  test('down leaves nothing behind', async () => {
    await capture!.stop();
    await lab!.down({ removeVolumes: true });
    lab = undefined;
    expect(await leftovers(PROJECT)).toEqual([]);
    const routes = await readFile('/proc/net/dev', 'utf8');
    expect(routes).not.toContain(BRIDGE);
  });
});
