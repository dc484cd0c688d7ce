import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import type { Backup } from '../../protocol/etcd/backup.ts';
import { BackupReader } from '../../protocol/etcd/backup-reader.ts';
import { portErrorFrom } from '../io/errors.ts';

/** Octets that are read at once. */
const CHUNK = 1024 * 1024;

/**
 * Reads what `etcdctl snapshot save` wrote of a podwire store.
 * Rejects with one line: the file cannot be read, or the offset from which on it is damaged.
 */
export async function readBackupFile(path: string): Promise<Backup> {
  const reader = new BackupReader(path);
  const hash = createHash('sha256');
  let at = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
      const { buffer, byteOffset, length } = chunk as Buffer;
      const bytes = new Uint8Array(buffer, byteOffset, length);
      reader.push(bytes);
      const hashed = (reader.digestAt ?? Number.POSITIVE_INFINITY) - at;
      if (hashed > 0) hash.update(bytes.subarray(0, hashed));
      at += length;
    }
  } catch (error) {
    throw error instanceof DecodeError ? error : portErrorFrom(`read the snapshot ${path}`, error);
  }
  const { digest, backup } = reader.end();
  const actual = hash.digest();
  if (!actual.equals(digest)) {
    throw new DecodeError(path, reader.digestAt!, `expected SHA-256 ${actual.toString('hex')} of all before`);
  }
  return backup;
}
