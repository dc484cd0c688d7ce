import { errnoName, portError } from '../errors.ts';
import { int32, lastErrno, libc } from './libc.ts';

/** Options of sockets by level (asm-generic/socket.h, linux/in.h, linux/in6.h, linux/tcp.h). */
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const IPPROTO_IP = 0;
export const IP_TTL = 2;
export const IP_MINTTL = 21;
export const IPPROTO_TCP = 6;
export const TCP_MD5SIG = 14;
export const TCP_USER_TIMEOUT = 18;
export const TCP_SAVE_SYN = 27;
export const TCP_SAVED_SYN = 28;
export const TCP_MD5SIG_EXT = 32;
export const TCP_AO_ADD_KEY = 38;
export const TCP_AO_DEL_KEY = 39;
export const IPPROTO_IPV6 = 41;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_V6ONLY = 26;
export const IPV6_MINHOPCOUNT = 73;

/** What would help against an error, by its name. */
export type Hints = Readonly<Record<string, string>>;

/** Sets an option whose value is an int, or bytes. @throws PortError; `what` as in {@link portError}. */
export function setOption(
  fd: number,
  level: number,
  option: number,
  value: number | Uint8Array,
  what: string,
  hints: Hints = {},
): void {
  const bytes = typeof value === 'number' ? int32(value) : value;
  if (libc().setsockopt(fd, level, option, bytes, bytes.length) >= 0) return;
  const code = errnoName(lastErrno());
  throw portError(what, code, hints[code]);
}

/** Reads an option of up to `room` bytes; undefined where the socket does not have it. */
export function getOption(fd: number, level: number, option: number, room: number): Uint8Array | undefined {
  const value = new Uint8Array(room);
  const length = int32(room);
  if (libc().getsockopt(fd, level, option, value, length) < 0) return undefined;
  return value.subarray(0, new DataView(length.buffer).getInt32(0, true));
}

/** @throws PortError ENOTSUP elsewhere than on Linux. */
export function requireLinux(what: string): void {
  if (process.platform !== 'linux') throw portError(what, 'ENOTSUP', 'this needs Linux');
}
