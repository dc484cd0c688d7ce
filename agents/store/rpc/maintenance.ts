import { createHash } from 'node:crypto';
import { maintenance, type SnapshotResponse } from '../../../protocol/etcd/api/maintenance.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';
import {
  answers,
  type Outgoing,
  opens,
  type Route,
  type Served,
  toEtcdError,
  unimplemented,
} from './route.ts';
import { ETCD_VERSION } from './version.ts';

const FAILED_PRECONDITION = 9;
/** Bytes of one message of a snapshot. */
const SNAPSHOT_BLOB = 32 * 1024;
/** etcdctl takes a checksum for one only behind a whole number of disk sectors. */
const SECTOR = 512;

/** Service Maintenance (etcd `server/etcdserver/api/v3rpc/maintenance.go`). */
export const MAINTENANCE_ROUTES: readonly Route[] = [
  answers(maintenance.alarm, async ({ client }, { action }) => {
    if (action !== 'GET') await client.requireRoot();
    if (action === 'ACTIVATE') throw unimplemented('raising an alarm');
    return { alarms: [] };
  }),
  answers(maintenance.status, async ({ client }) => {
    const { header, dbSize, dbSizeInUse, raftIndex, raftAppliedIndex } = await client.status();
    return {
      header,
      version: ETCD_VERSION,
      dbSize,
      dbSizeInUse,
      leader: header.memberId,
      raftIndex,
      raftTerm: header.raftTerm,
      raftAppliedIndex,
      errors: [],
      isLearner: false,
    };
  }),
  answers(maintenance.defragment, async ({ client }) => {
    await client.requireRoot();
    return {};
  }),
  answers(maintenance.hash, ({ client }) => client.hash()),
  answers(maintenance.hashKv, ({ client }, { revision }) => client.hashKv(revision)),
  answers(maintenance.moveLeader, async ({ client, store }, { targetId }) => {
    await client.requireRoot();
    const header = store.header();
    if (targetId !== header.memberId) {
      throw new EtcdError(FAILED_PRECONDITION, 'etcdserver: bad leader transferee');
    }
    return { header };
  }),
  answers(maintenance.downgrade, async () => {
    throw unimplemented('a downgrade');
  }),
  opens(maintenance.snapshot, (served, out) => {
    let sending: Snapshot | undefined;
    return {
      message: () => {
        sending = new Snapshot(served, out);
        void sending.start();
      },
      halfClosed: () => {},
      drained: () => sending?.send(),
      closed: () => sending?.stop(),
    };
  }),
];

/** Sends the store's snapshot in blobs, as fast as it is read, and the SHA-256 of all of them as the last. */
class Snapshot {
  readonly #served: Served;
  readonly #out: Outgoing<SnapshotResponse>;
  #bytes: Uint8Array = new Uint8Array(0);
  #sent = 0;
  #stopped = false;

  constructor(served: Served, out: Outgoing<SnapshotResponse>) {
    this.#served = served;
    this.#out = out;
  }

  async start(): Promise<void> {
    try {
      this.#bytes = padded(await this.#served.client.snapshot());
    } catch (error) {
      if (!this.#stopped) this.#out.end(toEtcdError(error));
      return;
    }
    this.send();
  }

  send(): void {
    while (!this.#stopped) {
      if (this.#sent === this.#bytes.length) {
        this.#finish();
        return;
      }
      const blob = this.#bytes.subarray(this.#sent, this.#sent + SNAPSHOT_BLOB);
      this.#sent += blob.length;
      if (!this.#out.send({ remainingBytes: BigInt(this.#bytes.length - this.#sent), blob })) return;
    }
  }

  #finish(): void {
    this.#stopped = true;
    const digest = createHash('sha256').update(this.#bytes).digest();
    this.#out.send({ remainingBytes: 0n, blob: digest });
    this.#out.end();
  }

  stop(): void {
    this.#stopped = true;
  }
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / SECTOR) * SECTOR);
  whole.set(bytes);
  return whole;
}
