// What FRR and GoBGP tell with BMP of a session with podwire, as `podwire bmp listen` reads it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import { BmpStation } from '../../../agents/bmp/station.ts';
import { systemClock } from '../../../agents/io/clock.ts';
import { systemRandom } from '../../../agents/io/random.ts';
import { nodeTcp } from '../../../agents/io/tcp.ts';
import { eventObjects } from '../../../lab/bmp/event-json.ts';
import type { EventObject } from '../../../lab/bmp/event-object.ts';
import { silentLog } from '../../support/bgp.ts';
import { all, tool } from '../../support/tools.ts';
import { until } from '../../support/until.ts';
import { FrrDaemon } from '../bgp-frr-daemon.ts';
import { GobgpDaemon } from './gobgp.ts';

const PORT = 21_320;
const STATION = { address: '127.130.1.9', port: 21_321 };
const OURS = '127.130.1.1';
const THEIRS = '127.130.1.2';
/** GoBGP takes no next hop in 127/8. */
const HOP = '192.0.2.7';

let events: EventObject[];
let station: BmpStation;
let speaker: BgpSpeaker;
let stopDaemon: () => Promise<void>;

/** Routes of a table as they are at present, by prefix. */
function table(rib: string): Map<string, EventObject> {
  const routes = new Map<string, EventObject>();
  for (const event of events) {
    if (event.rib !== rib || event.prefix === undefined) continue;
    if (event.event === 'announce') routes.set(event.prefix, event);
    else routes.delete(event.prefix);
  }
  return routes;
}

function of(kind: EventObject['event']): EventObject[] {
  return events.filter(({ event }) => event === kind);
}

beforeEach(async () => {
  events = [];
  station = new BmpStation((router, event) => {
    events.push(...eventObjects(router, event));
  });
  await station.listen(nodeTcp(), STATION);
  const ports = { clock: systemClock(), random: systemRandom(), tcp: nodeTcp(), log: silentLog };
  const listen = [{ address: OURS, port: PORT }];
  speaker = new BgpSpeaker({ asn: 65010, routerId: OURS, listen }, ports);
  speaker.announce('198.51.100.0/24', { med: 7, communities: ['65010:5'], nextHop: HOP });
  speaker.announce('203.0.113.0/24', { nextHop: HOP, communities: ['65010:5'] });
  speaker.announce('2001:db8:130::/48', { nextHop: '2001:db8::1' });
  const peer = {
    name: 'sender',
    address: THEIRS,
    port: PORT,
    localAddress: OURS,
    asn: 65020,
    connectRetry: 1,
  };
  speaker.setPeers([{ ...peer, nextHopUnchanged: true, families: ['ipv4-unicast', 'ipv6-unicast'] }]);
  stopDaemon = async () => undefined;
});

afterEach(async () => {
  await speaker.stop();
  await stopDaemon();
  await station.close();
});

/** What both have to tell, however they do it. */
async function sessionIsTold(): Promise<void> {
  await speaker.start();
  await until('the table', () => table('adj-rib-in-pre').size === 3);
  const [up] = of('peer-up').filter(({ peer }) => peer?.address === OURS);
  expect(up).toMatchObject({
    peer: { address: OURS, asn: 65010, routerId: OURS, type: 'Global Instance' },
    local: { address: THEIRS },
    sent: { asn: 65020, routerId: THEIRS },
    received: { asn: 65010, routerId: OURS, holdTime: 240, families: ['ipv4-unicast', 'ipv6-unicast'] },
  });
  expect([up!.local!.port, up!.remotePort]).toContain(PORT);
  expect(up!.timestamp).toBeGreaterThan(1e9);
  expect(table('adj-rib-in-pre').get('198.51.100.0/24')).toMatchObject({
    family: 'ipv4-unicast',
    nextHop: HOP,
    asPath: expect.stringMatching(/65010$/),
    origin: 'IGP',
    med: 7,
    communities: ['65010:5'],
  });
  expect(table('adj-rib-in-pre').get('2001:db8:130::/48')).toMatchObject({ nextHop: '2001:db8::1' });
  speaker.withdraw('203.0.113.0/24');
  await until('the withdrawal', () => !table('adj-rib-in-pre').has('203.0.113.0/24'));
}

async function endIsTold(): Promise<void> {
  // FRR also tells of peers that never were up.
  const before = of('peer-down').length;
  await speaker.stop();
  await until('Peer Down', () => of('peer-down').length > before);
  expect(of('peer-down')[before]).toMatchObject({
    peer: { address: OURS, asn: 65010 },
    reason: 'remote system closed, NOTIFICATION received',
    notification: '6/2 Cease: Administrative Shutdown',
  });
  expect(of('malformed')).toEqual([]);
}

const frr = all(tool('bgpd'), tool('vtysh'));
describe.skipIf(frr.missing)(frr.title('FRR as a BMP sender'), () => {
  test('is read: session, routes before and after its policy, statistics, end', async () => {
    const monitor = ['ipv4', 'ipv6'].flatMap((family) =>
      ['pre-policy', 'post-policy'].map((which) => `  bmp monitor ${family} unicast ${which}`),
    );
    const daemon = await FrrDaemon.start(
      THEIRS,
      PORT,
      `
bgp community-list standard five permit 65010:5
route-map IN permit 10
 match community five
 set community 65020:1 additive
exit
router bgp 65020
 bgp router-id ${THEIRS}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor ${OURS} remote-as 65010
 neighbor ${OURS} passive
 neighbor ${OURS} disable-connected-check
 address-family ipv4 unicast
  neighbor ${OURS} activate
  neighbor ${OURS} soft-reconfiguration inbound
  neighbor ${OURS} route-map IN in
 exit-address-family
 address-family ipv6 unicast
  neighbor ${OURS} activate
  neighbor ${OURS} soft-reconfiguration inbound
 exit-address-family
 bmp targets lab
  bmp connect ${STATION.address} port ${STATION.port} min-retry 100 max-retry 500
  bmp stats interval 1000
${monitor.join('\n')}
 exit
`,
      undefined,
      ['bmp'],
    );
    stopDaemon = () => daemon.stop();
    await sessionIsTold();
    expect(of('initiation')[0]!.sysDescr).toContain('FRRouting');
    await until('the table after policy', () => table('adj-rib-in-post').size === 2);
    const { communities } = table('adj-rib-in-post').get('198.51.100.0/24')!;
    expect(communities).toEqual(['65010:5', '65020:1']);
    await until('statistics', () => of('statistics').length > 0);
    expect(of('statistics')[0]!.statistics!.length).toBeGreaterThan(3);
    await endIsTold();
  }, 60_000);
});

const gobgp = all(tool('gobgpd'), tool('gobgp'));
describe.skipIf(gobgp.missing)(gobgp.title('GoBGP as a BMP sender'), () => {
  test('is read: session, routes before and after its policy, best routes, end', async () => {
    const daemon = await GobgpDaemon.start(
      THEIRS,
      `
[global.config]
  as = 65020
  router-id = "${THEIRS}"
  port = ${PORT}
  local-address-list = ["${THEIRS}"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${OURS}"
    peer-as = 65010
  [neighbors.transport.config]
    local-address = "${THEIRS}"
    passive-mode = true
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
[[bmp-servers]]
  [bmp-servers.config]
    address = "${STATION.address}"
    port = ${STATION.port}
    route-monitoring-policy = "all"
    statistics-timeout = 15
`,
    );
    stopDaemon = () => daemon.stop();
    await until('GoBGP connects', () => of('initiation').length > 0);
    await sessionIsTold();
    expect(of('initiation')[0]!.sysName).toBe('GoBGP');
    for (const rib of ['adj-rib-in-post', 'loc-rib']) {
      await until(`the routes of ${rib}`, () => table(rib).has('198.51.100.0/24'));
      expect(table(rib).get('198.51.100.0/24')).toMatchObject({ asPath: '65010', med: 7 });
    }
    await endIsTold();
  }, 60_000);
});
