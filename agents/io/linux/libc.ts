import { createRequire } from 'node:module';
import type Koffi from 'koffi';
import type { PortError } from '../../ports.ts';
import { errnoName, portError } from '../errors.ts';

/**
 * The calls of the C library that Node lacks. Numbers of flags and requests in this folder are those of the generic
 * Linux ABI (x86-64, arm64, riscv64), and so is the byte order: little-endian.
 *
 * Every call returns as in C, with -1 for failure; {@link lastErrno} has the cause until the next call.
 */
export interface Libc {
  open(path: string, flags: number): number;
  close(fd: number): number;
  read(fd: number, buffer: Uint8Array, length: number): number;
  write(fd: number, bytes: Uint8Array, length: number): number;
  /** The argument is a struct of at least the size that the request demands. */
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: null, length: null, flags: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  /** `length` is an int: the size of `value`, and then what was written. */
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(fd: number, buffer: Uint8Array, length: number, flags: number): number;
  sendto(
    fd: number,
    bytes: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  sendmsg(fd: number, header: Uint8Array, flags: number): number;
  recvmsg(fd: number, header: Uint8Array, flags: number): number;
  unshare(flags: number): number;
  setns(fd: number, kind: number): number;
  sethostname(name: string, length: number): number;
  /** `address` must be that of a page. */
  madvise(address: bigint, length: number, advice: number): number;
  /** Of glibc; absent elsewhere. */
  readonly mallopt: ((parameter: number, value: number) => number) | undefined;
}

type NativeKoffi = typeof Koffi;

let loaded: { readonly koffi: NativeKoffi; readonly libc: Libc } | undefined;

/** koffi's native library is loaded by the first call: other platforms, and labs without Linux pods, never load it. */
function load(): { readonly koffi: NativeKoffi; readonly libc: Libc } {
  if (loaded !== undefined) return loaded;
  if (process.platform !== 'linux') throw portError('call the Linux C library', 'ENOSYS', 'this needs Linux');
  const koffi = createRequire(import.meta.url)('koffi') as NativeKoffi;
  // The process's own symbols: its C library, be it glibc or musl.
  const library = koffi.load(null);
  const libc = {
    open: library.func('int open(const char *path, int flags)'),
    close: library.func('int close(int fd)'),
    read: library.func('long read(int fd, void *buffer, size_t length)'),
    write: library.func('long write(int fd, const void *bytes, size_t length)'),
    ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)'),
    socket: library.func('int socket(int family, int type, int protocol)'),
    bind: library.func('int bind(int fd, const void *address, unsigned int length)'),
    listen: library.func('int listen(int fd, int backlog)'),
    accept4: library.func('int accept4(int fd, void *address, void *length, int flags)'),
    connect: library.func('int connect(int fd, const void *address, unsigned int length)'),
    setsockopt: library.func(
      'int setsockopt(int fd, int level, int option, const void *value, unsigned int length)',
    ),
    getsockopt: library.func('int getsockopt(int fd, int level, int option, void *value, void *length)'),
    send: library.func('long send(int fd, const void *bytes, size_t length, int flags)'),
    recv: library.func('long recv(int fd, void *buffer, size_t length, int flags)'),
    sendto: library.func(
      'long sendto(int fd, const void *bytes, size_t length, int flags, const void *to, unsigned int size)',
    ),
    sendmsg: library.func('long sendmsg(int fd, const void *header, int flags)'),
    recvmsg: library.func('long recvmsg(int fd, void *header, int flags)'),
    unshare: library.func('int unshare(int flags)'),
    setns: library.func('int setns(int fd, int kind)'),
    sethostname: library.func('int sethostname(const char *name, size_t length)'),
    madvise: library.func('int madvise(uintptr_t address, size_t length, int advice)'),
    mallopt: optional(() => library.func('int mallopt(int parameter, int value)')),
  };
  loaded = { koffi, libc };
  return loaded;
}

/** A call that not every C library has. */
function optional<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}

/** The C library. @throws PortError ENOSYS elsewhere than on Linux. */
export function libc(): Libc {
  return load().libc;
}

/** errno of the last failed call, as a number. Read it before any other call. */
export function lastErrno(): number {
  return load().koffi.errno();
}

/** The error for the last failed call; `what` as in {@link portError}. */
export function lastError(what: string, hint?: string): PortError {
  return portError(what, errnoName(lastErrno()), hint);
}

/** Returns a call's result where it is not negative. @throws PortError otherwise. */
export function check(result: number, what: string, hint?: string): number {
  if (result < 0) throw lastError(what, hint);
  return result;
}

/** Address in memory of a buffer's first byte, for structs that hold pointers. The caller keeps the buffer alive. */
export function addressOf(buffer: Uint8Array): bigint {
  return load().koffi.address(buffer);
}

/**
 * Closes a descriptor in libuv's pool: for those whose close takes long (a TAP's waits some 20 ms for the kernel to
 * forget the interface). Nobody may use the descriptor from now on.
 */
export function closeInBackground(fd: number): void {
  const close = load().libc.close as unknown as { async(fd: number, done: () => void): void };
  close.async(fd, () => undefined);
}

/** A poll handle of Node's event loop on one file descriptor. */
export interface PollHandle {
  /** Begins again after an error on the descriptor has stopped it. */
  start(callback: (status: number) => void): void;
  close(): void;
  ref(): void;
  unref(): void;
}

/**
 * Watches a descriptor for reading in Node's own loop (libuv's uv_poll). The callback runs outside of Node's callback
 * scope; its status is negative where the descriptor reports an error, and the handle has stopped then.
 */
export function pollReadable(fd: number, callback: (status: number) => void): PollHandle {
  // koffi's types leave out the status that comes before the events.
  const poll = load().koffi.node.poll as unknown as (fd: number, callback: unknown) => PollHandle;
  return poll(fd, callback);
}

/** EAGAIN: nothing to read, or no room to write. */
export const EAGAIN = 11;
/** EINTR: a signal came first; call again. */
export const EINTR = 4;

/** An int as the C library wants it by reference, e.g. for setsockopt. */
export function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}
