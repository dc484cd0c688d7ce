import { access, closeSync, openSync } from 'node:fs';
import { portErrorFrom } from '../errors.ts';
import { check, libc } from './libc.ts';

const CLONE_NEWUTS = 0x04000000;
const CLONE_NEWNET = 0x40000000;

/** A kind of namespace: its file below /proc/PID/ns, and its flag for unshare and setns. */
interface Kind {
  readonly file: 'net' | 'uts';
  readonly flag: number;
  readonly text: string;
}

const NET: Kind = { file: 'net', flag: CLONE_NEWNET, text: 'network namespace' };
const UTS: Kind = { file: 'uts', flag: CLONE_NEWUTS, text: 'UTS namespace' };

/**
 * A namespace without a name, held by a file descriptor only: no bind mount, so that it is gone with the last process
 * that uses it, however that ends.
 */
export interface Namespace {
  readonly fd: number;
  /** `/proc/PID/fd/N`: where other processes (nsenter, `podwire exec`) find it while this process lives. */
  readonly path: string;
  /** Gives it up; sockets, interfaces and processes inside keep it alive until they end. Twice does nothing. */
  close(): void;
}

/** A network namespace ({@link Namespace}). */
export type Netns = Namespace;

/**
 * A new network namespace, empty but for a `lo` that is down. The calling thread comes back to its own.
 * @throws PortError EPERM without CAP_SYS_ADMIN.
 */
export function createNetns(): Netns {
  return create(NET, () => undefined);
}

/** A new UTS namespace in which the host has this name. @throws PortError EPERM without CAP_SYS_ADMIN. */
export function createUtsNamespace(hostname: string): Namespace {
  return create(UTS, () => {
    check(libc().sethostname(hostname, Buffer.byteLength(hostname)), `set host name ${hostname}`);
  });
}

/**
 * Runs `fn` with the calling thread inside a network namespace, and comes back also when it throws. What is made
 * synchronously inside belongs to the namespace for good: sockets of libc calls, TAPs, `fs` access to /proc/sys/net,
 * child processes. What Node makes later does not: `net.Server.listen` and `dgram.bind` with an address, `fetch`, any
 * promise or callback of `fn` run outside; make the socket by libc calls inside and let Node adopt its descriptor.
 *
 * @throws PortError where the namespace cannot be entered, TypeError where `fn` is asynchronous.
 */
export function withNetns<T>(netns: Pick<Netns, 'fd'>, fn: () => T): T {
  return inside(NET, netns.fd, fn);
}

/** As {@link withNetns}, with the namespaces at paths such as {@link Namespace.path} or `/proc/PID/ns/net`. */
export function withNamespaces<T>(
  paths: { readonly net: string; readonly uts?: string | undefined },
  fn: () => T,
): T {
  const { net, uts } = paths;
  return atPath(NET, net, () => (uts === undefined ? fn() : atPath(UTS, uts, fn)));
}

/**
 * Moves the calling thread into a network namespace for good. Call it first thing in a process: threads that exist
 * already (libuv's pool for file access and name look-ups) stay where they were; those started later follow.
 * @throws PortError where the path is no network namespace or may not be entered.
 */
export function enterNetns(path: string): void {
  const fd = openNamespace(NET, path);
  try {
    enter(NET, fd, path);
  } finally {
    closeSync(fd);
  }
}

function create(kind: Kind, prepare: () => void): Namespace {
  startThreadPool();
  const home = openNamespace(kind, `/proc/thread-self/ns/${kind.file}`);
  let fd: number;
  try {
    check(libc().unshare(kind.flag), `create a ${kind.text}`, 'this needs root (CAP_SYS_ADMIN)');
    try {
      prepare();
      fd = openNamespace(kind, `/proc/thread-self/ns/${kind.file}`);
    } finally {
      comeBack(kind, home);
    }
  } finally {
    closeSync(home);
  }
  let open = true;
  return {
    fd,
    path: `/proc/${process.pid}/fd/${fd}`,
    close: () => {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

function atPath<T>(kind: Kind, path: string, fn: () => T): T {
  const fd = openNamespace(kind, path);
  try {
    return inside(kind, fd, fn);
  } finally {
    closeSync(fd);
  }
}

function inside<T>(kind: Kind, fd: number, fn: () => T): T {
  startThreadPool();
  const home = openNamespace(kind, `/proc/thread-self/ns/${kind.file}`);
  try {
    enter(kind, fd, `/proc/self/fd/${fd}`);
    try {
      return refusePromise(fn());
    } finally {
      comeBack(kind, home);
    }
  } finally {
    closeSync(home);
  }
}

function openNamespace(kind: Kind, path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw portErrorFrom(`open ${kind.text} ${path}`, error);
  }
}

function enter(kind: Kind, fd: number, path: string): void {
  check(libc().setns(fd, kind.flag), `enter ${kind.text} ${path}`);
}

/** A thread that cannot come back would go on in a pod's network unnoticed: nothing sane can follow. */
function comeBack(kind: Kind, home: number): void {
  if (libc().setns(home, kind.flag) === 0) return;
  console.error(`podwire: cannot return to its own ${kind.text}: stopped`);
  process.abort();
}

function refusePromise<T>(result: T): T {
  if (typeof (result as { then?: unknown } | undefined)?.then === 'function') {
    throw new TypeError('a function run inside a namespace must be synchronous: it returned a promise');
  }
  return result;
}

let threadPoolStarted = false;

/**
 * libuv starts all its pool threads at the first use of the pool, and a thread inherits the namespace of the one that
 * starts it. Used first inside a namespace, the pool would stay there and keep the namespace alive.
 */
function startThreadPool(): void {
  if (threadPoolStarted) return;
  threadPoolStarted = true;
  access('/', () => undefined);
}
