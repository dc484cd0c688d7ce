import type { Identity } from '../../protocol/etcd/auth/guard.ts';
import { Guard } from '../../protocol/etcd/auth/guard.ts';
import { maxMessageBytes } from '../../protocol/etcd/check.ts';
import { CANCELED, ETCD_ERRORS } from '../../protocol/etcd/errors.ts';
import { eventSize, fragments } from '../../protocol/etcd/fragment.ts';
import { interval, isEmpty } from '../../protocol/etcd/keys.ts';
import type { EtcdStore } from '../../protocol/etcd/store.ts';
import type { ResponseHeader, WatchEvent, WatchResponse } from '../../protocol/etcd/types.ts';
import { EMPTY_RANGE_REASON } from '../../protocol/etcd/watch.ts';
import type { WatchCreate, WatchStream, WatchStreamHandler, WatchStreamResponse } from './store.ts';
import type { HubWatch, WatchHub } from './watch-hub.ts';

/** Number of no watch: of one that was refused, and of the answer to a progress request. */
const NO_WATCH = -1n;
const DUPLICATE_ID_REASON = 'mvcc: duplicate watch ID provided on the WatchStream';
/** etcd gives the whole text of a gRPC status here. */
const DENIED_REASON = `rpc error: code = PermissionDenied desc = ${ETCD_ERRORS.permissionDenied[1]}`;

/** What may wait for a paused stream: bytes of events. Beyond, its watches go on from the history later. */
const MAX_WAITING: number = 4 * 1024 * 1024;

export interface WatchStreamPorts {
  readonly hub: WatchHub;
  /** The store as of now. */
  readonly machine: () => EtcdStore;
  /** Who opens watches; undefined: the store's own process. Throws EtcdError where its token is not good. */
  readonly identify: () => Identity | undefined;
  readonly handler: WatchStreamHandler;
  /** Called when the stream is over. */
  readonly onClose: (stream: WatchStream) => void;
}

/** See {@link WatchStream}. */
export class LocalWatchStream implements WatchStream {
  readonly #ports: WatchStreamPorts;
  readonly #watches: Map<bigint, HubWatch> = new Map();
  #nextId = 0n;
  #paused = false;
  #waiting: WatchStreamResponse[] = [];
  #waitingBytes = 0;
  #suspended = false;
  /** A progress request has no answer yet; the function ends waiting for watches to come in sync. */
  #progressWanted: (() => void) | undefined;
  #closed = false;

  constructor(ports: WatchStreamPorts) {
    this.#ports = ports;
  }

  create(request: WatchCreate): void {
    if (this.#closed) return;
    const { hub, machine } = this.#ports;
    const reason = this.#refusal(request);
    if (reason !== undefined) {
      const header = machine().header();
      const refused = { watchId: NO_WATCH, created: true, canceled: true, cancelReason: reason };
      hub.behind(() => this.#emit(header, refused));
      return;
    }
    const watchId = this.#takeId(request.watchId ?? 0n);
    const watch = hub.open(request, {
      onCreated: (revision) => this.#emit({ ...machine().header(), revision }, { watchId, created: true }),
      onResponse: (response) => this.#pass(watchId, response, request.fragment === true),
      onEnd: (error) => {
        // As in etcd, a watch that the store ended keeps its number until the client cancels it.
        if (this.#watches.has(watchId)) this.#watches.set(watchId, ENDED);
        if (machineIsGone(error)) this.end(error);
      },
    });
    this.#watches.set(watchId, watch);
    if (this.#suspended) watch.suspend();
  }

  /** Why a watch cannot be opened, if so. */
  #refusal(request: WatchCreate): string | undefined {
    const key = request.key.length === 0 ? FIRST_KEY : request.key;
    if (!this.#isPermitted({ ...request, key })) return DENIED_REASON;
    if (isEmpty(interval(key, request.rangeEnd))) return EMPTY_RANGE_REASON;
    const wanted = request.watchId ?? 0n;
    return wanted !== 0n && this.#watches.has(wanted) ? DUPLICATE_ID_REASON : undefined;
  }

  #isPermitted(request: WatchCreate): boolean {
    try {
      const caller = this.#ports.identify();
      if (caller !== undefined) new Guard(this.#ports.machine().auth, caller).range(request);
      return true;
    } catch {
      return false;
    }
  }

  #takeId(wanted: bigint): bigint {
    if (wanted !== 0n) return wanted;
    while (this.#watches.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  /** What the store gives one watch. */
  #pass(watchId: bigint, response: WatchResponse, fragment: boolean): void {
    const { header, events, canceled = false, compactRevision = 0n, cancelReason = '' } = response;
    // As etcd: what is larger than a request may be.
    const parts = fragment ? fragments(events, maxMessageBytes(this.#ports.machine().limits)) : [events];
    parts.forEach((part, i) => {
      const more = i < parts.length - 1;
      this.#emit(header, {
        watchId,
        canceled,
        compactRevision,
        cancelReason,
        fragment: more,
        events: part,
      });
    });
  }

  #emit(header: ResponseHeader, parts: Partial<WatchStreamResponse> & { readonly watchId: bigint }): void {
    if (this.#closed) return;
    const response: WatchStreamResponse = { ...NOTHING, header, ...parts };
    if (!this.#paused && this.#waiting.length === 0) {
      this.#ports.handler.onResponse(response);
      return;
    }
    this.#waiting.push(response);
    this.#waitingBytes += sizeOf(response.events);
    if (this.#waitingBytes > MAX_WAITING && !this.#suspended) this.#suspend();
  }

  #suspend(): void {
    this.#suspended = true;
    for (const watch of this.#watches.values()) watch.suspend();
  }

  cancel(watchId: bigint): void {
    const watch = this.#watches.get(watchId);
    if (watch === undefined) return;
    this.#watches.delete(watchId);
    watch.cancel();
    const header = this.#ports.machine().header();
    this.#ports.hub.behind(() => this.#emit(header, { watchId, canceled: true }));
  }

  requestProgress(): void {
    if (this.#closed || this.#progressWanted !== undefined || this.#answerProgress()) return;
    this.#progressWanted = this.#ports.hub.onSettled(() => {
      if (this.#answerProgress()) this.#forgetProgress();
    });
  }

  #forgetProgress(): void {
    this.#progressWanted?.();
    this.#progressWanted = undefined;
  }

  /** False: not every watch has been given everything. */
  #answerProgress(): boolean {
    for (const watch of this.#watches.values()) if (!watch.synced) return false;
    const { hub, machine } = this.#ports;
    hub.behind((revision) => this.#emit({ ...machine().header(), revision }, { watchId: NO_WATCH }));
    return true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    let given = 0;
    while (!this.#paused && given < this.#waiting.length) {
      const response = this.#waiting[given++]!;
      this.#waitingBytes -= sizeOf(response.events);
      this.#ports.handler.onResponse(response);
    }
    this.#waiting = this.#waiting.slice(given);
    if (this.#paused || !this.#suspended) return;
    this.#suspended = false;
    for (const watch of this.#watches.values()) watch.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forgetProgress();
    for (const watch of this.#watches.values()) watch.cancel();
    this.#watches.clear();
    this.#waiting = [];
    this.#ports.onClose(this);
  }

  /** Ends all watches and says why. */
  end(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#ports.handler.onEnd(error);
  }
}

const ENDED: HubWatch = { cancel: () => {}, suspend: () => {}, resume: () => {}, synced: true };

const FIRST_KEY = new Uint8Array([0]);

const NOTHING: Omit<WatchStreamResponse, 'header'> = {
  watchId: NO_WATCH,
  created: false,
  canceled: false,
  compactRevision: 0n,
  cancelReason: '',
  fragment: false,
  events: [],
};

/** A response without events takes something, too. */
const RESPONSE_SIZE = 64;

function sizeOf(events: readonly WatchEvent[]): number {
  let size = RESPONSE_SIZE;
  for (const event of events) size += eventSize(event);
  return size;
}

/** Whether a watch ended because the store did, and not for a reason of its own, which its last response has told. */
function machineIsGone(error: Error): boolean {
  return (error as { readonly code?: number }).code === CANCELED;
}
