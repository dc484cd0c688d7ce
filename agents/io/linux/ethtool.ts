import { IFREQ_DATA, interfaceRequest } from './ifreq.ts';
import { addressOf, check, libc } from './libc.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_DGRAM } from './sockaddr.ts';

const SIOCETHTOOL = 0x8946;
const ETHTOOL_STXCSUM = 0x17;

/**
 * Whether the interface (in the current network namespace) leaves checksums to the hardware that a veth does not
 * have: without, packets carry right checksums on it, and captures show them (`ethtool -K NAME tx off`).
 * @throws PortError; EOPNOTSUPP on `lo`, whose offload is fixed.
 */
export function setTxChecksum(name: string, offload: boolean): void {
  const { socket, ioctl, close } = libc();
  const what = `switch transmit checksum offload of ${name} ${offload ? 'on' : 'off'}`;
  // struct ethtool_value: command, value.
  const value = new Uint8Array(8);
  const view = new DataView(value.buffer);
  view.setUint32(0, ETHTOOL_STXCSUM, true);
  view.setUint32(4, offload ? 1 : 0, true);
  const request = interfaceRequest(name);
  request.view.setBigUint64(IFREQ_DATA, addressOf(value), true);
  const fd = check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), what);
  try {
    check(ioctl(fd, SIOCETHTOOL, request.bytes), what);
  } finally {
    close(fd);
  }
}
