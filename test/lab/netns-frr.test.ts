// FRR's bgpd as a node of a lab: as the top-of-rack router in an AS of its own, and as the route reflector.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import { all, root, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { frrAdvertised, frrRoutes, frrSessions, vtyshText } from './support/frr.ts';
import {
  agentOf,
  blockOf,
  example,
  nodeOf,
  ownRoutes,
  routesFrom,
  type SharedRoute,
  sortedRoutes,
  untilReachable,
  untilSynced,
  upNetns,
} from './support/netns.ts';
import { Workspace } from './support/workspace.ts';

const needs = all(root(), tool('bgpd'), tool('vtysh'));
const HOSTS = ['host1', 'host2', 'host3'];
/** Announced by FRR alone. */
const EXTERNAL = '203.0.113.0/24';

const REFLECTOR_LAB = `
name: frr-rr
nodes:
  host[1-3]: {}
  frr:
    kind: linux
    run: |
      cat > bgpd.conf << END
      router bgp $PODWIRE_ASN
       bgp router-id $PODWIRE_ADDRESS
       bgp cluster-id 244.0.0.9
       no bgp default ipv4-unicast
       neighbor hosts peer-group
       neighbor hosts remote-as $PODWIRE_ASN
       bgp listen range $PODWIRE_SUBNET peer-group hosts
       address-family ipv4 unicast
        neighbor hosts activate
        neighbor hosts route-reflector-client
       exit-address-family
      END
      : > vtysh.conf
      exec /usr/lib/frr/bgpd --no_zebra --skip_runas -f "$PWD/bgpd.conf" --vty_socket "$PWD" -i "$PWD/bgpd.pid" \\
        -l "$PODWIRE_ADDRESS" -p "$PODWIRE_BGP_PORT" -P 0 --log file:$PWD/bgpd.log
pods:
  web-[1-3]: {}
calico:
  - apiVersion: projectcalico.org/v3
    kind: BGPConfiguration
    metadata: { name: default }
    spec: { nodeToNodeMeshEnabled: false }
  - apiVersion: projectcalico.org/v3
    kind: BGPPeer
    metadata: { name: frr }
    spec: { peerIP: "\${PODWIRE_FRR_ADDRESS}", asNumber: 64512 }
`;

describe.skipIf(needs.missing)(needs.title('FRR as the top-of-rack router'), () => {
  let workspace: Workspace;
  let lab: LabInfo;
  let tor: string;

  beforeAll(async () => {
    workspace = new Workspace('frr-tor');
    lab = await upNetns(workspace, example('netns-frr-tor'));
    tor = nodeOf(lab, 'tor').address;
  });

  afterAll(() => workspace.clean());

  /** Best routes of a host that it has from elsewhere than FRR, as FRR gets them from it. */
  async function toldByHost(host: string): Promise<SharedRoute[]> {
    const best = (await agentOf(workspace, host).rib()).filter(
      (path) => path.best && path.peer?.address !== tor,
    );
    return sortedRoutes(
      best.map(({ prefix, origin }) => ({
        prefix,
        nextHop: nodeOf(lab, host).address,
        asPath: '64512',
        origin,
      })),
    );
  }

  test('the sessions are Established on both sides', async () => {
    expect(await frrSessions(workspace, 'tor')).toEqual(
      Object.fromEntries(HOSTS.map((host) => [nodeOf(lab, host).address, 'Established'])),
    );
    for (const host of HOSTS) {
      const rows = await agentOf(workspace, host).bgp();
      expect(rows.filter(({ address }) => address === tor)).toMatchObject([
        { asn: 65001, state: 'Established', routerId: tor },
      ]);
    }
  });

  test('the tables are equal on both sides, both ways', async () => {
    for (const host of HOSTS) {
      const { address } = nodeOf(lab, host);
      const told = await toldByHost(host);
      expect(await frrRoutes(workspace, 'tor', address)).toEqual(told);
      expect(told).toHaveLength(3);
      const advertised = await frrAdvertised(workspace, 'tor', address);
      expect(await routesFrom(workspace, host, tor)).toEqual(
        advertised.map((route) => ({
          ...route,
          nextHop: tor,
          asPath: `65001 ${route.asPath}`.trim(),
        })),
      );
      expect(advertised).toHaveLength(4);
    }
  });

  test('what FRR announces is best everywhere; what comes back through it with the own AS in the path never is', async () => {
    for (const host of HOSTS) {
      const best = (await agentOf(workspace, host).rib()).filter((path) => path.best);
      const fromTor = best.filter(({ peer }) => peer?.address === tor);
      expect(fromTor).toMatchObject([{ prefix: EXTERNAL, nextHop: tor, asPath: '65001' }]);
      expect(best).toHaveLength(4);
    }
  });

  test('a route that FRR withdraws goes, and comes again', async () => {
    const has = async (): Promise<boolean> =>
      (await routesFrom(workspace, 'host2', tor)).some(({ prefix }) => prefix === EXTERNAL);
    const family = ['configure terminal', 'router bgp 65001', 'address-family ipv4 unicast'];
    await vtyshText(workspace, 'tor', ...family, `no network ${EXTERNAL}`);
    await until('the route is withdrawn', async () => !(await has()));
    await vtyshText(workspace, 'tor', ...family, `network ${EXTERNAL}`);
    await until('the route is back', has);
  });

  test('a host that is stopped is withdrawn, and comes back with its block when it is started', async () => {
    const block = await blockOf(workspace, 'host2');
    const knows = async (): Promise<boolean> =>
      (await frrRoutes(workspace, 'tor')).some(({ prefix }) => prefix === block);
    expect(await knows()).toBe(true);
    await workspace.ok(['stop', 'host2']);
    await until('FRR has lost the block', async () => !(await knows()));
    await untilReachable(workspace, 'host1', block, false);
    await workspace.ok(['start', 'host2']);
    await until('FRR has the block again', knows);
    await untilReachable(workspace, 'host1', block, true);
    await untilSynced(workspace, 'host2');
    expect(await blockOf(workspace, 'host2')).toBe(block);
    await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1']);
  });
});

describe.skipIf(needs.missing)(needs.title('FRR as the route reflector'), () => {
  let workspace: Workspace;
  let lab: LabInfo;
  let frr: string;

  beforeAll(async () => {
    workspace = new Workspace('frr-rr');
    lab = await upNetns(workspace, workspace.file('frr.yaml', REFLECTOR_LAB));
    frr = nodeOf(lab, 'frr').address;
  });

  afterAll(() => workspace.clean());

  test('the tables are equal on both sides, both ways', async () => {
    for (const host of HOSTS) {
      const { address } = nodeOf(lab, host);
      const own = await ownRoutes(workspace, host, address);
      expect(await frrRoutes(workspace, 'frr', address)).toEqual(own);
      expect(own).toHaveLength(1);
      // FRR reflects a client's route to the client, too, which sees itself as the originator and leaves it alone.
      const reflected = await frrRoutes(workspace, 'frr');
      expect(await routesFrom(workspace, host, frr)).toEqual(reflected);
      expect(reflected).toHaveLength(3);
      const best = (await agentOf(workspace, host).rib()).filter((path) => path.best);
      expect(best.filter(({ peer }) => peer === undefined)).toHaveLength(1);
      expect(best).toHaveLength(3);
    }
  });

  test('reflected routes carry originator and cluster list, and pods reach each other by them', async () => {
    const { address } = nodeOf(lab, 'host3');
    const block = await blockOf(workspace, 'host3');
    const paths = (await agentOf(workspace, 'host1').rib()).filter(({ prefix }) => prefix === block);
    expect(paths).toMatchObject([
      { nextHop: address, originatorId: address, clusterList: ['244.0.0.9'], best: true },
    ]);
    await workspace.ok(['ping', 'web-1', 'web-3', '-c', '2', '-i', '0.1']);
  });

  test('a host that is killed is withdrawn from the others by FRR', async () => {
    const block = await blockOf(workspace, 'host3');
    await workspace.ok(['kill', 'host3']);
    await untilReachable(workspace, 'host1', block, false);
    expect((await frrRoutes(workspace, 'frr')).map(({ prefix }) => prefix)).not.toContain(block);
    await workspace.ok(['start', 'host3']);
    // bgpd lets a new peer wait a second for its routes.
    await untilReachable(workspace, 'host3', await blockOf(workspace, 'host1'), true);
    await untilReachable(workspace, 'host1', block, true);
    expect(await blockOf(workspace, 'host3')).toBe(block);
    await workspace.ok(['ping', 'web-1', 'web-3', '-c', '1']);
  });
});
