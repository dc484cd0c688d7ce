import { Guard, type Identity } from '../../protocol/etcd/auth/guard.ts';
import { backupPieces } from '../../protocol/etcd/backup.ts';
import { type EtcdErrorName, etcdError } from '../../protocol/etcd/errors.ts';
import { type Snapshot, snapshotPieces } from '../../protocol/etcd/snapshot.ts';
import { crc32c } from '../../protocol/hash/crc32c.ts';
import type { Session } from './local-client.ts';
import { inSlices, itemsInSlices } from './slices.ts';
import type { StoreClient } from './store.ts';

/** etcd 3.4's Maintenance service answers with its inner texts, and without a code of its own. */
const INNER: Readonly<Record<number, EtcdErrorName>> = {
  3: 'maintenanceUserEmpty',
  7: 'maintenanceDenied',
  16: 'maintenanceInvalidToken',
};

/** The Maintenance service's part of a client. */
export function maintenance(
  session: Session,
): Pick<StoreClient, 'status' | 'hash' | 'hashKv' | 'snapshot' | 'requireRoot'> {
  const { engine } = session;
  const checkRoot = (): void => {
    try {
      const caller: Identity | undefined = session.identify();
      if (caller !== undefined) new Guard(engine.machine.auth, caller).root();
    } catch (error) {
      const inner = INNER[(error as { readonly code?: number }).code ?? 0];
      throw inner === undefined ? error : etcdError(inner);
    }
  };
  /** A read behind everything acknowledged so far. */
  const settle = (): Promise<unknown> => engine.request((draft) => ({ response: draft.header() }));
  return {
    requireRoot: async () => checkRoot(),
    status: async () => {
      const { machine } = engine;
      const size = BigInt(machine.bytes);
      const { index } = machine;
      const sizes = { dbSize: size, dbSizeInUse: size };
      return { header: session.header(), ...sizes, raftIndex: index, raftAppliedIndex: index };
    },
    hashKv: async (revision) => {
      checkRoot();
      await settle();
      engine.machine.checkHashRevision(revision);
      // Compactions go on in between, but what belongs to the hash is decided when it begins.
      return engine.trimmer.whenDone(async () => {
        const { machine } = engine;
        const { compactRevision } = machine;
        const hash = await inSlices(machine.hashKv(revision), engine.clock);
        return { header: session.header(), hash, compactRevision };
      });
    },
    hash: async () => {
      checkRoot();
      await settle();
      return engine.trimmer.whenDone(async () => {
        const { machine } = engine;
        const header = session.header();
        const history = machine.hashKv(0n);
        // What a snapshot has besides the history: leases, users and roles.
        const state = pieces({ ...machine.snapshot(), index: 0n });
        const seed = await inSlices(history, engine.clock);
        return { header, hash: await inSlices(checksum(state, seed), engine.clock) };
      });
    },
    snapshot: async () => {
      checkRoot();
      await settle();
      // As of now: what happens from here on is not in it, however slowly it is read.
      const backup = await engine.trimmer.whenDone(() => engine.machine.backup());
      const size = await inSlices(lengthOf(backupPieces(backup)), engine.clock);
      return { size, pieces: itemsInSlices(backupPieces(backup), engine.clock) };
    },
  };
}

/** Bytes of a snapshot that are made in one go. */
const PIECE = 4096;

function pieces(snapshot: Snapshot): Generator<Uint8Array> {
  return snapshotPieces(snapshot, PIECE);
}

function* checksum(bytes: Iterable<Uint8Array>, seed: number): Generator<void, number> {
  let crc = seed;
  for (const piece of bytes) {
    crc = crc32c(piece, crc);
    yield;
  }
  return crc;
}

function* lengthOf(bytes: Iterable<Uint8Array>): Generator<void, number> {
  let length = 0;
  for (const piece of bytes) {
    length += piece.length;
    yield;
  }
  return length;
}
