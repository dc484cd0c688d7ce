import { etcdError, INVALID_ARGUMENT } from '../../protocol/etcd/errors.ts';
import type { EtcdStore } from '../../protocol/etcd/store.ts';
import { EtcdError, type WatchRequest, type WatchResponse } from '../../protocol/etcd/types.ts';
import type { WatchOutput } from '../../protocol/etcd/watch.ts';
import type { Clock, Log, Millis, Timer } from '../ports.ts';
import type { Watch, WatchHandler } from './client.ts';

/** Time between progress notifications to a watch that asked for them (etcd's --experimental-watch-progress-notify-interval). */
const PROGRESS_INTERVAL: Millis = 600_000;
/** Shorter intervals are raised to this, as in etcd. */
const MIN_PROGRESS_INTERVAL: Millis = 100;
/** History that is given to watches that lag behind before anything else gets its turn. */
const CATCH_UP_SLICE: Millis = 5;

/** A watch of the hub. */
export interface HubWatch extends Watch {
  /** Stops taking events for the watch. What is already on its way is still delivered. */
  suspend(): void;
  /** Goes on behind what was delivered, with the history of the meantime first. */
  resume(): void;
  /** Whether everything up to the current revision has been, or is about to be, delivered. */
  readonly synced: boolean;
}

class Running implements HubWatch {
  readonly #hub: WatchHub;
  readonly request: WatchRequest;
  readonly handler: WatchHandler;
  /** Number in the machine; undefined while suspended. */
  watchId: number | undefined;
  /** False once canceled or ended: nothing is delivered any more. */
  active = true;
  created = false;
  /** Had events since the last progress round. */
  busy = false;
  /** Where to go on. */
  next: bigint;

  constructor(hub: WatchHub, request: WatchRequest, handler: WatchHandler, next: bigint) {
    this.#hub = hub;
    this.request = request;
    this.handler = handler;
    this.next = next;
  }

  cancel(): void {
    this.#hub.remove(this);
  }

  suspend(): void {
    this.#hub.suspend(this);
  }

  resume(): void {
    this.#hub.resume(this);
  }

  get synced(): boolean {
    return this.#hub.progressOf(this) !== undefined;
  }
}

type Queued = { readonly watch: Running; readonly response: WatchResponse } | { readonly call: () => void };

/** The error that tells a watcher why the store ended its watch. */
export function watchEndError(response: WatchResponse): EtcdError {
  if ((response.compactRevision ?? 0n) > 0n) return etcdError('compacted');
  return new EtcdError(INVALID_ARGUMENT, response.cancelReason || 'watch canceled');
}

export interface WatchHubPorts {
  readonly clock: Clock;
  readonly log: Log | undefined;
  /** Time between progress notifications; default 10 minutes, 100 ms at least. */
  readonly progressInterval?: Millis | undefined;
}

/**
 * Joins the machine's watches to handlers. Handlers are called in a microtask of their own, never from inside the
 * call that changed the store or opened the watch; one that throws is logged and harms no other. Watches that lag behind get the
 * history in slices.
 */
export class WatchHub {
  #machine: EtcdStore;
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  readonly #progressInterval: Millis;
  /** By their number in the machine; suspended ones are only in `#suspended`. */
  readonly #running: Map<number, Running> = new Map();
  readonly #suspended: Set<Running> = new Set();
  readonly #lagging: Set<Running> = new Set();
  #queue: Queued[] = [];
  #catchUpTimer: Timer | undefined;
  #progressTimer: Timer | undefined;
  readonly #settled: Set<() => void> = new Set();

  constructor(machine: EtcdStore, { clock, log, progressInterval = PROGRESS_INTERVAL }: WatchHubPorts) {
    this.#machine = machine;
    this.#clock = clock;
    this.#log = log;
    this.#progressInterval = Math.max(MIN_PROGRESS_INTERVAL, progressInterval);
  }

  open(request: WatchRequest, handler: WatchHandler): HubWatch {
    const start = request.startRevision ?? 0n;
    const next = start === 0n ? this.#machine.revision + 1n : start;
    const watch = new Running(this, request, handler, next);
    this.#start(watch, this.#machine.watch(request));
    if (request.progressNotify === true) this.#armProgress();
    return watch;
  }

  #start(watch: Running, { watchId, outputs, synced }: ReturnType<EtcdStore['watch']>): void {
    watch.watchId = watchId;
    this.#running.set(watchId, watch);
    for (const response of outputs) this.#enqueue({ watch, response });
    if (!synced) this.#lag(watch);
  }

  #lag(watch: Running): void {
    this.#lagging.add(watch);
    this.#catchUpTimer ??= this.#clock.setTimer(0, () => this.#catchUp());
  }

  /** Gives those that lag behind some more of the history, in turn. */
  #catchUp(): void {
    this.#catchUpTimer = undefined;
    const end = this.#clock.now() + CATCH_UP_SLICE;
    for (const watch of this.#lagging) {
      this.#lagging.delete(watch);
      if (watch.watchId === undefined) continue;
      const { outputs, synced } = this.#machine.catchUpWatch(watch.watchId);
      for (const response of outputs) this.#enqueue({ watch, response });
      if (!synced) this.#lagging.add(watch);
      if (this.#clock.now() >= end) break;
    }
    if (this.#lagging.size > 0) this.#catchUpTimer = this.#clock.setTimer(0, () => this.#catchUp());
    this.#notifySettled();
  }

  suspend(watch: Running): void {
    if (!watch.active || watch.watchId === undefined) return;
    // In sync: everything up to now is on its way, whether or not there were events in it.
    if (this.progressOf(watch) !== undefined) watch.next = this.#machine.revision + 1n;
    this.#leave(watch);
    this.#suspended.add(watch);
  }

  resume(watch: Running): void {
    if (!watch.active || !this.#suspended.delete(watch)) return;
    const resumed = this.#machine.watch({ ...watch.request, startRevision: watch.next });
    // The first response says that it exists, which has been said.
    this.#start(watch, { ...resumed, outputs: resumed.outputs.slice(1) });
  }

  #leave(watch: Running): void {
    this.#lagging.delete(watch);
    this.#suspended.delete(watch);
    if (watch.watchId === undefined) return;
    this.#running.delete(watch.watchId);
    this.#machine.cancelWatch(watch.watchId);
    watch.watchId = undefined;
  }

  /** Passes on what the machine gave out for its watches. */
  deliver(outputs: readonly WatchOutput[]): void {
    for (const { watchId, response } of outputs) {
      const watch = this.#running.get(watchId);
      if (watch !== undefined) this.#enqueue({ watch, response });
    }
    // A watch that begins in the future may just have come to its beginning, without any event.
    if (this.#settled.size > 0) this.behind(() => {});
  }

  /** Calls behind everything that is on its way now, with the current revision. */
  behind(call: (revision: bigint) => void): void {
    const { revision } = this.#machine;
    this.#enqueue({ call: () => call(revision) });
  }

  /** Calls whenever watches may have come in sync, until the result is called. */
  onSettled(call: () => void): () => void {
    this.#settled.add(call);
    return () => this.#settled.delete(call);
  }

  #notifySettled(): void {
    for (const call of this.#settled) call();
  }

  #enqueue(queued: Queued): void {
    if ('response' in queued && queued.response.events.length > 0) {
      queued.watch.next = queued.response.header.revision + 1n;
    }
    if (this.#queue.length === 0) queueMicrotask(() => this.#flush());
    this.#queue.push(queued);
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const queued of queue) {
      if ('call' in queued) queued.call();
      else if (queued.watch.active) this.#call(queued.watch, () => this.#tell(queued.watch, queued.response));
    }
    if (this.#settled.size > 0) this.#notifySettled();
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

  remove(watch: Running): void {
    watch.active = false;
    this.#leave(watch);
  }

  #end(watch: Running, error: EtcdError): void {
    if (!watch.active) return;
    this.remove(watch);
    watch.handler.onEnd(error);
  }

  #all(): Running[] {
    return [...this.#running.values(), ...this.#suspended];
  }

  /** Ends every watch, telling the handlers why. */
  endAll(error: EtcdError): void {
    for (const watch of this.#all()) this.#call(watch, () => this.#end(watch, error));
    this.#progressTimer?.cancel();
    this.#progressTimer = undefined;
    this.#catchUpTimer?.cancel();
    this.#catchUpTimer = undefined;
  }

  /** Goes on with another machine: watches of the old one end as if their history had been compacted. */
  replaceMachine(machine: EtcdStore): void {
    const { compactRevision } = machine;
    for (const watch of this.#all()) {
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

  /** A progress notification for a watch that is in sync, else undefined. */
  progressOf(watch: Running): WatchResponse | undefined {
    return watch.watchId === undefined ? undefined : this.#machine.watchProgress(watch.watchId);
  }

  #armProgress(): void {
    this.#progressTimer ??= this.#clock.setTimer(this.#progressInterval, () => {
      this.#progressTimer = undefined;
      this.#notifyProgress();
    });
  }

  #notifyProgress(): void {
    let wanted = false;
    for (const watch of this.#all()) {
      if (watch.request.progressNotify !== true) continue;
      wanted = true;
      const response = watch.busy ? undefined : this.progressOf(watch);
      watch.busy = false;
      if (response !== undefined) this.#enqueue({ watch, response });
    }
    if (wanted) this.#armProgress();
  }
}
