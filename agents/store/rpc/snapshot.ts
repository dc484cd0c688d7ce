import { createHash } from 'node:crypto';
import type { SnapshotResponse } from '../../../protocol/etcd/api/maintenance.ts';
import type { StoreClient } from '../store.ts';
import { type Outgoing, toEtcdError } from './route.ts';

/** Octets of one message of a snapshot (etcd `v3rpc/maintenance.go`). */
const BLOB = 32 * 1024;

/** Sends a store's snapshot in blobs, each made when the ones before have been read, and the SHA-256 of all as the last. */
export class SnapshotSender {
  readonly #client: StoreClient;
  readonly #out: Outgoing<SnapshotResponse>;
  #started = false;
  #stopped = false;
  #resume: (() => void) | undefined;

  constructor(client: StoreClient, out: Outgoing<SnapshotResponse>) {
    this.#client = client;
    this.#out = out;
  }

  /** Begins; further requests of the same call are ignored. */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    try {
      const { size, pieces } = await this.#client.snapshot();
      const digest = createHash('sha256');
      let left = size;
      for await (const blob of inBlobs(pieces, BLOB)) {
        if (this.#stopped) return;
        digest.update(blob);
        left -= blob.length;
        if (!this.#out.send({ remainingBytes: BigInt(left), blob })) await this.#drain();
      }
      if (this.#stopped) return;
      this.#out.send({ remainingBytes: 0n, blob: digest.digest() });
      this.#out.end();
    } catch (error) {
      if (!this.#stopped) this.#out.end(toEtcdError(error));
    }
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  /** What was sent has been read. */
  drained(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  /** The caller is gone. */
  stop(): void {
    this.#stopped = true;
    this.drained();
  }
}

/** The same octets in parts of `size`; the last may be shorter. */
async function* inBlobs(pieces: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let blob = new Uint8Array(size);
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + size - filled);
      blob.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < size) continue;
      yield blob;
      blob = new Uint8Array(size);
      filled = 0;
    }
  }
  if (filled > 0) yield blob.subarray(0, filled);
}
