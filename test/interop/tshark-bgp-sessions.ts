// Sessions among BIRD, FRR and GoBGP on loopback addresses, captured by tcpdump.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireTool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { BirdDaemon } from './bgp-bird-daemon.ts';
import { FrrDaemon } from './bgp-frr-daemon.ts';

const run = promisify(execFile);

const BIRD = '127.106.2.1';
const FRR = '127.106.2.2';
const GOBGP = '127.106.2.3';
const API = 50052;

/** The beginning of a NOTIFICATION Cease without data. */
const CEASE = Buffer.from(`${'ff'.repeat(16)}00150306`, 'hex');

/** TCP port of all three. */
export const PORT = 17907;

const BIRD_CONFIG = `
  router id ${BIRD};
  flow4 table flows;
  protocol device {}
  protocol static s4 {
    ipv4;
    route 198.51.100.0/24 blackhole;
    route 203.0.113.0/25 blackhole { bgp_community.add((65001,7)); bgp_community.add((65535,65281)); };
    route 0.0.0.0/0 blackhole { bgp_med = 70; bgp_large_community.add((65001,1,4294967295)); };
    route 192.0.2.1/32 blackhole { bgp_ext_community.add((rt,65001,100)); bgp_ext_community.add((ro,192.0.2.9,3)); };
    route 192.0.2.2/32 blackhole { bgp_path.prepend(4200000000); bgp_path.prepend(64999); bgp_origin = ORIGIN_INCOMPLETE; };
  }
  protocol static s6 {
    ipv6;
    route 2001:db8:1::/48 blackhole;
    route 2001:db8:2::1/128 blackhole { bgp_community.add((65001,8)); };
  }
  protocol static f4 {
    flow4 { table flows; };
    route flow4 { dst 198.51.100.0/24; proto = 6; dport > 1000 && < 2000; };
  }
  template bgp peer {
    local ${BIRD} port ${PORT} as 65001;
    strict bind yes;
    passive on;
    multihop;
    ipv4 { import all; export all; next hop address 192.0.2.101; add paths on; };
    ipv6 { import all; export all; next hop address 2001:db8::101; };
  }
  protocol bgp frr from peer { neighbor ${FRR} as 65002; }
  protocol bgp gobgp from peer { neighbor ${GOBGP} as 65001; rr client; flow4 { table flows; import all; export all; }; }`;

const FRR_CONFIG = `
router bgp 65002
 bgp router-id ${FRR}
 bgp allow-martian-nexthop
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 neighbor ${BIRD} remote-as 65001
 neighbor ${BIRD} port ${PORT}
 neighbor ${BIRD} update-source ${FRR}
 neighbor ${BIRD} timers connect 1
 neighbor ${BIRD} disable-connected-check
 neighbor ${BIRD} advertisement-interval 0
 neighbor ${GOBGP} remote-as 65001
 neighbor ${GOBGP} port ${PORT}
 neighbor ${GOBGP} update-source ${FRR}
 neighbor ${GOBGP} timers connect 1
 neighbor ${GOBGP} disable-connected-check
 neighbor ${GOBGP} advertisement-interval 0
 neighbor ${GOBGP} capability extended-nexthop
 address-family ipv4 unicast
  network 10.2.0.0/16
  network 10.2.1.0/24
  network 10.3.0.0/24
  aggregate-address 10.2.0.0/15 as-set
  neighbor ${BIRD} activate
  neighbor ${BIRD} addpath-tx-all-paths
  neighbor ${GOBGP} activate
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:f::/64
  neighbor ${BIRD} activate
  neighbor ${BIRD} route-map HOP out
 exit-address-family
 address-family l2vpn evpn
  neighbor ${GOBGP} activate
 exit-address-family
route-map HOP permit 10
 set ipv6 next-hop global 2001:db8::102
`;

const GOBGP_CONFIG = `
[global.config]
  as = 65001
  router-id = "${GOBGP}"
  port = ${PORT}
  local-address-list = ["${GOBGP}"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${BIRD}"
    peer-as = 65001
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [neighbors.transport.config]
    local-address = "${GOBGP}"
    remote-port = ${PORT}
  [[neighbors.afi-safis]]
    config.afi-safi-name = "ipv4-unicast"
    add-paths.config.receive = true
    add-paths.config.send-max = 4
  [[neighbors.afi-safis]]
    config.afi-safi-name = "ipv6-unicast"
  [[neighbors.afi-safis]]
    config.afi-safi-name = "ipv4-flowspec"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${FRR}"
    peer-as = 65002
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [neighbors.transport.config]
    local-address = "${GOBGP}"
    passive-mode = true
  [neighbors.ebgp-multihop.config]
    enabled = true
    multihop-ttl = 64
  [[neighbors.afi-safis]]
    config.afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    config.afi-safi-name = "l2vpn-evpn"
`;

async function gobgp(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(requireTool('gobgp'), ['-u', GOBGP, '-p', String(API), ...args]);
  return stdout;
}

/**
 * What GoBGP announces: EVPN routes of types 1 to 5, communities of each kind. No flows: with ADD-PATH for unicast, it
 * writes a path identifier inside of their prefixes.
 */
const ANNOUNCED = [
  'rib add 172.16.0.0/12 origin egp med 5 local-pref 300 community 65001:1,no-export',
  'rib add 172.17.0.0/16 large-community 1:2:3 rt 65001:5',
  'rib add -a ipv6 2001:db8:60::/44 nexthop 2001:db8::103',
  'rib add -a evpn a-d esi 0 etag 7 label 100 rd 65001:1 rt 65001:1',
  'rib add -a evpn macadv aa:bb:cc:00:00:01 10.0.0.1 etag 0 label 1000 rd 65001:1 rt 65001:1 encap vxlan',
  'rib add -a evpn multicast 10.0.0.2 etag 0 rd 65001:1 rt 65001:1 encap vxlan',
  'rib add -a evpn esi 10.0.0.3 esi 0 rd 65001:1 rt 65001:1',
  'rib add -a evpn prefix 10.9.0.0/24 gw 10.0.0.4 etag 0 label 2000 rd 65001:1 rt 65001:1',
];

async function startGobgp(folder: string): Promise<ChildProcess> {
  const config = join(folder, 'gobgpd.conf');
  await writeFile(config, GOBGP_CONFIG);
  const args = ['-f', config, '--api-hosts', `${GOBGP}:${API}`, '--pprof-disable'];
  const daemon = spawn(requireTool('gobgpd'), args, { stdio: 'ignore' });
  await until('GoBGP answers', async () => (await gobgp('global').catch(() => '')).includes('65001'));
  for (const line of ANNOUNCED) await gobgp('global', ...line.split(' '));
  return daemon;
}

async function ended(process: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const exit = new Promise((resolve) => process.once('exit', resolve));
  process.kill(signal);
  await exit;
}

/** Starts tcpdump; it captures when this returns. `-i any` makes Linux cooked frames, `lo` Ethernet ones. */
async function tcpdump(device: string, file: string): Promise<ChildProcess> {
  const filter = `tcp port ${PORT} and net 127.106.2.0/24`;
  const args = [
    '-i',
    device,
    '-U',
    '--immediate-mode',
    '-s',
    '65535',
    '-B',
    '32768',
    '-Z',
    'root',
    '-w',
    file,
    filter,
  ];
  const child = spawn(requireTool('tcpdump'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('listening on')) resolve();
    });
    child.once('exit', () => reject(new Error(`tcpdump ended: ${text}`)));
  });
  return child;
}

/**
 * Captures how the three come up with each other, exchange what they have, withdraw some of it and end.
 * @returns the files in `folder`, of Ethernet and of cooked frames.
 */
export async function captureSessions(folder: string): Promise<readonly string[]> {
  const files = [join(folder, 'ethernet.pcap'), join(folder, 'cooked.pcap')];
  const dumps = [await tcpdump('lo', files[0]!), await tcpdump('any', files[1]!)];
  const own = await mkdtemp(join(tmpdir(), 'podwire-gobgp-'));
  const bird = await BirdDaemon.start(BIRD_CONFIG);
  const daemon = await startGobgp(own);
  const frr = await FrrDaemon.start(FRR, PORT, FRR_CONFIG);
  try {
    await until('BIRD has what FRR and GoBGP announce', async () => {
      const routes = await bird.command('show route');
      return ['10.2.1.0/24', '172.17.0.0/16', '2001:db8:f::/64'].every((text) => routes.includes(text));
    });
    await frr.until('show bgp l2vpn evpn', (text) =>
      ['[1]', '[2]', '[3]', '[4]', '[5]'].every((type) => text.includes(type)),
    );
    await frr.until(
      'show bgp ipv4 unicast',
      (text) => text.includes('172.16.0.0/12') && text.includes('203.0.113.0/25'),
    );
    await until('GoBGP has what BIRD announces', async () => {
      const [flows, routes] = await Promise.all([
        gobgp('global', 'rib', '-a', 'ipv4-flowspec'),
        gobgp('neighbor', BIRD, 'adj-in'),
      ]);
      // It misreads the flow, for the same reason.
      return flows.includes('*>') && routes.includes('203.0.113.0/25');
    });
    await until('BIRD has what GoBGP announces', async () =>
      (await bird.command('show route protocol gobgp')).includes('172.17.0.0/16'),
    );
    await gobgp('global', 'rib', 'del', '172.17.0.0/16');
    await gobgp('global', 'rib', 'del', '-a', 'ipv6', '2001:db8:60::/44');
    await until(
      'BIRD has no withdrawn route',
      async () => !(await bird.command('show route')).includes('172.17.0.0/16'),
    );
    await frr.command('clear bgp * soft in');
    await frr.stop();
    await until('the captures have the end of a session', async () => {
      const captures = await Promise.all(files.map((file) => readFile(file)));
      return captures.every((bytes) => bytes.includes(CEASE));
    });
  } finally {
    await frr.stop();
    await ended(daemon, 'SIGTERM');
    await bird.stop();
    for (const dump of dumps) await ended(dump, 'SIGINT');
    await rm(own, { recursive: true, force: true });
  }
  return files;
}
