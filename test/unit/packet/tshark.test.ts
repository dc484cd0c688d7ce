import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeEthernet } from '../../../protocol/ethernet/ethernet.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { writeIpv4 } from '../../../protocol/ipv4/header.ts';
import { encodeTcp } from '../../../protocol/tcp/header.ts';
import { encodeUdp } from '../../../protocol/udp/udp.ts';
import { requireTool } from '../../support/tools.ts';
import { type Sent, TwoHosts } from '../forwarder/two-hosts.ts';

/** A classic pcap file of Ethernet frames. */
function pcap(frames: readonly Uint8Array[]): Uint8Array {
  const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
  const parts: Uint8Array[] = [words(0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1)];
  for (const [i, frame] of frames.entries()) parts.push(words(1 + i, 0, frame.length, frame.length), frame);
  return Buffer.concat(parts);
}

function ipFrame(source: number, destination: number, protocol: number, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(20 + payload.length);
  const header = {
    typeOfService: 0,
    identification: 1,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    timeToLive: 64,
    protocol,
    source,
    destination,
    options: new Uint8Array(0),
  };
  packet.set(payload, writeIpv4(packet, 0, header, payload.length));
  return encodeEthernet({ destination: 2, source: 4, type: 0x0800 }, packet);
}

/** The VXLAN datagram as it stands on a wire. */
function onWire({ from, to, sourcePort, payload }: Sent): Uint8Array {
  return ipFrame(from, to, 17, encodeUdp({ sourcePort, destinationPort: 4789, data: payload }));
}

test('tshark finds nothing malformed and every checksum right in what forwarders and pods send', () => {
  const tshark = requireTool('tshark');
  const net = new TwoHosts(1400, 1450);
  const [a, b] = net.nodes;
  const outputs = [
    a.ping(b.pod.address),
    a.ping(b.pod.address, { ttl: 1 }),
    a.ping(b.pod.address, { ttl: 2 }),
    a.ping(b.pod.address, { size: 1400 }),
    a.ping(b.pod.address, { size: 3333 }),
    a.ping(b.tunnel),
    a.ping('8.8.8.8'),
  ];
  expect(outputs.every((events) => events.length > 0)).toBe(true);
  const sourcePort = a.pod.openUdp();
  for (const destinationPort of [7, 9]) {
    a.take(
      a.pod.sendUdp({ destination: b.pod.address, destinationPort, sourcePort, data: new Uint8Array(33) }, 0),
    );
  }
  const addresses = { source: a.pod.address, destination: b.pod.address };
  const syn = {
    sourcePort: 1234,
    destinationPort: 80,
    sequence: 99,
    acknowledgment: 0,
    flags: 2,
    window: 1000,
    urgentPointer: 0,
    options: Uint8Array.of(2, 4, 5, 0xb4),
    data: new Uint8Array(0),
  };
  const tcp = encodeTcp(syn, addresses);
  const wrapped = ipFrame(addresses.source, addresses.destination, 6, tcp);
  wrapped.set([0xee, 0xee, 0xee, 0xee, 0xee, 0xee]);
  a.fromPod.push(wrapped);
  a.forwarder.fromWorkload(a.workload, wrapped);

  const frames = [...net.wire.map(onWire), ...a.fromPod, ...a.toPod, ...b.fromPod, ...b.toPod];
  const rows = dissect(tshark, frames);
  expect(rows.length).toBe(frames.length);
  expect(rows.filter(({ problem }) => problem !== '')).toEqual([]);
  const vxlan = rows.slice(0, net.wire.length);
  expect(new Set(vxlan.map(({ vni }) => vni))).toEqual(new Set(['4096']));
  const protocols = rows.map(({ protocols }) => protocols).join(' ');
  for (const expected of [
    'vxlan:eth:ethertype:ip:icmp',
    'vxlan:eth:ethertype:ip:udp',
    'vxlan:eth:ethertype:ip:tcp',
    'arp',
  ]) {
    expect(protocols).toContain(expected);
  }
});

test('tshark would find a wrong checksum', () => {
  const tshark = requireTool('tshark');
  const data = new Uint8Array(10);
  const pair = { source: parseIpv4('10.0.0.1'), destination: parseIpv4('10.0.0.2') };
  const good = encodeUdp({ sourcePort: 9, destinationPort: 9000, data }, pair);
  const bad = good.slice();
  bad[6]! ^= 1;
  const rows = dissect(
    tshark,
    [good, bad].map((udp) => ipFrame(pair.source, pair.destination, 17, udp)),
  );
  expect(rows.map(({ problem }) => problem !== '')).toEqual([false, true]);
});

interface Row {
  readonly protocols: string;
  readonly vni: string;
  /** Malformed, or any checksum wrong. */
  readonly problem: string;
}

function dissect(tshark: string, frames: readonly Uint8Array[]): Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'podwire-tshark-'));
  try {
    const file = join(folder, 'frames.pcap');
    writeFileSync(file, pcap(frames));
    const checks = ['ip', 'udp', 'tcp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);
    const bad = [
      '_ws.malformed',
      'ip.checksum.status',
      'udp.checksum.status',
      'tcp.checksum.status',
      'icmp.checksum.status',
    ];
    const fields = ['frame.protocols', 'vxlan.vni', ...bad].flatMap((field) => ['-e', field]);
    const run = spawnSync(
      tshark,
      ['-n', '-r', file, ...checks, '-T', 'fields', '-E', 'separator=;', ...fields],
      {
        encoding: 'utf8',
      },
    );
    expect(run.status, run.stderr).toBe(0);
    return run.stdout
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [protocols = '', vni = '', malformed = '', ...statuses] = line.split(';');
        const wrong = statuses.filter((status) => status.split(',').includes('0'));
        return { protocols, vni, problem: malformed !== '' || wrong.length > 0 ? line : '' };
      });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
