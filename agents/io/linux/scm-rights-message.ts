import { CMSGHDR_SIZE, controlMessages, type Msghdr, msghdr, receivedFlags } from './msghdr.ts';

// Messages of sendmsg and recvmsg with file descriptors (unix(7)): one control message with 4 bytes for each.

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;

/** Descriptors in one message; the kernel allows 253. */
export const FDS_MAX = 64;
const CONTROL_SIZE = CMSGHDR_SIZE + 4 * FDS_MAX;

/** A message that carries descriptors with its first byte. */
export function outgoing(data: Uint8Array, fds: readonly number[]): Msghdr {
  if (fds.length === 0) return msghdr(data, new Uint8Array(0));
  const length = CMSGHDR_SIZE + 4 * fds.length;
  const control = new Uint8Array((length + 7) & ~7);
  const view = new DataView(control.buffer);
  view.setBigUint64(0, BigInt(length), true);
  view.setInt32(8, SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  fds.forEach((fd, i) => {
    view.setInt32(CMSGHDR_SIZE + 4 * i, fd, true);
  });
  return msghdr(data, control);
}

/** Room for a message of up to `size` bytes and {@link FDS_MAX} descriptors. */
export function incoming(size: number): Msghdr {
  return msghdr(new Uint8Array(size), new Uint8Array(CONTROL_SIZE));
}

/** The descriptors that came with a received message; they are this process's now. */
export function receivedFds(message: Msghdr): number[] {
  return controlMessages(message).flatMap(({ level, type, data }) =>
    level === SOL_SOCKET && type === SCM_RIGHTS
      ? Array.from({ length: data.byteLength >> 2 }, (_, i) => data.getInt32(4 * i, true))
      : [],
  );
}

/** Whether the kernel had to drop descriptors of a received message: too many, or none free in this process. */
export function isTruncated(message: Msghdr): boolean {
  return (receivedFlags(message) & MSG_CTRUNC) !== 0;
}
