import type { ServerResponse } from 'node:http';
import { EtcdError, type WatchRequest, type WatchResponse } from '../../protocol/etcd/types.ts';
import type { Watch } from './client.ts';
import { decodeWatch } from './gateway-requests.ts';
import { encodeHeader, encodeWatchResponse } from './gateway-responses.ts';
import { field, fromInt64, type JsonObject, toInt64 } from './gateway-values.ts';
import type { Served } from './http-server.ts';

/** Bytes that may wait in a watcher's connection before its watch pauses and later goes on from the history. */
const MAX_WAITING = 4 * 1024 * 1024;
const NOT_FOUND = 5;

function startStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
}

function writeResult(response: ServerResponse, result: JsonObject): void {
  response.write(`${JSON.stringify({ result })}\n`);
}

/** One keepalive per request; an unknown lease answers without TTL. */
export async function serveKeepAlive(
  { store, client }: Served,
  request: JsonObject,
  response: ServerResponse,
): Promise<void> {
  const id = toInt64(field(request, 'ID'));
  const ttl = await client.leaseKeepAlive(id).catch((error: unknown) => {
    if (error instanceof EtcdError && error.code === NOT_FOUND) return 0n;
    throw error;
  });
  startStream(response);
  writeResult(response, { header: encodeHeader(store.header()), ID: fromInt64(id), TTL: fromInt64(ttl) });
  response.end();
}

/**
 * Streams a watch until its client goes. A client that reads slowly holds up nobody and misses nothing: its watch is
 * ended when too much waits for it, and opened again behind the last revision sent once that has drained.
 */
export async function serveWatch(
  { store, client }: Served,
  message: JsonObject,
  response: ServerResponse,
): Promise<void> {
  const request = decodeWatch(message);
  startStream(response);
  if (request === undefined) {
    response.end();
    return;
  }
  const stream = new WatchStream(response, store, (wanted, handler) => client.watch(wanted, handler));
  response.on('close', () => stream.stop());
  stream.open(request);
}

class WatchStream {
  readonly #response: ServerResponse;
  readonly #store: Served['store'];
  readonly #start: Served['client']['watch'];
  #watch: Watch | undefined;
  #created = false;
  #stopped = false;

  constructor(response: ServerResponse, store: Served['store'], start: Served['client']['watch']) {
    this.#response = response;
    this.#store = store;
    this.#start = start;
  }

  open(request: WatchRequest): void {
    let next = request.startRevision ?? 0n;
    this.#watch = this.#start(request, {
      onCreated: (revision) => {
        if (next === 0n) next = revision + 1n;
        if (this.#created) return;
        this.#send({ header: { ...this.#store.header(), revision }, events: [] }, true);
      },
      onResponse: (response) => {
        this.#send(response, !this.#created);
        next = response.header.revision + 1n;
        if (response.canceled !== true)
          this.#pauseIfSlow(() => this.open({ ...request, startRevision: next }));
      },
      onEnd: () => this.#response.end(),
    });
  }

  #send(response: WatchResponse, created: boolean): void {
    this.#created = true;
    writeResult(this.#response, encodeWatchResponse(response, created));
  }

  #pauseIfSlow(resume: () => void): void {
    if (this.#response.writableLength <= MAX_WAITING) return;
    this.#watch?.cancel();
    this.#response.once('drain', () => {
      if (!this.#stopped) resume();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#watch?.cancel();
  }
}
