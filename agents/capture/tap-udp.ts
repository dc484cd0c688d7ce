import { PROTOCOL_UDP } from '../../protocol/ipv4/header.ts';
import type { PacketDirection } from '../../protocol/pcapng/enhanced-packet.ts';
import { encodeUdp } from '../../protocol/udp/udp.ts';
import type { Endpoint, UdpPort, UdpSocket } from '../ports.ts';
import type { CaptureHub } from './hub.ts';
import type { InterfaceId } from './interface.ts';
import { type UnderlayOptions, UnderlayRecorder } from './underlay-recorder.ts';

/**
 * The same UDP port, with every datagram recorded as the Ethernet frame that carries it. The UDP checksum is 0 on
 * sockets bound with `noChecksum` and right on others.
 */
export function tapUdp(
  udp: UdpPort,
  hub: CaptureHub,
  interfaceId: InterfaceId,
  options: UnderlayOptions = {},
): UdpPort {
  const recorder = new UnderlayRecorder(hub, interfaceId, options);
  return {
    async bind(local, bindOptions, onMessage) {
      const noChecksum = bindOptions.noChecksum === true;
      // A datagram can arrive before bind() resolves; the address asked for is right but for port 0.
      let bound: Endpoint = local;
      const socket = await udp.bind(local, bindOptions, (bytes, remote) => {
        if (recorder.active) recordDatagram(recorder, 'inbound', bound, remote, bytes, noChecksum);
        onMessage(bytes, remote);
      });
      bound = socket.local;
      return tapSocket(socket, recorder, noChecksum);
    },
  };
}

function tapSocket(socket: UdpSocket, recorder: UnderlayRecorder, noChecksum: boolean): UdpSocket {
  return {
    local: socket.local,
    send(bytes, remote) {
      if (recorder.active) recordDatagram(recorder, 'outbound', socket.local, remote, bytes, noChecksum);
      socket.send(bytes, remote);
    },
    close: () => socket.close(),
  };
}

function recordDatagram(
  recorder: UnderlayRecorder,
  direction: PacketDirection,
  local: Endpoint,
  remote: Endpoint,
  data: Uint8Array,
  noChecksum: boolean,
): void {
  const [from, to] = direction === 'outbound' ? [local, remote] : [remote, local];
  recorder.record(direction, local.address, remote.address, {
    protocol: PROTOCOL_UDP,
    // What Linux puts into unfragmentable datagrams of unconnected sockets (RFC 6864 §4.1 allows any value).
    identification: 0,
    encode: (addresses) =>
      encodeUdp(
        { sourcePort: from.port, destinationPort: to.port, data },
        noChecksum ? undefined : addresses,
      ),
  });
}
