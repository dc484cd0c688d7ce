import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../../protocol/bytes/concat.ts';
import type { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { addRole, addUser, grantRole } from '../../../protocol/etcd/auth/requests.ts';
import { backupPieces, MAGIC } from '../../../protocol/etcd/backup.ts';
import { BackupReader } from '../../../protocol/etcd/backup-reader.ts';
import type { EtcdStore } from '../../../protocol/etcd/store.ts';
import { b, commit, del, everything, full, hashOf, newStore, put } from './helpers.ts';

/** A store with history on both sides of a compaction, leases with keys and without, users and roles. */
function story(): EtcdStore {
  const store = newStore();
  commit(store, (draft) => draft.grant(7n, 100n));
  commit(store, (draft) => draft.grant(-8n, 200n));
  for (let i = 0; i < 30; i++) put(store, `k${i % 5}`, `value ${i}`, i % 3 === 0 ? 7n : 0n);
  del(store, 'k1');
  commit(store, (draft) => draft.compact(store.revision));
  while (store.trim(100));
  put(store, 'k1', 'again');
  commit(store, (draft) =>
    draft.txn({
      compare: [],
      success: [
        { kind: 'put', request: { key: b('t'), value: new Uint8Array(10_000).fill(3), lease: 7n } },
        { kind: 'deleteRange', request: { key: b('k2') } },
      ],
      failure: [],
    }),
  );
  commit(store, (draft) =>
    draft.changeAuth((state) => addUser(state, { name: 'u', passwordHash: 'h', noPassword: false })),
  );
  commit(store, (draft) => draft.changeAuth((state) => addRole(state, 'r')));
  commit(store, (draft) => draft.changeAuth((state) => grantRole(state, 'u', 'r')));
  del(store, 'k3');
  return store;
}

function fileOf(store: EtcdStore): Uint8Array {
  const body = concatBytes([...backupPieces(store.backup())]);
  return concatBytes([body, new Uint8Array(createHash('sha256').update(body).digest())]);
}

function restored(file: Uint8Array, chunk = file.length): EtcdStore {
  const reader = new BackupReader('FILE');
  for (let at = 0; at < file.length; at += chunk) reader.push(file.slice(at, at + chunk));
  const { backup, digest } = reader.end();
  expect(digest).toEqual(file.slice(-32));
  expect(reader.digestAt).toBe(file.length - 32);
  const store = newStore();
  store.restoreBackup(backup, 0);
  return store;
}

/** Everything that can be asked of a store. */
function allOf(store: EtcdStore): object {
  const first = store.compactRevision > 0n ? store.compactRevision : 1n;
  const revisions = Array.from({ length: Number(store.revision - first) + 1 }, (_, i) => first + BigInt(i));
  return {
    header: store.header(),
    compactRevision: store.compactRevision,
    index: store.index,
    bytes: store.bytes,
    states: revisions.map((revision) => store.range({ ...everything, revision }).kvs.map(full)),
    changes: revisions.map((revision) => store.revisionEntry(revision)),
    hashes: revisions.filter((each) => each > store.compactRevision).map((each) => hashOf(store, each)),
    leases: store.leaseIds().map((id) => [id, store.leaseTtl(id), store.timeToLive(id, 0).keys]),
    auth: store.auth,
  };
}

function fault(file: Uint8Array): DecodeError {
  try {
    restored(file);
  } catch (error) {
    return error as DecodeError;
  }
  throw new Error('taken without an error');
}

describe('a backup', () => {
  test.each([
    ['a store with a history', story],
    ['an empty store', newStore],
    [
      'a store compacted before its first write',
      () => {
        const store = newStore();
        put(store, 'a', '1');
        commit(store, (draft) => draft.compact(1n));
        while (store.trim(100));
        return store;
      },
    ],
    [
      'a store compacted to its last revision',
      () => {
        const store = story();
        commit(store, (draft) => draft.compact(store.revision));
        while (store.trim(100));
        return store;
      },
    ],
    [
      'a store in a new epoch',
      () => {
        const store = story();
        store.apply({ kind: 'epoch', revision: 1_000_000n }, 0);
        put(store, 'k1', 'later');
        return store;
      },
    ],
  ])('%s is the same store again', (_, make) => {
    const store = make();
    const file = fileOf(store);
    expect(file.length % 512).toBe(32);
    expect(allOf(restored(file))).toEqual(allOf(store));
    expect(allOf(restored(file, 100))).toEqual(allOf(store));
  });

  test('octet by octet', () => {
    const store = newStore();
    put(store, 'a', '1');
    expect(allOf(restored(fileOf(store), 1))).toEqual(allOf(store));
  });

  test('a large record in pieces of 2 octets is not copied anew for each', () => {
    const store = newStore();
    put(store, 'k', 'v'.repeat(1_400_000));
    expect(restored(fileOf(store), 2).revision).toBe(store.revision);
  });

  test('what happens later is not in it', () => {
    const store = story();
    const before = allOf(store);
    const backup = store.backup();
    put(store, 'k1', 'later');
    commit(store, (draft) => draft.compact(store.revision));
    while (store.trim(100));
    const reader = new BackupReader('FILE');
    for (const piece of backupPieces(backup)) reader.push(piece);
    reader.push(new Uint8Array(32));
    const fresh = newStore();
    fresh.restoreBackup(reader.end().backup, 0);
    expect(allOf(fresh)).toEqual(before);
  });

  test('keys that a lease lost before the compaction are not its again', () => {
    const fresh = restored(fileOf(story()));
    const entry = fresh.draft().revoke(7n).entry;
    expect(entry).toMatchObject({ kind: 'revision', revoked: [7n] });
  });
});

describe('a damaged backup', () => {
  test('another octet anywhere is found, at the record that it is in or before', () => {
    const store = newStore();
    for (let i = 0; i < 3; i++) put(store, 'a', String(i));
    const file = fileOf(store);
    const body = file.length - 32;
    for (let at = 0; at < body; at++) {
      const bad = file.slice();
      bad[at]! ^= 0x40;
      const { name, message, offset } = fault(bad);
      expect(name, `octet ${at}`).toBe('DecodeError');
      expect(message).toMatch(/^FILE, offset \d+: /);
      // A wrong length makes a record longer than the file: the fault is where the file ends.
      expect(offset).toSatisfy((found) => found <= at || found === file.length);
    }
  });

  test('a file that is cut off ends where it was cut', () => {
    const file = fileOf(story());
    for (let length = 1; length < file.length; length += 97) {
      expect(fault(file.slice(0, length)).message).toBe(
        `FILE, offset ${length}: the file ends here, expected more octets`,
      );
    }
    expect(fault(new Uint8Array(0)).message).toBe('FILE, offset 0: expected a snapshot, the file is empty');
  });

  test('octets behind it, another format, a snapshot of etcd, a gap', () => {
    const file = fileOf(story());
    expect(fault(concatBytes([file, Uint8Array.of(0)])).message).toBe(
      `FILE, offset ${file.length}: expected the end of the file behind the SHA-256`,
    );
    const other = file.slice();
    other[MAGIC.length - 2] = 0x32;
    const expected = 'expected "podwire store snapshot, format 1" at the beginning';
    expect(fault(other).message).toBe(`FILE, offset ${MAGIC.length - 2}: ${expected}`);
    const bolt = new Uint8Array(8192);
    bolt.set([0xed, 0xda, 0x0c, 0xed], 16);
    expect(fault(bolt).message).toBe(`FILE, offset 0: ${expected}, got a snapshot of etcd's own`);
    const { snapshot, entries } = story().backup();
    const gap = concatBytes([...backupPieces({ snapshot, entries: [...entries].slice(1) })]);
    expect(fault(gap).message).toMatch(/^FILE, offset \d+: expected revision 33, got 34$/);
  });
});
