import { addressOf } from './libc.ts';

// Messages of sendmsg and recvmsg with file descriptors (unix(7), cmsg(3)), 64-bit little-endian:
//
//   struct msghdr: | name | name length | iovec | number of iovecs | control | control length | flags |
//   struct cmsghdr: | length (8) | level (4) | type (4) | descriptors, 4 bytes each, padded to 8 |

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSGHDR_SIZE = 56;
const CMSGHDR_SIZE = 16;
const MSG_CTRUNC = 0x8;

/** Descriptors in one message; the kernel allows 253. */
export const FDS_MAX = 64;
const CONTROL_SIZE = CMSGHDR_SIZE + 4 * FDS_MAX;

/** The structs of one call; JavaScript must hold them while the kernel follows the pointers between them. */
export interface FdMessage {
  readonly header: Uint8Array;
  readonly iovec: Uint8Array;
  readonly data: Uint8Array;
  readonly control: Uint8Array;
}

function message(data: Uint8Array, control: Uint8Array): FdMessage {
  const iovec = new Uint8Array(16);
  const iovecView = new DataView(iovec.buffer);
  iovecView.setBigUint64(0, addressOf(data), true);
  iovecView.setBigUint64(8, BigInt(data.length), true);
  const header = new Uint8Array(MSGHDR_SIZE);
  const view = new DataView(header.buffer);
  view.setBigUint64(16, addressOf(iovec), true);
  view.setBigUint64(24, 1n, true);
  if (control.length > 0) view.setBigUint64(32, addressOf(control), true);
  view.setBigUint64(40, BigInt(control.length), true);
  return { header, iovec, data, control };
}

/** A message that carries descriptors with its first byte. */
export function outgoing(data: Uint8Array, fds: readonly number[]): FdMessage {
  if (fds.length === 0) return message(data, new Uint8Array(0));
  const length = CMSGHDR_SIZE + 4 * fds.length;
  const control = new Uint8Array((length + 7) & ~7);
  const view = new DataView(control.buffer);
  view.setBigUint64(0, BigInt(length), true);
  view.setInt32(8, SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  fds.forEach((fd, i) => {
    view.setInt32(CMSGHDR_SIZE + 4 * i, fd, true);
  });
  return message(data, control);
}

/** Room for a message of up to `size` bytes and {@link FDS_MAX} descriptors. */
export function incoming(size: number): FdMessage {
  return message(new Uint8Array(size), new Uint8Array(CONTROL_SIZE));
}

/** The descriptors that came with a received message; they are this process's now. */
export function receivedFds({ header, control }: FdMessage): number[] {
  const length = Number(new DataView(header.buffer).getBigUint64(40, true));
  if (length < CMSGHDR_SIZE) return [];
  const view = new DataView(control.buffer);
  if (view.getInt32(8, true) !== SOL_SOCKET || view.getInt32(12, true) !== SCM_RIGHTS) return [];
  const end = Math.min(Number(view.getBigUint64(0, true)), length);
  const fds: number[] = [];
  for (let offset = CMSGHDR_SIZE; offset + 4 <= end; offset += 4) fds.push(view.getInt32(offset, true));
  return fds;
}

/** Whether the kernel had to drop descriptors of a received message: too many, or none free in this process. */
export function isTruncated({ header }: FdMessage): boolean {
  return (new DataView(header.buffer).getInt32(48, true) & MSG_CTRUNC) !== 0;
}
