import { describe, expect, test } from 'vitest';
import { parseMac } from '../../../protocol/ethernet/mac.ts';
import { Forwarder } from '../../../protocol/forwarder/forwarder.ts';
import { RouteTable } from '../../../protocol/forwarder/route-table.ts';
import type { ForwarderSink, Route } from '../../../protocol/forwarder/types.ts';
import { formatIpv4, parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { ipv4Prefix } from '../../../protocol/ip/prefix.ts';

const origin = { source: 'static', detail: 'by hand' };
const blackhole: Route = { kind: 'blackhole', origin };
const sink: ForwarderSink = { toWorkload() {}, toVtep() {}, toUnderlay() {} };
const vxlan = {
  kind: 'vxlan' as const,
  name: 'vxlan.calico',
  vni: 4096,
  mac: 1,
  address: parseIpv4('10.65.1.0'),
  mtu: 1450,
};

describe('route table', () => {
  test('the longest prefix wins, whatever the order', () => {
    const table = new RouteTable();
    for (const text of [
      '0.0.0.0/0',
      '10.0.0.0/8',
      '10.65.1.1/32',
      '10.65.1.0/26',
      '240.0.0.0/4',
      '128.0.0.0/1',
    ]) {
      const { address, length } = ipv4Prefix(text);
      table.set(address, length, blackhole);
    }
    const found = (text: string) => {
      const entry = table.lookup(parseIpv4(text))!;
      return `${formatIpv4(entry.address)}/${entry.length}`;
    };
    expect(found('10.65.1.1')).toBe('10.65.1.1/32');
    expect(found('10.65.1.2')).toBe('10.65.1.0/26');
    expect(found('10.65.1.64')).toBe('10.0.0.0/8');
    expect(found('9.9.9.9')).toBe('0.0.0.0/0');
    expect(found('200.1.1.1')).toBe('128.0.0.0/1');
    expect(found('255.255.255.255')).toBe('240.0.0.0/4');
    expect(table.remove(0, 0)).toBe(true);
    expect(table.remove(0, 0)).toBe(false);
    expect(table.lookup(parseIpv4('9.9.9.9'))).toBeUndefined();
  });

  test('refuses what is no prefix', () => {
    const table = new RouteTable();
    expect(() => table.set(parseIpv4('10.0.0.1'), 24, blackhole)).toThrow(
      'route 10.0.0.1/24 has host bits set',
    );
    expect(() => table.set(0, 33, blackhole)).toThrow('prefix length must be 0 to 32, not 33');
  });
});

describe('forwarder tables', () => {
  test('list what was programmed', () => {
    const forwarder = new Forwarder({ host: 'h', sink, icmpSource: 1 });
    const port = forwarder.addPort(vxlan);
    const gateway = parseIpv4('10.65.2.0');
    const mac = parseMac('66:00:00:00:00:02');
    forwarder.setNeighbor(port, gateway, mac, origin);
    forwarder.setFdb(port, mac, parseIpv4('127.1.0.2'), origin);
    forwarder.setRoute(gateway, 26, { kind: 'vxlan', port, gateway, origin });
    expect([...forwarder.ports()]).toEqual([{ id: port, port: vxlan }]);
    expect([...forwarder.neighbors()]).toEqual([{ port, ip: gateway, mac, origin }]);
    expect([...forwarder.fdb()]).toEqual([{ port, mac, vtep: parseIpv4('127.1.0.2'), origin }]);
    expect(
      [...forwarder.routes()].map(({ address, length, route }) => [formatIpv4(address), length, route.kind]),
    ).toEqual([
      ['10.65.1.0', 32, 'local'],
      ['10.65.2.0', 26, 'vxlan'],
    ]);
    expect(forwarder.lookup(parseIpv4('10.65.2.7'))).toMatchObject({ address: gateway, length: 26 });
    expect(forwarder.removePort(port)).toBe(true);
    expect([[...forwarder.routes()], [...forwarder.neighbors()], [...forwarder.fdb()]]).toEqual([[], [], []]);
    expect(forwarder.removePort(port)).toBe(false);
    expect(forwarder.addPort(vxlan)).not.toBe(port);
  });

  test('refuse what cannot be', () => {
    const forwarder = new Forwarder({ host: 'h', sink, icmpSource: 1 });
    const port = forwarder.addPort(vxlan);
    expect(() => forwarder.addPort(vxlan)).toThrow('VNI 4096 is already that of vxlan.calico');
    expect(() => forwarder.addPort({ ...vxlan, vni: 1, mtu: 60 })).toThrow(
      'MTU of vxlan.calico must be 68 to 65535, not 60',
    );
    expect(() => forwarder.setRoute(0, 0, { kind: 'workload', port, origin })).toThrow(
      `route 0.0.0.0/0: port ${port} is no workload port`,
    );
    expect(() => forwarder.setNeighbor(99, 1, 1, origin)).toThrow('port 99 does not exist');
    expect(forwarder.removeFdb(99, 1)).toBe(false);
  });
});
