import { portError } from '../errors.ts';
import { type FdDevice, FdFrameDevice } from './frame-device.ts';
import { decodeInterfaceName, IFREQ_DATA, IFREQ_SIZE, interfaceRequest } from './ifreq.ts';
import { check, libc } from './libc.ts';
import { formatMac } from './mac.ts';
import { type Poller, sharedPoller } from './poller.ts';

const TUN_DEVICE = '/dev/net/tun';
const O_RDWR = 2;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;

const TUNSETIFF = 0x400454ca;
const TUNGETIFF = 0x800454d2;
const SIOCGIFHWADDR = 0x8927;
const IFF_TAP = 0x0002;
/** Frames as they are, without the 4-byte prefix of packet information. */
const IFF_NO_PI = 0x1000;

/** A TAP of the Linux kernel. Closing it removes the interface, some milliseconds later. */
export type TapDevice = FdDevice;

/**
 * Creates a TAP in the current network namespace (see {@link withNetns}) and takes its wire end. The interface goes
 * when the device is closed, or with the process.
 * @throws PortError ENOENT without /dev/net/tun, EPERM without CAP_NET_ADMIN, EBUSY where the name is taken.
 */
export function openTap(name: string, poller: Poller = sharedPoller()): TapDevice {
  return adoptTap(openTapFd(name), poller);
}

/** The descriptor of a new TAP in the current network namespace, non-blocking. @throws PortError as {@link openTap}. */
export function openTapFd(name: string): number {
  const what = `create TAP ${name}`;
  const { open, ioctl, close } = libc();
  const fd = check(open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC), `open ${TUN_DEVICE}`);
  try {
    const request = interfaceRequest(name);
    request.view.setUint16(IFREQ_DATA, IFF_TAP | IFF_NO_PI, true);
    check(ioctl(fd, TUNSETIFF, request.bytes), what);
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}

/**
 * The device of a TAP descriptor, e.g. one received from a pod ({@link serveFds}); it needs no privilege. The device
 * owns the descriptor from now on. @throws PortError where it is no TAP (the descriptor is left open then).
 */
export function adoptTap(fd: number, poller: Poller = sharedPoller()): TapDevice {
  const { ioctl } = libc();
  const request = new Uint8Array(IFREQ_SIZE);
  check(ioctl(fd, TUNGETIFF, request), `use file descriptor ${fd} as a TAP`);
  const name = decodeInterfaceName(request);
  const flags = new DataView(request.buffer).getUint16(IFREQ_DATA, true);
  if ((flags & (IFF_TAP | IFF_NO_PI)) !== (IFF_TAP | IFF_NO_PI)) {
    throw portError(`use ${name} as a TAP without packet information`, 'EINVAL');
  }
  return new FdFrameDevice(fd, name, () => tapMac(fd, name), poller);
}

/** Asked on the descriptor itself, which works from any namespace. */
function tapMac(fd: number, name: string): string {
  const request = new Uint8Array(IFREQ_SIZE);
  check(libc().ioctl(fd, SIOCGIFHWADDR, request), `read the MAC address of ${name}`);
  // ifr_hwaddr is a struct sockaddr: the address follows the 2-byte type.
  return formatMac(request.subarray(IFREQ_DATA + 2, IFREQ_DATA + 8));
}
