import { isMainThread } from 'node:worker_threads';
import { portError } from '../errors.ts';
import { type PollHandle, pollReadable } from './libc.ts';

/**
 * Readiness of file descriptors that Node does not know, in Node's own event loop: one uv_poll handle per descriptor
 * on the loop's epoll instance, so that no thread waits and waking up costs what a socket of Node's costs.
 */
export interface Poller {
  /**
   * Calls `onReadable` whenever the descriptor can be read (level-triggered: again in the next turn of the loop while
   * something is left), or has failed. The reader must read until EAGAIN or its own limit, and remove the descriptor
   * when reading tells it that the descriptor is dead. @throws PortError EEXIST where it is watched already.
   */
  add(fd: number, onReadable: () => void): void;
  /** Stops watching; `onReadable` is not called any more. Must come before the descriptor is closed. */
  remove(fd: number): void;
  /** Descriptors watched now. While there are any, they keep the process alive unless {@link unref} was called. */
  readonly size: number;
  /** Lets the process end while descriptors are still watched. */
  unref(): void;
  /** Stops watching all. Nothing can be added afterwards. */
  close(): void;
}

interface Entry {
  readonly onReadable: () => void;
  handle: PollHandle;
  ready: boolean;
  active: boolean;
  /** libuv stops a handle whose descriptor reports an error; it is started again after the reader has read. */
  failed: boolean;
}

/** A poller of its own; descriptors of different owners may as well share {@link sharedPoller}. */
export function createPoller(): Poller {
  return new LoopPoller();
}

let shared: Poller | undefined;

/** The process's poller, for those who were not given one. Without descriptors it keeps nothing alive. */
export function sharedPoller(): Poller {
  shared ??= new LoopPoller();
  return shared;
}

const open = new Set<LoopPoller>();
let hooked = false;

/**
 * koffi crashes a worker thread that ends with handles open, so the thread's end closes them. (Not even that happens
 * at `worker.terminate()`: ask a worker that polls to end, do not terminate it.)
 */
function closeAtExit(poller: LoopPoller): void {
  if (!hooked && !isMainThread) process.once('exit', closeAll);
  hooked = true;
  open.add(poller);
}

function closeAll(): void {
  for (const poller of open) poller.close();
}

class LoopPoller implements Poller {
  readonly #entries = new Map<number, Entry>();
  #ready: Entry[] = [];
  #closed = false;
  #referenced = true;

  get size(): number {
    return this.#entries.size;
  }

  add(fd: number, onReadable: () => void): void {
    if (this.#closed) throw portError(`watch file descriptor ${fd}: the poller is closed`, 'EBADF');
    if (this.#entries.has(fd)) throw portError(`watch file descriptor ${fd} twice`, 'EEXIST');
    closeAtExit(this);
    const entry = { onReadable, ready: false, active: true, failed: false } as Entry;
    entry.handle = pollReadable(fd, this.#callback(entry));
    if (!this.#referenced) entry.handle.unref();
    this.#entries.set(fd, entry);
  }

  remove(fd: number): void {
    const entry = this.#entries.get(fd);
    if (entry === undefined) return;
    this.#entries.delete(fd);
    entry.active = false;
    entry.handle.close();
  }

  unref(): void {
    this.#referenced = false;
    for (const { handle } of this.#entries.values()) handle.unref();
  }

  close(): void {
    this.#closed = true;
    for (const fd of [...this.#entries.keys()]) this.remove(fd);
    open.delete(this);
  }

  /**
   * libuv calls back outside of Node's callback scope, where promises and ticks would wait for the next timer and an
   * exception would be lost. So readiness is only noted, and served in the same turn of the loop by an immediate.
   */
  #callback(entry: Entry): (status: number) => void {
    return (status) => {
      if (status < 0) entry.failed = true;
      if (entry.ready) return;
      entry.ready = true;
      if (this.#ready.push(entry) === 1) setImmediate(this.#serve);
    };
  }

  readonly #serve = (): void => {
    const ready = this.#ready;
    this.#ready = [];
    let served = 0;
    try {
      for (; served < ready.length; served++) this.#serveOne(ready[served]!);
    } finally {
      // Where a reader threw, the others are still served, after the exception has gone its way.
      const rest = ready.slice(served + 1);
      if (rest.length > 0) {
        this.#ready = rest.concat(this.#ready);
        setImmediate(this.#serve);
      }
    }
  };

  #serveOne(entry: Entry): void {
    entry.ready = false;
    try {
      if (entry.active) entry.onReadable();
    } finally {
      if (entry.failed && entry.active) {
        entry.failed = false;
        entry.handle.start(this.#callback(entry));
      }
    }
  }
}
