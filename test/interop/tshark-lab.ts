import { CaptureHub } from '../../agents/capture/hub.ts';
import type { InterfaceId } from '../../agents/capture/interface.ts';
import { bgpFraming } from '../../agents/capture/stream-framing.ts';
import { tapDevice } from '../../agents/capture/tap-device.ts';
import { tapTcp } from '../../agents/capture/tap-tcp.ts';
import { tapUdp } from '../../agents/capture/tap-udp.ts';
import { systemClock } from '../../agents/io/clock.ts';
import { nodeTcp } from '../../agents/io/tcp.ts';
import { nodeUdp } from '../../agents/io/udp.ts';
import type { FrameDevice, TcpConnection, TcpHandler, UdpSocket } from '../../agents/ports.ts';
import type { CaptureSource } from '../../lab/capture/merge.ts';
import { fromHex } from '../../protocol/bytes/hex.ts';
import { ETHERTYPE_IPV4, encodeEthernet } from '../../protocol/ethernet/ethernet.ts';
import { encodeIcmp } from '../../protocol/icmp/icmp.ts';
import { parseIpv4 } from '../../protocol/ip/ipv4.ts';
import { IPV4_HEADER_LENGTH, PROTOCOL_ICMP, writeIpv4 } from '../../protocol/ipv4/header.ts';
import { VXLAN_HEADER_LENGTH, VXLAN_PORT, writeVxlan } from '../../protocol/vxlan/header.ts';

/** Two hosts in one process, with the taps of real agents on real loopback sockets, and no agents. */
export const ADDRESSES = { host1: '127.93.17.1', host2: '127.93.17.2' } as const;
export const PODS = { host1: '10.65.1.1', host2: '10.65.2.1' } as const;
export type HostName = keyof typeof ADDRESSES;

const clock = systemClock();

export class Host {
  readonly name: HostName;
  readonly hub: CaptureHub;
  readonly underlay: InterfaceId;
  readonly link: InterfaceId;
  readonly pod: InterfaceId;

  constructor(name: HostName) {
    this.name = name;
    this.hub = new CaptureHub({ clock, application: 'podwire test', comments: [`node ${name}`] });
    this.underlay = this.hub.addInterface({
      name: `${name}:eth0`,
      description: `underlay of ${name}`,
      scope: { kind: 'underlay' },
      mac: '00:00:00:00:00:00',
      addresses: [`${ADDRESSES[name]}/24`],
      hostName: name,
    });
    this.link = this.hub.addInterface({ name: 'underlay', scope: { kind: 'link', link: 'underlay' } });
    this.pod = this.hub.addInterface({
      name: `default/web-${name}:eth0`,
      description: `pod on ${name}`,
      scope: { kind: 'pod', pod: `default/web-${name}` },
      mac: '02:00:00:00:00:01',
      addresses: [`${PODS[name]}/32`],
      hostName: `web-${name}`,
    });
  }

  source(): CaptureSource {
    const filter = { underlay: true, links: ['underlay'] };
    return {
      name: this.name,
      capture: (onBytes, signal, onReady) => this.hub.capture(filter, onBytes, signal, onReady),
    };
  }
}

/** A device that nothing is behind; frames "from the pod" are injected by the test. */
export class LoneDevice implements FrameDevice {
  readonly name = 'cali0';
  readonly mac = '02:00:00:00:00:01';
  #receive: (frame: Uint8Array) => void = () => undefined;
  write(): void {}
  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
  }
  inject(frame: Uint8Array): void {
    this.#receive(frame);
  }
  close(): void {}
}

export function echoFrame(
  from: string,
  to: string,
  kind: 'echo-request' | 'echo-reply',
  ttl: number,
): Uint8Array {
  const icmp = encodeIcmp({ kind, identifier: 7, sequence: 1, data: new Uint8Array(56).fill(0x61) });
  const packet = new Uint8Array(IPV4_HEADER_LENGTH + icmp.length);
  const header = {
    typeOfService: 0,
    identification: kind === 'echo-request' ? 0x1234 : 0x4321,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    timeToLive: ttl,
    protocol: PROTOCOL_ICMP,
    source: parseIpv4(from),
    destination: parseIpv4(to),
    options: new Uint8Array(0),
  };
  writeIpv4(packet, 0, header, icmp.length);
  packet.set(icmp, IPV4_HEADER_LENGTH);
  return encodeEthernet(
    { destination: 0x66f937c37e94, source: 0x020000000001, type: ETHERTYPE_IPV4 },
    packet,
  );
}

function vxlan(frame: Uint8Array): Uint8Array {
  const payload = new Uint8Array(VXLAN_HEADER_LENGTH + frame.length);
  writeVxlan(payload, 0, 4096);
  payload.set(frame, VXLAN_HEADER_LENGTH);
  return payload;
}

/** A ping from pod to pod: pod frame, VXLAN over real UDP, pod frame, and the same back. TTL as the hops leave it. */
export async function pingOverVxlan(host1: Host, host2: Host): Promise<void> {
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const sockets: Partial<Record<HostName, UdpSocket>> = {};
  const device1 = new LoneDevice();
  const device2 = new LoneDevice();
  const pod1 = tapDevice(device1, host1.hub, host1.pod);
  const pod2 = tapDevice(device2, host2.hub, host2.pod);
  const to = (host: HostName): { address: string; port: number } => ({
    address: ADDRESSES[host],
    port: VXLAN_PORT,
  });
  const bind = (host: Host, onMessage: () => void): Promise<UdpSocket> =>
    tapUdp(nodeUdp(), host.hub, host.underlay, { link: host.link }).bind(
      to(host.name),
      { noChecksum: true },
      onMessage,
    );
  pod1.onFrame(() =>
    sockets.host1!.send(vxlan(echoFrame(PODS.host1, PODS.host2, 'echo-request', 63)), to('host2')),
  );
  pod2.onFrame(() =>
    sockets.host2!.send(vxlan(echoFrame(PODS.host2, PODS.host1, 'echo-reply', 63)), to('host1')),
  );
  sockets.host1 = await bind(host1, () => {
    pod1.write(echoFrame(PODS.host2, PODS.host1, 'echo-reply', 62));
    resolve();
  });
  sockets.host2 = await bind(host2, () => {
    pod2.write(echoFrame(PODS.host1, PODS.host2, 'echo-request', 62));
    device2.inject(echoFrame(PODS.host2, PODS.host1, 'echo-reply', 64));
  });
  device1.inject(echoFrame(PODS.host1, PODS.host2, 'echo-request', 64));
  await answered;
  await Promise.all([sockets.host1.close(), sockets.host2.close()]);
}

const MARKER = 'ff'.repeat(16);
export const OPEN: Uint8Array = fromHex(`${MARKER} 001d 01 04 fc00 00b4 7f5d1101 00`);
export const KEEPALIVE: Uint8Array = fromHex(`${MARKER} 0013 04`);
/** An UPDATE of 3744 bytes with 740 /32 prefixes of 10.65.128.0/17. */
export const UPDATE: Uint8Array = largeUpdate();

function largeUpdate(): Uint8Array {
  const attributes = '40010100 400200 4003047f5d1101 40050400000064';
  let prefixes = '';
  for (let i = 0; i < 740; i++) prefixes += `20 0a41 ${(0x8000 + i).toString(16)}`;
  const body = fromHex(`0000 0015 ${attributes} ${prefixes}`);
  const length = (19 + body.length).toString(16).padStart(4, '0');
  return Uint8Array.from([...fromHex(`${MARKER} ${length} 02`), ...body]);
}

function collect(expected: number, done: () => void): (bytes: Uint8Array) => void {
  let seen = 0;
  return (bytes) => {
    seen += bytes.length;
    if (seen >= expected) done();
  };
}

/** A BGP session over real TCP: OPEN, KEEPALIVE both ways, `between`, two UPDATEs from host1, FIN from host1. Returns the port. */
export async function bgpSession(host1: Host, host2: Host, between: () => Promise<void>): Promise<number> {
  const opened = OPEN.length + KEEPALIVE.length;
  const up = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const got = Promise.withResolvers<void>();
  const closed = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const greet = (connection: TcpConnection): void => {
    connection.write(OPEN);
    connection.write(KEEPALIVE);
  };
  const tap = (host: Host) =>
    tapTcp(nodeTcp(), host.hub, host.underlay, { link: host.link, framing: bgpFraming });
  const updateIn = collect(opened + 2 * UPDATE.length, got.resolve);
  const openIn = collect(opened, up[1].resolve);
  const listener = await tap(host2).listen(
    { address: ADDRESSES.host2, port: 0 },
    (connection): TcpHandler => {
      greet(connection);
      const onData = (bytes: Uint8Array): void => {
        openIn(bytes);
        updateIn(bytes);
      };
      return { onData, onClose: () => closed[1].resolve() };
    },
  );
  const connection = tap(host1).connect(
    listener.local,
    { localAddress: ADDRESSES.host1 },
    {
      onConnect: () => greet(connection),
      onData: collect(opened, up[0].resolve),
      onClose: () => closed[0].resolve(),
    },
  );
  await Promise.all(up.map(({ promise }) => promise));
  await between();
  connection.write(UPDATE);
  connection.write(UPDATE);
  await got.promise;
  connection.end();
  await Promise.all(closed.map(({ promise }) => promise));
  await listener.close();
  return listener.local.port;
}
