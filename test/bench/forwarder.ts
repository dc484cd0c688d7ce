/**
 * Nanoseconds per packet through the forwarder, in one process without sockets:
 *   pod → VXLAN payload, VXLAN payload → pod, and route lookups in a large table.
 * Run: node bin/run.mjs test/bench/forwarder.ts [million packets per case, default 2]
 */
import { encodeEthernet } from '../../protocol/ethernet/ethernet.ts';
import { CALICO_GATEWAY_MAC, Forwarder } from '../../protocol/forwarder/forwarder.ts';
import { packetId } from '../../protocol/forwarder/packet-id.ts';
import { RouteTable } from '../../protocol/forwarder/route-table.ts';
import type { ForwarderSink } from '../../protocol/forwarder/types.ts';
import { parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { writeIpv4 } from '../../protocol/ipv4/header.ts';
import { encodeUdp } from '../../protocol/udp/udp.ts';

const count = Number(process.argv[2] ?? 2) * 1e6;
const origin = { source: 'static', detail: 'benchmark' };
const REMOTES = 200;
const POD = parseIpv4('10.0.0.1');
const POD_MAC = 0x020000000001;
const VTEP = parseIpv4('127.1.0.1');

let bytesOut = 0;
const sink: ForwarderSink = {
  toWorkload: (_port, frame) => {
    bytesOut += frame.length;
  },
  toVtep: (payload) => {
    bytesOut += payload.length;
  },
  toUnderlay: (packet) => {
    bytesOut += packet.length;
  },
};

const forwarder = new Forwarder({ host: 'host1', sink, icmpSource: parseIpv4('10.0.0.0') });
const device = {
  name: 'vxlan.calico',
  vni: 4096,
  mac: 0x660000000001,
  address: parseIpv4('10.0.0.0'),
  mtu: 1450,
};
const vxlan = forwarder.addPort({ kind: 'vxlan', ...device });
const pod = forwarder.addPort({
  kind: 'workload',
  name: 'cali1',
  workload: 'default/pod1',
  podMac: POD_MAC,
  addresses: [POD],
  mtu: 1450,
});
forwarder.setRoute(POD, 32, { kind: 'workload', port: pod, origin });
forwarder.setRoute(parseIpv4('10.0.0.0'), 26, { kind: 'blackhole', origin });
for (let i = 1; i <= REMOTES; i++) {
  const block = POD - 1 + i * 64;
  forwarder.setNeighbor(vxlan, block, 0x660000000001 + i, origin);
  forwarder.setFdb(vxlan, 0x660000000001 + i, VTEP + i, origin);
  forwarder.setRoute(block, 26, { kind: 'vxlan', port: vxlan, gateway: block, origin });
}

function packet(source: number, destination: number, size: number): Uint8Array {
  const data = new Uint8Array(size - 28);
  const payload = encodeUdp({ sourcePort: 1000, destinationPort: 2000, data }, { source, destination });
  const bytes = new Uint8Array(size);
  const flags = {
    typeOfService: 0,
    identification: 1,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
  };
  const header = { ...flags, timeToLive: 64, protocol: 17, source, destination, options: new Uint8Array(0) };
  bytes.set(payload, writeIpv4(bytes, 0, header, payload.length));
  return bytes;
}

/** Runs a case until warm, then measures it, and prints one line. */
function measure(name: string, run: (i: number) => void): void {
  for (let i = 0; i < 200_000; i++) run(i);
  const before = process.memoryUsage().heapUsed;
  const start = performance.now();
  for (let i = 0; i < count; i++) run(i);
  const nanos = ((performance.now() - start) * 1e6) / count;
  const grown = Math.max(0, process.memoryUsage().heapUsed - before) / count;
  console.log(`${name.padEnd(44)} ${nanos.toFixed(0).padStart(6)} ns  heap ${grown.toFixed(1)} B/packet`);
}

for (const size of [64, 1450]) {
  const frames = Array.from({ length: REMOTES }, (_, i) =>
    encodeEthernet(
      { destination: CALICO_GATEWAY_MAC, source: POD_MAC, type: 0x0800 },
      packet(POD, POD - 1 + (i + 1) * 64 + 5, size),
    ),
  );
  measure(`pod to VXLAN, ${size} bytes, ${REMOTES} destinations`, (i) => {
    forwarder.fromWorkload(pod, frames[i % REMOTES]!);
  });
  const inner = encodeEthernet(
    { destination: device.mac, source: device.mac + 1, type: 0x0800 },
    packet(POD + 64, POD, size),
  );
  const payload = new Uint8Array(8 + inner.length);
  payload.set([8, 0, 0, 0, 0, 16]);
  payload.set(inner, 8);
  measure(`VXLAN to pod, ${size} bytes`, () => forwarder.fromVtep(payload, VTEP + 1));
  const id = packet(POD, POD + 64, size);
  measure(`packet id, ${size} bytes`, () => {
    if (packetId(id, 0, id.length) === 0n) bytesOut++;
  });
}

const table = new RouteTable();
for (let i = 0; i < 100_000; i++) table.set(POD - 1 + i * 64, 26, { kind: 'blackhole', origin });
table.set(0, 0, { kind: 'blackhole', origin });
measure('lookup among 100,000 routes', (i) => {
  if (table.lookup(POD + ((Math.imul(i, 0x9e3779b1) >>> 0) % 6_400_000)) === undefined)
    throw new Error('no route');
});

const { drops } = forwarder.counters();
const dropped = Object.values(drops).reduce((sum, value) => sum + value, 0);
if (dropped > 0 || bytesOut === 0)
  throw new Error(`${dropped} packets were dropped: ${JSON.stringify(drops)}`);
