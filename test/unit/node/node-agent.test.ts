import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NodeAgent } from '../../../agents/node/node-agent.ts';
import { emulatedPods } from '../../../agents/pod/emulated.ts';
import { podSpec, SimLab } from './sim-lab.ts';

let lab: SimLab;
beforeEach(() => {
  lab = new SimLab();
});
afterEach(() => lab.close());

const CONVERGED = ['host1 1/1 1', 'host2 1/1 1'];

async function states(agent: NodeAgent): Promise<readonly string[]> {
  return (await agent.bgp()).map(({ name, type, asn, state }) => `${name} ${type} AS${asn} ${state}`).sort();
}

describe('two hosts', () => {
  test('converge and ping across', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    expect(lab.clock.now()).toBeLessThan(200);
    const b = await lab.address(host2, 'b');
    // ARP is answered at once; the VXLAN datagrams take 1 ms each way.
    expect(await lab.ping(host1, 'a', b)).toMatchObject({ outcome: 'reply', from: b, ttl: 62, rttMs: 2 });
    const [block2] = (await host2.status()).blocks;
    const tunnel2 = (await lab.resources.get('Node', 'host2'))?.spec.ipv4VXLANTunnelAddr;
    expect((await host1.routes()).find(({ destination }) => destination === block2)).toMatchObject({
      type: 'unicast',
      gateway: tunnel2,
      device: 'vxlan.calico',
      flags: ['onlink'],
      learnedFrom: 'BGP from host2 (127.9.0.2), next hop 127.9.0.2 (host2)',
    });
    expect(await host1.fdb()).toMatchObject([{ destination: '127.9.0.2', neighbor: tunnel2 }]);
    expect(await states(host1)).toEqual(['Mesh_127_9_0_2 node-to-node mesh AS64512 Established']);
    expect(lab.complaints()).toEqual([]);
  });

  test('do exactly the same in every run of one seed', async () => {
    const run = async (): Promise<readonly unknown[]> => {
      const other = new SimLab(7);
      const bytes: string[] = [];
      const [host1, host2] = await other.pair();
      const abort = new AbortController();
      const onBytes = (part: Uint8Array): void => void bytes.push(Buffer.from(part).toString('base64'));
      const captured = host1.capture({ underlay: true }, onBytes, abort.signal);
      await other.becomes(...CONVERGED);
      await other.ping(host1, 'a', await other.address(host2, 'b'));
      abort.abort();
      await captured;
      const store = await host1.store();
      await other.close();
      return [other.clock.now(), other.log, store, bytes];
    };
    const first = await run();
    expect(await run()).toEqual(first);
    expect(first[3]).not.toEqual([]);
  });

  test('say what they are, step by step', async () => {
    await lab.pool();
    const host1 = lab.agent('host1', 1, { pods: [podSpec('a'), podSpec('b')] });
    expect(await host1.status()).toMatchObject({
      ready: false,
      message: 'starting',
      pods: { total: 0, ready: 0 },
    });
    const seen: string[] = [];
    const abort = new AbortController();
    const watch = host1.watchStatus(
      ({ ready, pods }) => seen.push(`${ready} ${pods.ready}/${pods.total}`),
      abort.signal,
    );
    await lab.clock.outcome(host1.start());
    await lab.clock.pass(10);
    abort.abort();
    await watch;
    expect(seen[0]).toBe('false 0/0');
    expect(seen.at(-1)).toBe('true 2/2');
    expect(await host1.status()).toMatchObject({
      kind: 'host',
      address: '127.9.0.1',
      asn: 64512,
      sessions: { total: 0, established: 0, synced: 0 },
      blocks: [expect.stringMatching(/^10\.65\.\d+\.\d+\/26$/)],
      reachable: [],
      remoteBlocks: [],
      ready: true,
      message: '',
    });
  });

  test('trace a ping, each its own half', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    const [a, b] = [await lab.address(host1, 'a'), await lab.address(host2, 'b')];
    await lab.ping(host1, 'a', b);
    const steps: string[] = [];
    const abort = new AbortController();
    const traces = [host1, host2].map((host) =>
      host.trace(
        { a, b },
        ({ node, at, source }) => steps.push(`${node} ${at} ${source === a ? '>' : '<'}`),
        abort.signal,
      ),
    );
    await lab.ping(host1, 'a', b);
    abort.abort();
    await Promise.all(traces);
    const out = ['port', 'route', 'ttl', 'neighbor', 'fdb', 'encap'];
    const into = ['port', 'decap', 'route', 'ttl', 'deliver'];
    expect(steps).toEqual([
      ...out.map((at) => `host1 ${at} >`),
      ...into.map((at) => `host2 ${at} >`),
      ...out.map((at) => `host2 ${at} <`),
      ...into.map((at) => `host1 ${at} <`),
    ]);
  });

  test('lose each other’s blocks when one stops, and find them when it comes back as it was', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    const b = await lab.address(host2, 'b');
    const { blocks } = await host2.status();
    await lab.clock.outcome(host2.stop());
    lab.agents.delete('host2');
    await lab.becomes('host1 0/1 0');
    expect((await host1.bgp())[0]).toMatchObject({
      lastError: expect.stringContaining('Administrative Shutdown'),
    });
    expect(await lab.ping(host1, 'a', b)).toMatchObject({
      outcome: 'error',
      error: 'Destination Net Unreachable',
    });
    const again = await lab.host('host2', 2, [podSpec('b')]);
    await lab.becomes(...CONVERGED);
    expect((await again.status()).blocks).toEqual(blocks);
    expect(await lab.address(again, 'b')).toBe(b);
    expect(await lab.ping(host1, 'a', b)).toMatchObject({ outcome: 'reply' });
  });

  test('a host that is killed says nothing; the other hears it from TCP', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    await lab.clock.outcome(host2.kill());
    lab.agents.delete('host2');
    await lab.becomes('host1 0/1 0');
    const [neighbor] = await host1.bgp();
    expect(neighbor?.lastError).toContain('ECONNRESET');
    expect(neighbor?.lastError).not.toContain('Cease');
  });
});

describe('resources that change', () => {
  test('the mesh goes off and on', async () => {
    const [host1] = await lab.pair();
    await lab.becomes(...CONVERGED);
    await lab.apply('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false });
    await lab.becomes('host1 0/0 0', 'host2 0/0 0');
    expect((await host1.fdb()).length).toBe(0);
    await lab.apply('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: true });
    await lab.becomes(...CONVERGED);
  });

  test('a BGPPeer takes the place of the mesh', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    await lab.apply('BGPPeer', 'one-two', { node: 'host1', peerIP: '127.9.0.2', asNumber: 64512 });
    await lab.apply('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false });
    await lab.until((lines) => lines.join() === CONVERGED.join());
    await lab.clock.pass(10);
    await lab.becomes(...CONVERGED);
    expect(await states(host1)).toEqual(['Node_127_9_0_2 node specific AS64512 Established']);
    expect(await states(host2)).toEqual(['Node_127_9_0_1 node specific AS64512 Established']);
    expect(await lab.ping(host1, 'a', await lab.address(host2, 'b'))).toMatchObject({ outcome: 'reply' });
  });

  test('another AS number for all means new sessions with it, and routes as before', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    await lab.apply('BGPConfiguration', 'default', { asNumber: 65001 });
    await lab.clock.pass(0);
    await lab.becomes(...CONVERGED);
    expect(await states(host1)).toEqual(['Mesh_127_9_0_2 node-to-node mesh AS65001 Established']);
    expect((await host1.status()).asn).toBe(65001);
    expect(await lab.ping(host1, 'a', await lab.address(host2, 'b'))).toMatchObject({ outcome: 'reply' });
    expect((await host2.rib()).map(({ asPath }) => asPath)).toEqual(['', '']);
  });

  test('another AS number for one node makes its sessions external', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    const node = (await lab.resources.get('Node', 'host2'))!;
    await lab.resources.update({
      ...node,
      spec: { ...node.spec, bgp: { ...node.spec.bgp, asNumber: 65002 } },
    });
    await lab.clock.pass(0);
    await lab.becomes(...CONVERGED);
    expect((await host2.status()).asn).toBe(65002);
    expect(await states(host1)).toEqual(['Mesh_127_9_0_2 node-to-node mesh AS65002 Established']);
    expect((await host1.routes()).find(({ gateway }) => gateway !== null)?.learnedFrom).toContain(
      'AS path 65002',
    );
    expect(await lab.ping(host1, 'a', await lab.address(host2, 'b'))).toMatchObject({ outcome: 'reply' });
  });

  test('changes that come while the sessions are being replaced are not lost', async () => {
    await lab.pair();
    await lab.becomes(...CONVERGED);
    for (const asNumber of [65001, 65002, 65003]) {
      await lab.apply('BGPConfiguration', 'default', { asNumber });
      await lab.clock.pass(0.5);
    }
    await lab.apply('BGPConfiguration', 'default', { asNumber: 65004, nodeToNodeMeshEnabled: false });
    await lab.clock.pass(3000);
    expect(await lab.summary()).toEqual(['host1 0/0 0', 'host2 0/0 0']);
    await lab.apply('BGPConfiguration', 'default', { asNumber: 65004 });
    await lab.becomes(...CONVERGED);
    expect((await lab.agents.get('host1')!.status()).asn).toBe(65004);
    expect(lab.complaints().filter(([level]) => level === 'error')).toEqual([]);
  });

  test('a node becomes a route reflector, and the mesh goes', async () => {
    const [host1] = await lab.pair();
    await lab.host('host3', 3);
    await lab.becomes('host1 2/2 2', 'host2 2/2 2', 'host3 2/2 2');
    const node = (await lab.resources.get('Node', 'host3'))!;
    const bgp = { ...node.spec.bgp, routeReflectorClusterID: '244.0.0.1' };
    await lab.resources.update({
      ...node,
      metadata: { ...node.metadata, labels: { rr: 'yes' } },
      spec: { ...node.spec, bgp },
    });
    await lab.apply('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false });
    await lab.apply('BGPPeer', 'rr', { nodeSelector: '!has(rr)', peerSelector: "rr == 'yes'" });
    await lab.becomes('host1 1/1 2', 'host2 1/1 2', 'host3 2/2 2');
    const reflected = (await host1.rib()).filter(({ originatorId }) => originatorId !== undefined);
    expect(reflected).toMatchObject([{ originatorId: '127.9.0.2', clusterList: ['244.0.0.1'] }]);
  });

  test('a VTEP that changes its tunnel address is followed', async () => {
    const [host1] = await lab.pair();
    await lab.becomes(...CONVERGED);
    const node = (await lab.resources.get('Node', 'host2'))!;
    await lab.resources.update({ ...node, spec: { ...node.spec, ipv4VXLANTunnelAddr: '10.65.255.1' } });
    await lab.clock.pass(1);
    expect(await host1.fdb()).toMatchObject([{ destination: '127.9.0.2', neighbor: '10.65.255.1' }]);
  });

  test('blocks of a pool that is not exported are not announced, but stay own', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    await lab.pool({ disableBGPExport: true });
    await lab.becomes('host1 1/1 0', 'host2 1/1 0');
    expect((await host1.routes()).filter(({ type }) => type === 'blackhole')).toHaveLength(1);
    await lab.pool();
    await lab.becomes(...CONVERGED);
    // A block that the node lost is no blackhole any more, exported or not.
    await lab.pool({ disableBGPExport: true });
    await lab.becomes('host1 1/1 0', 'host2 1/1 0');
    const [block] = (await host1.status()).blocks;
    await lab.ipam.releaseAffinity('host1', block!);
    await lab.clock.pass(1);
    expect((await host1.status()).blocks).toEqual([]);
    expect((await host1.routes()).filter(({ type }) => type === 'blackhole')).toEqual([]);
    // Its pod's address is announced by itself now.
    const a = await lab.address(host1, 'a');
    expect((await host2.status()).reachable).toEqual([`${a}/32`]);
  });

  test('nonsense in the store stops nobody', async () => {
    const [host1] = await lab.pair();
    await lab.becomes(...CONVERGED);
    const key = Buffer.from('/calico/resources/v3/projectcalico.org/bgppeers/bad');
    for (const value of ['{', '{"spec":{"peerIP":"x"}}', 'null']) {
      await lab.kv.put({ key, value: Buffer.from(value) });
      await lab.clock.pass(1);
    }
    await lab.kv.put({
      key: Buffer.from('/calico/ipam/v2/host/host1/ipv6/block/fd00::-122'),
      value: Buffer.from('{"state":"confirmed"}'),
    });
    await lab.clock.pass(1);
    expect(await lab.summary()).toEqual(CONVERGED);
    expect((await host1.status()).blocks).toHaveLength(1);
    expect(lab.complaints().map(([, message]) => message)).toContain(
      'a resource in the store cannot be read',
    );
  });
});

describe('a pod with an address of another host’s block', () => {
  test('is announced by itself, and may move between the hosts', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    const [block1] = (await host1.status()).blocks;
    const address = block1!.replace(/\d+\/26$/, (last) => String(Number.parseInt(last, 10) + 60));
    const spec = podSpec('m', { address });
    const factory = emulatedPods(lab.clock);
    const move = async (from: NodeAgent | undefined, to: NodeAgent): Promise<void> => {
      await to.podSet.start(spec, factory);
      to.podsChanged();
      from?.podSet.remove('default/m');
      from?.podsChanged();
      await lab.clock.pass(50);
    };
    await move(undefined, host2);
    expect((await host1.status()).reachable).toContain(`${address}/32`);
    expect(await lab.ping(host1, 'a', address)).toMatchObject({ outcome: 'reply', ttl: 62 });
    for (const [from, to] of [
      [host2, host1],
      [host1, host2],
      [host2, host1],
    ] as const) {
      await move(from, to);
      const ttl = { a: to === host1 ? 63 : 62, b: to === host2 ? 63 : 62 };
      expect(await lab.ping(host1, 'a', address)).toMatchObject({ outcome: 'reply', ttl: ttl.a });
      expect(await lab.ping(host2, 'b', address)).toMatchObject({ outcome: 'reply', ttl: ttl.b });
    }
    expect((await host1.status()).reachable).not.toContain(`${address}/32`);
  });

  test('may go back before the other host has let go of it', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    const [block1] = (await host1.status()).blocks;
    const address = block1!.replace(/\d+\/26$/, (last) => String(Number.parseInt(last, 10) + 60));
    const spec = podSpec('m', { address });
    const factory = emulatedPods(lab.clock);
    await host2.podSet.start(spec, factory);
    host2.podsChanged();
    await lab.clock.pass(50);
    await host1.podSet.start(spec, factory);
    host1.podsChanged();
    await lab.clock.pass(50);
    expect(await lab.ping(host1, 'a', address)).toMatchObject({ outcome: 'reply', ttl: 63 });
    host2.podSet.remove('default/m');
    host2.podsChanged();
    await lab.clock.pass(50);
    expect(await lab.ping(host1, 'a', address)).toMatchObject({ outcome: 'reply', ttl: 63 });
    expect(await lab.ping(host2, 'b', address)).toMatchObject({ outcome: 'reply', ttl: 62 });
  });

  test('is found on the other host when it goes from the one that has the block', async () => {
    const [host1, host2] = await lab.pair();
    await lab.becomes(...CONVERGED);
    const [block1] = (await host1.status()).blocks;
    const address = block1!.replace(/\d+\/26$/, (last) => String(Number.parseInt(last, 10) + 60));
    const spec = podSpec('m', { address });
    await host1.podSet.start(spec, emulatedPods(lab.clock));
    host1.podsChanged();
    await host2.podSet.start(spec, emulatedPods(lab.clock));
    host2.podsChanged();
    await lab.clock.pass(50);
    expect(await lab.ping(host1, 'a', address)).toMatchObject({ outcome: 'reply', ttl: 63 });
    host1.podSet.remove('default/m');
    host1.podsChanged();
    expect(await lab.ping(host1, 'a', address)).toMatchObject({ outcome: 'reply', ttl: 62 });
  });
});

describe('a route reflector', () => {
  test('has sessions, but neither block, pods nor data plane', async () => {
    await lab.pool();
    await lab.apply('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false });
    await lab.apply('BGPPeer', 'rr', { nodeSelector: '!has(rr)', peerSelector: 'has(rr)' });
    const rr = lab.agent('rr1', 11, { kind: 'route-reflector', clusterId: '244.0.0.1', labels: { rr: '' } });
    await lab.clock.outcome(rr.start());
    const host1 = await lab.host('host1', 1, [podSpec('a')]);
    const host2 = await lab.host('host2', 2, [podSpec('b')]);
    await lab.becomes('rr1 2/2 0', 'host1 1/1 1', 'host2 1/1 1');
    expect(await lab.ping(host1, 'a', await lab.address(host2, 'b'))).toMatchObject({ outcome: 'reply' });
    expect([await rr.routes(), await rr.fdb(), await rr.pods()]).toEqual([[], [], []]);
    expect((await rr.rib()).length).toBe(2);
    expect((await rr.status()).blocks).toEqual([]);
    const signal = new AbortController().signal;
    const request = {
      pod: 'default/a',
      destination: '10.65.0.1',
      count: 1,
      intervalMs: 0,
      timeoutMs: 1,
      size: 0,
      ttl: 64,
    };
    await expect(rr.ping(request, () => undefined, signal)).rejects.toThrow(
      'rr1 is a route reflector: it runs no pods',
    );
    await expect(rr.exec('default/a', ['ip', 'a'], () => undefined, signal)).rejects.toThrow(
      'it runs no pods',
    );
    let ready = 0;
    await rr.trace(
      {},
      () => undefined,
      signal,
      () => ready++,
    );
    expect(ready).toBe(1);
  });
});

describe('control', () => {
  test('exec runs a command in a pod', async () => {
    const [host1] = await lab.pair();
    const printed: string[] = [];
    const output = (_: string, bytes: Uint8Array): void => void printed.push(new TextDecoder().decode(bytes));
    const signal = new AbortController().signal;
    expect(await host1.exec('default/a', ['ip', 'route'], output, signal)).toBe(0);
    expect(printed[0]).toBe('default via 169.254.1.1 dev eth0\n');
    await expect(host1.exec('default/b', ['ip', 'a'], output, signal)).rejects.toThrow(
      'node host1 runs no pod default/b; it runs: default/a',
    );
  });

  test('ipam and store are those of the whole cluster', async () => {
    const [host1] = await lab.pair();
    expect((await host1.ipam()).map(({ affinity, inUse }) => `${affinity} ${inUse}`).sort()).toEqual([
      'host:host1 2',
      'host:host2 2',
    ]);
    expect((await host1.store()).map(({ key }) => key)).toContain(
      '/calico/resources/v3/projectcalico.org/nodes/host2',
    );
  });
});
