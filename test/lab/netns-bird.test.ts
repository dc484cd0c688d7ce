// BIRD as a node of a lab: as the route reflector that all hosts depend on, and as an external peer of a full mesh.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import { all, root, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { birdc, birdRoutes, birdSessions } from './support/bird.ts';
import {
  agentOf,
  blockOf,
  example,
  nodeOf,
  ownRoutes,
  routesFrom,
  type SharedRoute,
  untilReachable,
  untilSynced,
  upNetns,
} from './support/netns.ts';
import { Workspace } from './support/workspace.ts';

const needs = all(root(), tool('bird'), tool('birdc'));
const HOSTS = ['host1', 'host2', 'host3'];
/** Announced by BIRD alone. */
const EXTERNAL = '203.0.113.0/24';

const EBGP_LAB = `
name: bird-external
nodes:
  host[1-3]: {}
  bird:
    kind: linux
    asn: 65001
    run: |
      cat > bird.conf << END
      router id $PODWIRE_ADDRESS;
      protocol device {}
      protocol static { ipv4; route ${EXTERNAL} blackhole; }
      protocol bgp hosts {
        local $PODWIRE_ADDRESS port $PODWIRE_BGP_PORT as $PODWIRE_ASN;
        neighbor range $PODWIRE_SUBNET as 64512;
        dynamic name "peer";
        ipv4 { import all; export where source = RTS_STATIC; };
      }
      END
      exec bird -f -c bird.conf -s bird.ctl
pods:
  web-[1-3]: { kind: emulated }
calico:
  - apiVersion: projectcalico.org/v3
    kind: BGPPeer
    metadata: { name: bird }
    spec: { peerIP: "\${PODWIRE_BIRD_ADDRESS}", asNumber: 65001 }
`;

describe.skipIf(needs.missing)(needs.title('BIRD as the route reflector'), () => {
  let workspace: Workspace;
  let lab: LabInfo;
  let bird: string;

  beforeAll(async () => {
    workspace = new Workspace('bird-rr');
    lab = await upNetns(workspace, example('netns-bird-rr'));
    bird = nodeOf(lab, 'bird').address;
  });

  afterAll(() => workspace.clean());

  test('the sessions are Established on both sides', async () => {
    const sessions = await birdSessions(workspace, 'bird');
    expect(sessions.map(({ neighbor, state }) => ({ neighbor, state }))).toEqual(
      HOSTS.map((host) => ({ neighbor: nodeOf(lab, host).address, state: 'Established' })),
    );
    for (const host of HOSTS) {
      expect(await agentOf(workspace, host).bgp()).toMatchObject([
        { address: bird, asn: 64512, type: 'global', state: 'Established', routerId: bird },
      ]);
    }
  });

  test('the tables are equal on both sides, both ways', async () => {
    for (const { protocol, neighbor } of await birdSessions(workspace, 'bird')) {
      const { name: host } = lab.nodes.find(({ address }) => address === neighbor)!;
      const received = await birdRoutes(workspace, 'bird', 'protocol', protocol);
      expect(received).toEqual(await ownRoutes(workspace, host, neighbor));
      expect(received).toHaveLength(1);
      const [sent, got] = [
        await birdRoutes(workspace, 'bird', 'export', protocol),
        await routesFrom(workspace, host, bird),
      ];
      // BIRD's own route gets its attributes only as it is sent; everything else it passes on as it came.
      expect(got.filter(({ prefix }) => prefix !== EXTERNAL)).toEqual(sent);
      expect(sent).toHaveLength(2);
    }
  });

  test('reflected routes carry originator and cluster list, and keep their next hop', async () => {
    const paths = await agentOf(workspace, 'host1').rib();
    const block = await blockOf(workspace, 'host2');
    const { address } = nodeOf(lab, 'host2');
    expect(paths.filter(({ prefix }) => prefix === block)).toMatchObject([
      {
        peer: { address: bird },
        nextHop: address,
        originatorId: address,
        clusterList: ['244.0.0.1'],
        localPref: 100,
        best: true,
      },
    ]);
  });

  test('pods reach each other by the routes that BIRD reflected', async () => {
    await workspace.ok(['ping', 'web-1', 'web-2', '-c', '2', '-i', '0.1']);
    await workspace.ok(['ping', 'web-3', 'web-1', '-c', '2', '-i', '0.1']);
    const routes = await agentOf(workspace, 'host1').routes();
    const learned = routes.filter(({ protocol }) => protocol === 'bird');
    expect(learned).toHaveLength(2);
    for (const { learnedFrom } of learned) expect(learnedFrom).toContain(`BGP from ${bird}`);
  });

  test("a route of BIRD's own appears, and goes when BIRD withdraws it", async () => {
    const has = async (): Promise<boolean> =>
      (await routesFrom(workspace, 'host1', bird)).some(({ prefix }) => prefix === EXTERNAL);
    const [route] = (await routesFrom(workspace, 'host1', bird)).filter(({ prefix }) => prefix === EXTERNAL);
    expect(route).toEqual<SharedRoute>({ prefix: EXTERNAL, nextHop: bird, asPath: '', origin: 'IGP' });
    await birdc(workspace, 'bird', 'disable', 'static1');
    await until('the route is withdrawn', async () => !(await has()));
    await birdc(workspace, 'bird', 'enable', 'static1');
    await until('the route is back', has);
  });

  test('a host that is stopped is withdrawn, and comes back with its block when it is started', async () => {
    const block = await blockOf(workspace, 'host2');
    await workspace.ok(['stop', 'host2']);
    await until(
      'BIRD has lost the block',
      async () => (await birdRoutes(workspace, 'bird', 'where', 'net', '=', block)).length === 0,
    );
    await untilReachable(workspace, 'host1', block, false);
    await untilReachable(workspace, 'host3', block, false);
    expect(
      (await birdSessions(workspace, 'bird')).filter(({ state }) => state === 'Established'),
    ).toHaveLength(2);
    await workspace.ok(['start', 'host2']);
    await untilSynced(workspace, 'host2');
    await untilReachable(workspace, 'host1', block, true);
    expect(await blockOf(workspace, 'host2')).toBe(block);
    await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1']);
  });

  test('without BIRD there are no routes, and with it again they are back', async () => {
    const block = await blockOf(workspace, 'host3');
    await workspace.ok(['kill', 'bird']);
    for (const host of HOSTS.slice(0, 2)) await untilReachable(workspace, host, block, false);
    expect((await workspace.podwire(['ping', 'web-1', 'web-3', '-c', '1', '-W', '0.5'])).code).toBe(1);
    await workspace.ok(['start', 'bird']);
    for (const host of HOSTS) await untilSynced(workspace, host);
    for (const host of HOSTS.slice(0, 2)) await untilReachable(workspace, host, block, true);
    await workspace.ok(['ping', 'web-1', 'web-3', '-c', '1']);
  });
});

describe.skipIf(needs.missing)(needs.title('BIRD as an external peer'), () => {
  let workspace: Workspace;
  let lab: LabInfo;
  let bird: string;

  beforeAll(async () => {
    workspace = new Workspace('bird-ebgp');
    lab = await upNetns(workspace, workspace.file('bird.yaml', EBGP_LAB));
    bird = nodeOf(lab, 'bird').address;
  });

  afterAll(() => workspace.clean());

  test('the sessions are Established on both sides, beside the mesh', async () => {
    const sessions = await birdSessions(workspace, 'bird');
    expect(sessions.map(({ state }) => state)).toEqual(HOSTS.map(() => 'Established'));
    for (const host of HOSTS) {
      const rows = await agentOf(workspace, host).bgp();
      expect(rows.map(({ type, asn, state }) => `${type} ${asn} ${state}`).sort()).toEqual([
        'global 65001 Established',
        'node-to-node mesh 64512 Established',
        'node-to-node mesh 64512 Established',
      ]);
    }
  });

  test("BIRD has each host's block from the host itself, with its AS in the path", async () => {
    for (const host of HOSTS) {
      const { address } = nodeOf(lab, host);
      const { protocol } = (await birdSessions(workspace, 'bird')).find(
        ({ neighbor }) => neighbor === address,
      )!;
      const block = await blockOf(workspace, host);
      expect(await birdRoutes(workspace, 'bird', 'protocol', protocol, 'where', 'net', '=', block)).toEqual<
        SharedRoute[]
      >([{ prefix: block, nextHop: address, asPath: '64512', origin: 'IGP' }]);
    }
  });

  test("every host prefers BIRD's own announcement to what the mesh tells of it", async () => {
    for (const host of HOSTS) {
      expect(await routesFrom(workspace, host, bird)).toEqual<SharedRoute[]>([
        { prefix: EXTERNAL, nextHop: bird, asPath: '65001', origin: 'IGP' },
      ]);
      const best = (await agentOf(workspace, host).rib()).filter(
        (path) => path.prefix === EXTERNAL && path.best,
      );
      expect(best).toMatchObject([{ peer: { address: bird } }]);
    }
  });

  test('a host that is stopped is withdrawn by everybody who told of it', async () => {
    const block = await blockOf(workspace, 'host3');
    await workspace.ok(['stop', 'host3']);
    await until(
      'BIRD has lost the block',
      async () => (await birdRoutes(workspace, 'bird', 'where', 'net', '=', block)).length === 0,
    );
    await workspace.ok(['start', 'host3']);
    await until(
      'BIRD has the block again',
      async () => (await birdRoutes(workspace, 'bird', 'where', 'net', '=', block)).length > 0,
    );
    expect(await blockOf(workspace, 'host3')).toBe(block);
  });
});
