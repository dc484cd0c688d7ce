import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Ipam } from '../../../agents/calico/ipam.ts';
import { ResourceClient } from '../../../agents/calico/resources.ts';
import { CaptureHub } from '../../../agents/capture/hub.ts';
import { DataPlane } from '../../../agents/node/data-plane.ts';
import { Pods } from '../../../agents/node/pods.ts';
import { emulatedPods } from '../../../agents/pod/emulated.ts';
import type { Pod, PodFactory, PodNetwork, PodSpec } from '../../../agents/pod/types.ts';
import type { KvClient } from '../../../agents/store/client.ts';
import { createMemoryStore } from '../../../agents/store/memory.ts';
import type { Store } from '../../../agents/store/store.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { SimClock, SimNet, seededRandom } from '../../support/sim-net.ts';
import { node, pool } from '../calico/setup.ts';
import { keptLog, tables } from './support.ts';

let clock: SimClock;
let store: Store;
let kv: KvClient;
let ipam: Ipam;
let resources: ResourceClient;
let hub: CaptureHub;
let dataPlane: DataPlane;
let log: ReturnType<typeof keptLog>;
/** Fails the next write of an endpoint. */
let failPut: string | undefined;

beforeEach(async () => {
  clock = new SimClock();
  const random = seededRandom(1);
  store = createMemoryStore({ clock, random });
  const client = store.client();
  failPut = undefined;
  kv = {
    ...client,
    put: async (request) => {
      if (failPut !== undefined) throw new Error(failPut);
      return client.put(request);
    },
  };
  ipam = new Ipam(client, { clock, random });
  resources = new ResourceClient(client, { clock, random });
  await resources.create(pool('a', { cidr: '10.65.0.0/16' }));
  await resources.create(pool('b', { cidr: '10.66.0.0/16' }));
  await resources.create(node('host1'));
  hub = new CaptureHub({ clock });
  const udp = new SimNet(clock).udp('127.9.0.1');
  dataPlane = new DataPlane({ node: 'host1', address: '127.9.0.1', mtu: 1500, clock, udp });
  log = keptLog();
});
afterEach(() => store.close());

function newPods(): Pods {
  return new Pods({ lab: 'x', node: 'host1', mtu: 1500, ipam, kv, dataPlane, hub, log });
}

function spec(name: string, more: Partial<PodSpec> = {}): PodSpec {
  return { namespace: 'default', name, labels: { app: name }, kind: 'emulated', ...more };
}

/** A factory that remembers which pods it made and which of them were closed. */
function recorded(): { readonly factory: PodFactory; readonly made: Pod[]; readonly closed: string[] } {
  const made: Pod[] = [];
  const closed: string[] = [];
  const inner = emulatedPods(clock);
  const factory: PodFactory = {
    create: async (wanted, network) => {
      const pod = await inner.create(wanted, network);
      const number = made.length;
      made.push({
        ...pod,
        device: pod.device,
        close: () => {
          closed.push(`${wanted.name} ${number}`);
          pod.close();
        },
      });
      return made.at(-1)!;
    },
  };
  return { factory, made, closed };
}

/** Names of the interfaces that a capture shows. */
function captured(): string {
  const controller = new AbortController();
  let text = '';
  const onBytes = (bytes: Uint8Array): void => {
    text += new TextDecoder('latin1').decode(bytes);
  };
  void hub.capture({ underlay: true }, onBytes, controller.signal);
  controller.abort();
  return [...new Set(text.match(/\w+\/[\w-]+:eth0/g) ?? [])].join();
}

describe('start', () => {
  test('gives an address, a MAC, a route, an endpoint and an interface to capture on', async () => {
    const pods = newPods();
    await pods.start(spec('web-1'), emulatedPods(clock));
    const { network, interfaceName, pod } = pods.get('default/web-1');
    expect(network).toEqual({
      address: expect.stringMatching(/^10\.65\.\d+\.\d+$/),
      mac: expect.stringMatching(/^02(:[0-9a-f]{2}){5}$/),
      mtu: 1450,
      gateway: '169.254.1.1',
    });
    expect(pod.device.mac).toBe(network.mac);
    expect(interfaceName).toMatch(/^cali[0-9a-f]{11}$/);
    expect(tables(dataPlane.forwarder)).toEqual([`${network.address}/32 workload`]);
    const endpoint = await resources.get('WorkloadEndpoint', 'host1-k8s-web--1-eth0', 'default');
    expect(endpoint).toMatchObject({
      metadata: { namespace: 'default', labels: { app: 'web-1', 'projectcalico.org/namespace': 'default' } },
      spec: {
        node: 'host1',
        pod: 'web-1',
        ipNetworks: [`${network.address}/32`],
        interfaceName,
        mac: network.mac,
      },
    });
    expect(captured()).toBe('default/web-1:eth0');
    expect(log.lines.at(-1)).toMatchObject(['info', 'pod up', { pod: 'default/web-1' }]);
  });

  test('a pod that starts again has the address and the MAC that it had, also on a new agent', async () => {
    const first = newPods();
    await first.start(spec('a'), emulatedPods(clock));
    await first.start(spec('b'), emulatedPods(clock));
    const before = first.get('default/a').network;
    first.close();
    const second = newPods();
    await second.start(spec('b'), emulatedPods(clock));
    await second.start(spec('a'), emulatedPods(clock));
    expect(second.get('default/a').network).toEqual(before);
  });

  test('pods of one name in two namespaces are two pods', async () => {
    const pods = newPods();
    await pods.start(spec('a'), emulatedPods(clock));
    await pods.start(spec('a', { namespace: 'other' }), emulatedPods(clock));
    const [one, two] = [pods.get('default/a'), pods.get('other/a')];
    expect(one.network.address).not.toBe(two.network.address);
    expect(one.network.mac).not.toBe(two.network.mac);
    expect(one.interfaceName).not.toBe(two.interfaceName);
  });

  test('a pool by name', async () => {
    const pods = newPods();
    await pods.start(spec('a', { pool: 'b' }), emulatedPods(clock));
    expect(pods.get('default/a').network.address).toMatch(/^10\.66\./);
    const unknown = pods.start(spec('c', { pool: 'nowhere' }), emulatedPods(clock));
    await expect(unknown).rejects.toThrow('nowhere');
  });

  test('a fixed address, kept when the pod starts again, in place of what it had before', async () => {
    const pods = newPods();
    await pods.start(spec('a'), emulatedPods(clock));
    const had = pods.get('default/a').network.address;
    for (let i = 0; i < 2; i++) {
      await pods.start(spec('a', { address: '10.65.7.9' }), emulatedPods(clock));
      expect(pods.get('default/a').network.address).toBe('10.65.7.9');
    }
    expect(tables(dataPlane.forwarder)).toEqual(['10.65.7.9/32 workload']);
    const rows = await ipam.utilization();
    expect(rows.reduce((sum, { inUse }) => sum + inUse, 0)).toBe(1);
    // Another pod cannot have it.
    const taken = pods.start(spec('b', { address: '10.65.7.9' }), emulatedPods(clock));
    await expect(taken).rejects.toThrow('10.65.7.9');
    expect(had).not.toBe('10.65.7.9');
  });

  test('a pod that cannot be made leaves nothing running', async () => {
    const pods = newPods();
    const broken: PodFactory = {
      create: async () => {
        throw new Error('no /dev/net/tun');
      },
    };
    await expect(pods.start(spec('a'), broken)).rejects.toThrow('no /dev/net/tun');
    expect(pods.running).toEqual([]);
  });

  test('nor does one whose endpoint cannot be written', async () => {
    const pods = newPods();
    const { factory, closed } = recorded();
    failPut = 'store is away';
    await expect(pods.start(spec('a'), factory)).rejects.toThrow('store is away');
    expect([pods.running, tables(dataPlane.forwarder), captured(), closed]).toEqual([[], [], '', ['a 0']]);
    failPut = undefined;
    await pods.start(spec('a'), factory);
    expect(pods.running).toHaveLength(1);
  });

  test('nor does one that the forwarder does not take', async () => {
    const pods = newPods();
    const { factory, closed } = recorded();
    const network = { ...(await pods.network(spec('a'))), mtu: 10 };
    const pod = await factory.create(spec('a'), { ...network, mtu: 1450 });
    await expect(pods.adopt(spec('a'), network, pod)).rejects.toThrow('MTU');
    expect([pods.running, tables(dataPlane.forwarder), captured(), closed]).toEqual([[], [], '', ['a 0']]);
  });
});

describe('adopt', () => {
  test('a pod that comes again replaces the one that was', async () => {
    const pods = newPods();
    const { factory, made, closed } = recorded();
    await pods.start(spec('a'), factory);
    await pods.start(spec('a'), factory);
    const { pod, network } = pods.get('default/a');
    expect(pod).toBe(made[1]);
    expect(closed).toEqual(['a 0']);
    expect(tables(dataPlane.forwarder)).toEqual([`${network.address}/32 workload`]);
    expect(dataPlane.forwarder.lookup(parseIpv4(network.address))?.route).toMatchObject({ port: 2 });
    // The old one goes late: the new one stays.
    expect(pods.release(spec('a'), made[0]!)).toBe(false);
    expect(pods.running).toHaveLength(1);
    expect(pods.release(spec('a'), made[1]!)).toBe(true);
    expect(pods.running).toEqual([]);
    expect(closed).toEqual(['a 0', 'a 1']);
  });

  test('what the node decided counts, where the pod’s own MAC is not set yet', async () => {
    const pods = newPods();
    const network = await pods.network(spec('a'));
    const early: PodNetwork = { ...network, mac: '02:ff:ff:ff:ff:ff' };
    await pods.adopt(spec('a'), network, await emulatedPods(clock).create(spec('a'), early));
    expect([...dataPlane.forwarder.ports()].at(-1)?.port).toMatchObject({
      podMac: Number.parseInt(network.mac.replaceAll(':', ''), 16),
    });
  });
});

describe('remove and close', () => {
  test('the pod ends, its address stays its own', async () => {
    const pods = newPods();
    const { factory, closed } = recorded();
    await pods.start(spec('a'), factory);
    const { address } = pods.get('default/a').network;
    pods.remove('default/a');
    pods.remove('default/a');
    expect([pods.running, tables(dataPlane.forwarder), captured(), closed]).toEqual([[], [], '', ['a 0']]);
    expect((await pods.network(spec('a'))).address).toBe(address);
    expect(() => pods.get('default/a')).toThrow('node host1 runs no pod default/a; it runs: none');
    await pods.start(spec('b'), factory);
    expect(() => pods.get('default/a')).toThrow('it runs: default/b');
  });

  test('close ends all, also where one does not want to', async () => {
    const pods = newPods();
    const { factory, made, closed } = recorded();
    await pods.start(spec('a'), factory);
    await pods.start(spec('b'), factory);
    Object.assign(made[0]!, {
      close: () => {
        throw new Error('EBUSY');
      },
    });
    pods.close();
    expect([pods.running, closed]).toEqual([[], ['b 1']]);
    expect(log.lines.at(-1)).toEqual(['error', 'pod did not close', { pod: 'default/a', error: 'EBUSY' }]);
  });

  test('a pod that is being made while the node closes is closed too', async () => {
    const pods = newPods();
    const { factory, closed } = recorded();
    const slow: PodFactory = {
      create: async (...args) => {
        const pod = await factory.create(...args);
        pods.close();
        return pod;
      },
    };
    await expect(pods.start(spec('a'), slow)).rejects.toThrow('node host1 runs no pods any more');
    expect([pods.running, tables(dataPlane.forwarder), closed]).toEqual([[], [], ['a 0']]);
    const late = recorded();
    await expect(pods.start(spec('b'), late.factory)).rejects.toThrow('runs no pods any more');
    expect(late.made).toEqual([]);
  });
});
