import { beforeEach, describe, expect, test } from 'vitest';
import { DataPlane, type PodPort } from '../../../agents/node/data-plane.ts';
import { EmulatedPod } from '../../../agents/pod/emulated.ts';
import type { UdpPort } from '../../../agents/ports.ts';
import { parseMac } from '../../../protocol/ethernet/mac.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { SimClock, SimNet } from '../../support/sim-net.ts';
import { tables } from './support.ts';

let clock: SimClock;
let net: SimNet;
beforeEach(() => {
  clock = new SimClock();
  net = new SimNet(clock);
});

function dataPlane(index: number, udp: UdpPort = net.udp(`127.9.0.${index}`)): DataPlane {
  return new DataPlane({ node: `host${index}`, address: `127.9.0.${index}`, mtu: 1500, clock, udp });
}

function mac(index: number): string {
  return `02:00:00:00:00:0${index}`;
}

function addPod(plane: DataPlane, index: number): { readonly pod: EmulatedPod; readonly port: PodPort } {
  const address = `10.65.${index}.1`;
  const pod = new EmulatedPod({ address, mac: mac(index), mtu: 1450, gateway: '169.254.1.1' }, clock);
  const names = { name: `cali${index}`, workload: `default/${index}` };
  return { pod, port: plane.addPod(pod.device, { ...names, address, mac: mac(index), mtu: 1450 }) };
}

/** Two hosts with a pod each, which know each other’s VTEP. */
async function twoHosts(): Promise<readonly [DataPlane, DataPlane]> {
  const planes = [dataPlane(1), dataPlane(2)] as const;
  for (const [i, plane] of planes.entries()) {
    await plane.open();
    const vxlan = plane.addVxlan(`10.65.${i + 1}.0`, `66:00:00:00:00:0${i + 1}`);
    const other = 2 - i;
    const origin = { source: 'test', detail: 'test' };
    const gateway = parseIpv4(`10.65.${other}.0`);
    const { forwarder } = plane;
    forwarder.setNeighbor(vxlan, gateway, parseMac(`66:00:00:00:00:0${other}`), origin);
    forwarder.setFdb(vxlan, parseMac(`66:00:00:00:00:0${other}`), parseIpv4(`127.9.0.${other}`), origin);
    forwarder.setRoute(gateway, 26, { kind: 'vxlan', port: vxlan, gateway, origin });
  }
  return planes;
}

describe('the VTEP', () => {
  test('receives on 4789 of its own address and sends from four ports, until it is closed', async () => {
    const plane = dataPlane(1);
    await plane.open();
    expect(net.bound).toHaveLength(5);
    expect(net.bound.filter((bound) => bound.startsWith('127.9.0.1 '))).toHaveLength(5);
    expect(net.bound).toContain('127.9.0.1 4789');
    await plane.close();
    expect(net.bound).toEqual([]);
  });

  test('a taken port is an error that leaves nothing bound', async () => {
    const other = await net.udp('127.9.0.1').bind({ address: '127.9.0.1', port: 4789 }, {}, () => undefined);
    await expect(dataPlane(1).open()).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(net.bound).toEqual(['127.9.0.1 4789']);
    await other.close();
  });

  test('so is a source port that cannot be had', async () => {
    const inner = net.udp('127.9.0.1');
    let left = 3;
    const plane = dataPlane(1, {
      bind: async (...args) => {
        // The failure comes first, while others are still on their way.
        if (--left < 0) throw new Error('no more ports');
        await new Promise((resolve) => setImmediate(resolve));
        return inner.bind(...args);
      },
    });
    await expect(plane.open()).rejects.toThrow('no more ports');
    await clock.pass(0);
    expect(net.bound).toEqual([]);
  });

  test('closed while it opens, it opens nothing', async () => {
    const plane = dataPlane(1);
    const opening = plane.open();
    const closing = plane.close();
    await expect(opening).rejects.toThrow('was closed while it opened');
    await closing;
    expect(net.bound).toEqual([]);
  });
});

describe('pods', () => {
  test('reach each other across two hosts', async () => {
    const [one, two] = await twoHosts();
    const { pod } = addPod(one, 1);
    addPod(two, 2);
    const replies: string[] = [];
    pod.echo.onReply(({ from, ttl }) => replies.push(`${from} ttl ${ttl}`));
    pod.echo.send('10.65.2.1', 1, 1, new Uint8Array(10), 64, false);
    pod.echo.send('10.65.2.0', 1, 2, new Uint8Array(10), 64, false);
    clock.run(10);
    expect(replies).toEqual(['10.65.2.1 ttl 62', '10.65.2.0 ttl 63']);
  });

  test('ICMP errors come from the tunnel address, and only while there is one', () => {
    const plane = dataPlane(1);
    const { pod } = addPod(plane, 1);
    const errors: string[] = [];
    pod.echo.onReply(({ from, type }) => errors.push(`${type} from ${from}`));
    pod.echo.send('10.99.0.1', 1, 1, new Uint8Array(0), 64, false);
    expect(errors).toEqual([]);
    plane.addVxlan('10.65.1.0', '66:00:00:00:00:01');
    pod.echo.send('10.99.0.1', 1, 2, new Uint8Array(0), 64, false);
    expect(errors).toEqual(['3 from 10.65.1.0']);
  });

  test('the VXLAN device carries 50 bytes less than the underlay', () => {
    const plane = dataPlane(1);
    const id = plane.addVxlan('10.65.1.0', '66:00:00:00:00:01');
    expect(plane.forwarder.port(id)).toMatchObject({ mtu: 1450, vni: 4096, name: 'vxlan.calico' });
  });

  test('one that is removed has no route any more, and its frames go nowhere', () => {
    const plane = dataPlane(1);
    const { pod, port } = addPod(plane, 1);
    expect(tables(plane.forwarder)).toEqual(['10.65.1.1/32 workload']);
    plane.removePod(port);
    expect(tables(plane.forwarder)).toEqual([]);
    expect(() => pod.echo.send('10.65.1.9', 1, 1, new Uint8Array(0), 64, false)).not.toThrow();
    expect(plane.forwarder.counters().drops['no-such-port']).toBe(1);
  });
});

describe('own blocks', () => {
  test('are blackholes as long as they are own', () => {
    const { forwarder, setBlocks } = bound(dataPlane(1));
    setBlocks(['10.65.1.0/26', '10.65.1.64/26']);
    expect(tables(forwarder)).toEqual(['10.65.1.0/26 blackhole', '10.65.1.64/26 blackhole']);
    setBlocks(['10.65.1.64/26']);
    expect(tables(forwarder)).toEqual(['10.65.1.64/26 blackhole']);
    setBlocks([]);
    expect(tables(forwarder)).toEqual([]);
  });

  test('told again, they are left as they are', () => {
    const { forwarder, setBlocks } = bound(dataPlane(1));
    setBlocks(['10.65.1.0/26']);
    const before = forwarder.route(parseIpv4('10.65.1.0'), 26);
    setBlocks(['10.65.1.0/26']);
    expect(forwarder.route(parseIpv4('10.65.1.0'), 26)).toBe(before);
  });

  test('take the place of a route to another host; what took theirs stays', () => {
    const { forwarder, setBlocks, plane } = bound(dataPlane(1));
    const port = plane.addVxlan('10.65.9.0', '66:00:00:00:00:01');
    const remote = { kind: 'vxlan', port, gateway: 1, origin: { source: 'bgp', detail: '' } } as const;
    forwarder.setRoute(parseIpv4('10.65.1.0'), 26, remote);
    setBlocks(['10.65.1.0/26']);
    expect(tables(forwarder)).toContain('10.65.1.0/26 blackhole');
    forwarder.setRoute(parseIpv4('10.65.1.0'), 26, remote);
    setBlocks([]);
    expect(tables(forwarder)).toContain('10.65.1.0/26 vxlan via 0.0.0.1');
  });

  test('of one address are the pod’s own route', () => {
    const plane = dataPlane(1);
    addPod(plane, 1);
    plane.setBlocks(['10.65.1.1/32']);
    expect(tables(plane.forwarder)).toEqual(['10.65.1.1/32 workload']);
    plane.setBlocks([]);
    expect(tables(plane.forwarder)).toEqual(['10.65.1.1/32 workload']);
  });
});

function bound(plane: DataPlane): {
  readonly plane: DataPlane;
  readonly forwarder: DataPlane['forwarder'];
  readonly setBlocks: DataPlane['setBlocks'];
} {
  return { plane, forwarder: plane.forwarder, setBlocks: (blocks) => plane.setBlocks(blocks) };
}
