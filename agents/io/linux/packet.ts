import { PortError } from '../../ports.ts';
import { type FdDevice, FdFrameDevice } from './frame-device.ts';
import { check, int32, libc } from './libc.ts';
import { withNetlink } from './netlink.ts';
import { type Poller, sharedPoller } from './poller.ts';
import { AF_PACKET, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from './sockaddr.ts';

const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const RECEIVE_BUFFER = 4 * 1024 * 1024;
const SOCKADDR_LL_SIZE = 20;

/** All frames, whatever their EtherType. */
export const ETH_P_ALL = 0x0003;

/**
 * A raw packet socket on an interface of the current network namespace: frames that arrive there come in, frames
 * written go out as they are. Unlike a TAP the interface stays the kernel's, which sees the arriving frames as well
 * (with forwarding off it drops what is not its own), and the device's own frames do not come back.
 *
 * Where the sender of a frame is on this machine, checksums may be left open and segments be larger than the MTU:
 * see {@link setTxChecksum}, on the sender's side.
 *
 * @param ethertype which frames come in, e.g. 0x0800; default all.
 * @throws PortError ENODEV without such an interface, EPERM without CAP_NET_RAW.
 */
export function openPacketDevice(
  name: string,
  ethertype: number = ETH_P_ALL,
  poller: Poller = sharedPoller(),
): FdDevice {
  const what = `open a packet socket on ${name}`;
  const link = withNetlink(undefined, (netlink) => netlink.link(name));
  if (link === undefined) throw new PortError('ENODEV', `cannot ${what}: there is no interface ${name}`);
  const { socket, setsockopt, bind, close } = libc();
  // Protocol 0 until it is bound: otherwise frames of all interfaces would come in between.
  const fd = check(
    socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
    what,
    'this needs root (CAP_NET_RAW)',
  );
  try {
    check(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, int32(1), 4), what);
    // Room for bursts; refused without CAP_NET_ADMIN, and the default serves too.
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, int32(RECEIVE_BUFFER), 4);
    check(bind(fd, linkSockaddr(link.index, ethertype), SOCKADDR_LL_SIZE), what);
  } catch (error) {
    close(fd);
    throw error;
  }
  return new FdFrameDevice(fd, name, () => link.mac, poller);
}

/** `struct sockaddr_ll`: family, EtherType in network order, interface index; the rest is for sendto. */
function linkSockaddr(index: number, ethertype: number): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_LL_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ethertype);
  view.setInt32(4, index, true);
  return bytes;
}
