import { etcdError, INVALID_ARGUMENT } from '../../protocol/etcd/errors.ts';
import type { EtcdStore } from '../../protocol/etcd/store.ts';
import { EtcdError, type WatchRequest, type WatchResponse } from '../../protocol/etcd/types.ts';
import type { WatchOutput } from '../../protocol/etcd/watch.ts';
import type { Clock, Log, Timer } from '../ports.ts';
import type { Watch, WatchHandler } from './client.ts';

/** Time between progress notifications to a watch that asked for them (etcd's --experimental-watch-progress-notify-interval). */
const PROGRESS_INTERVAL = 600_000;

interface Running {
  readonly watchId: number;
  readonly handler: WatchHandler;
  readonly progressNotify: boolean;
  /** False once canceled or ended: nothing is delivered any more. */
  active: boolean;
  created: boolean;
  /** Had events since the last progress round. */
  busy: boolean;
}

/** The error that tells a watcher why the store ended its watch. */
export function watchEndError(response: WatchResponse): EtcdError {
  if ((response.compactRevision ?? 0n) > 0n) return etcdError('compacted');
  return new EtcdError(INVALID_ARGUMENT, response.cancelReason || 'watch canceled');
}

/**
 * Joins the machine's watches to handlers. Handlers are called in a microtask of their own, never from inside the
 * call that changed the store or opened the watch; one that throws is logged and harms no other.
 */
export class WatchHub {
  #machine: EtcdStore;
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  readonly #running: Map<number, Running> = new Map();
  #queue: { readonly watch: Running; readonly response: WatchResponse }[] = [];
  #progressTimer: Timer | undefined;

  constructor(machine: EtcdStore, clock: Clock, log: Log | undefined) {
    this.#machine = machine;
    this.#clock = clock;
    this.#log = log;
  }

  open(request: WatchRequest, handler: WatchHandler): Watch {
    const { watchId, outputs } = this.#machine.watch(request);
    const progressNotify = request.progressNotify === true;
    const watch: Running = { watchId, handler, progressNotify, active: true, created: false, busy: false };
    this.#running.set(watchId, watch);
    for (const response of outputs) this.#enqueue(watch, response);
    if (progressNotify) this.#armProgress();
    return { cancel: () => this.#remove(watch) };
  }

  /** Passes on what the machine gave out for its watches. */
  deliver(outputs: readonly WatchOutput[]): void {
    for (const { watchId, response } of outputs) {
      const watch = this.#running.get(watchId);
      if (watch !== undefined) this.#enqueue(watch, response);
    }
  }

  #enqueue(watch: Running, response: WatchResponse): void {
    if (this.#queue.length === 0) queueMicrotask(() => this.#flush());
    this.#queue.push({ watch, response });
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const { watch, response } of queue) {
      if (watch.active) this.#call(watch, () => this.#tell(watch, response));
    }
  }

  #tell(watch: Running, response: WatchResponse): void {
    if (response.canceled === true) {
      watch.handler.onResponse(response);
      this.#end(watch, watchEndError(response));
    } else if (watch.created) {
      watch.busy = true;
      watch.handler.onResponse(response);
    } else {
      watch.created = true;
      watch.handler.onCreated?.(response.header.revision);
    }
  }

  #call(watch: Running, handler: () => void): void {
    try {
      handler();
    } catch (error) {
      this.#log?.error({ err: error, watchId: watch.watchId }, 'a watch handler failed');
    }
  }

  #remove(watch: Running): void {
    watch.active = false;
    this.#running.delete(watch.watchId);
    this.#machine.cancelWatch(watch.watchId);
  }

  #end(watch: Running, error: EtcdError): void {
    if (!watch.active) return;
    this.#remove(watch);
    watch.handler.onEnd(error);
  }

  /** Ends every watch, telling the handlers why. */
  endAll(error: EtcdError): void {
    for (const watch of [...this.#running.values()]) this.#call(watch, () => this.#end(watch, error));
    this.#progressTimer?.cancel();
    this.#progressTimer = undefined;
  }

  /** Goes on with another machine: watches of the old one end as if their history had been compacted. */
  replaceMachine(machine: EtcdStore): void {
    const { compactRevision } = machine;
    for (const watch of [...this.#running.values()]) {
      const response: WatchResponse = {
        header: machine.header(),
        events: [],
        canceled: true,
        compactRevision,
      };
      this.#call(watch, () => {
        watch.handler.onResponse(response);
        this.#end(watch, etcdError('compacted'));
      });
    }
    this.#machine = machine;
  }

  #armProgress(): void {
    this.#progressTimer ??= this.#clock.setTimer(PROGRESS_INTERVAL, () => {
      this.#progressTimer = undefined;
      this.#notifyProgress();
    });
  }

  #notifyProgress(): void {
    let wanted = false;
    for (const watch of this.#running.values()) {
      if (!watch.progressNotify) continue;
      wanted = true;
      const response = watch.busy ? undefined : this.#machine.watchProgress(watch.watchId);
      watch.busy = false;
      if (response !== undefined) this.#enqueue(watch, response);
    }
    if (wanted) this.#armProgress();
  }
}
