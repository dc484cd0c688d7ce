import type { FrameDevice } from '../../ports.ts';
import { portError } from '../errors.ts';
import { decodeInterfaceName, IFREQ_DATA, IFREQ_SIZE, interfaceRequest } from './ifreq.ts';
import { check, closeInBackground, EAGAIN, EINTR, lastErrno, libc } from './libc.ts';
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

/** Frames read per wake-up, so that one busy pod does not keep the loop from the others. */
const BATCH = 64;
/** The largest MTU, 65535, with an Ethernet header and a VLAN tag. */
const FRAME_MAX = 65535 + 18;

/** A TAP of the Linux kernel. Closing it removes the interface, some milliseconds later. */
export interface TapDevice extends FrameDevice {
  /** For handing it to another process ({@link sendFds}). */
  readonly fd: number;
  readonly framesIn: number;
  readonly framesOut: number;
  /** Frames that the kernel did not take (interface down, queue full): lost, as on a wire. */
  readonly dropped: number;
}

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
  return new LinuxTap(fd, name, poller);
}

/** Shared by all devices: a frame is valid only until its receiver returns. */
const buffer = new Uint8Array(FRAME_MAX);

class LinuxTap implements TapDevice {
  readonly fd: number;
  readonly name: string;
  framesIn = 0;
  framesOut = 0;
  dropped = 0;
  readonly #poller: Poller;
  #receive: ((frame: Uint8Array) => void) | undefined;
  #open = true;

  constructor(fd: number, name: string, poller: Poller) {
    this.fd = fd;
    this.name = name;
    this.#poller = poller;
  }

  /** Asked each time: whoever owns the namespace may set it after the device was opened. */
  get mac(): string {
    const request = new Uint8Array(IFREQ_SIZE);
    check(libc().ioctl(this.fd, SIOCGIFHWADDR, request), `read the MAC address of ${this.name}`);
    // ifr_hwaddr is a struct sockaddr: the address follows the 2-byte type.
    return formatMac(request.subarray(IFREQ_DATA + 2, IFREQ_DATA + 8));
  }

  write(frame: Uint8Array): void {
    if (this.#open && libc().write(this.fd, frame, frame.length) === frame.length) this.framesOut++;
    else this.dropped++;
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    const first = this.#receive === undefined;
    this.#receive = receive;
    if (first && this.#open) this.#poller.add(this.fd, this.#read);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poller.remove(this.fd);
    closeInBackground(this.fd);
  }

  readonly #read = (): void => {
    const { read } = libc();
    for (let count = 0; count < BATCH && this.#open; count++) {
      const length = read(this.fd, buffer, FRAME_MAX);
      if (length < 0) {
        this.#readFailed(lastErrno());
        return;
      }
      this.framesIn++;
      this.#receive!(buffer.subarray(0, length));
    }
  };

  #readFailed(errno: number): void {
    if (errno === EAGAIN || errno === EINTR) return;
    // EIO, EBADFD: the interface was deleted under us; nothing will ever come again.
    this.#poller.remove(this.fd);
  }
}
