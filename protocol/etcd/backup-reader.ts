import { concatBytes } from '../bytes/concat.ts';
import { DecodeError } from '../bytes/decode-error.ts';
import {
  type Backup,
  DIGEST,
  decodeEnd,
  MAGIC,
  paddingBehind,
  RECORD_HEAD,
  RecordKind,
  recordChecksum,
} from './backup.ts';
import { decodeLogEntry, type LogEntry } from './entry.ts';
import { decodeSnapshot, type Snapshot } from './snapshot.ts';

/** Where bbolt, etcd's database, has its magic number in a file, and the number as it is there (bbolt `db.go`, `page.go`). */
const BBOLT_AT = 16;
const BBOLT_MAGIC: readonly number[] = [0xed, 0xda, 0x0c, 0xed];

/** Reads a backup's octets (backup.ts) as they come, in pieces of any size. */
export class BackupReader {
  readonly #file: string;
  #waiting: Uint8Array = new Uint8Array(0);
  /** What came behind it, joined to it once that is of use: each time anew would copy a long record again and again. */
  #behind: Uint8Array[] = [];
  #behindLength = 0;
  /** Octets that have to wait before reading on is of use. */
  #needed = 0;
  /** Offset of `#waiting` in the file. */
  #offset = 0;
  #readNext: () => boolean = () => this.#readMagic();
  #parts: Uint8Array[] = [];
  #snapshot: Snapshot | undefined;
  readonly #entries: LogEntry[] = [];
  #last = 0n;
  #digest: Uint8Array | undefined;
  /** Offset of the SHA-256, which is of everything before; undefined until it is known. */
  digestAt: number | undefined;

  /** `file` names it in errors. */
  constructor(file: string) {
    this.#file = file;
  }

  #damaged(offset: number, expected: string): DecodeError {
    return new DecodeError(this.#file, offset, expected);
  }

  /** Takes the octets that come next, which must be no Buffer. @throws DecodeError with the offset in the file where they are damaged. */
  push(bytes: Uint8Array): void {
    this.#behind.push(bytes);
    this.#behindLength += bytes.length;
    if (this.#waiting.length + this.#behindLength < this.#needed) return;
    this.#join();
    this.#needed = 0;
    while (this.#waiting.length > 0 && this.#readNext());
  }

  #join(): void {
    const [only] = this.#behind;
    const isAll = this.#waiting.length === 0 && this.#behind.length === 1;
    this.#waiting = isAll ? only! : concatBytes([this.#waiting, ...this.#behind]);
    this.#behind = [];
    this.#behindLength = 0;
  }

  /** What the file has for the SHA-256 of all before, and the store in it. @throws DecodeError where octets are missing. */
  end(): { readonly digest: Uint8Array; readonly backup: Backup } {
    const size = this.#offset + this.#waiting.length + this.#behindLength;
    if (size === 0) throw this.#damaged(0, 'expected a snapshot, the file is empty');
    if (this.#digest === undefined) throw this.#damaged(size, 'the file ends here, expected more octets');
    return { digest: this.#digest, backup: { snapshot: this.#snapshot!, entries: this.#entries } };
  }

  /** The next `length` octets; undefined: they are not all there yet. */
  #take(length: number): Uint8Array | undefined {
    if (this.#waiting.length < length) return undefined;
    const taken = this.#waiting.subarray(0, length);
    this.#waiting = this.#waiting.subarray(length);
    this.#offset += length;
    return taken;
  }

  #readMagic(): boolean {
    const start = this.#waiting.subarray(0, MAGIC.length);
    const different = start.findIndex((octet, i) => octet !== MAGIC[i]);
    if (different >= 0) throw this.#isNone(different);
    if (this.#take(MAGIC.length) === undefined) return false;
    this.#readNext = () => this.#readRecord();
    return true;
  }

  #isNone(at: number): DecodeError {
    const expected = `expected "${new TextDecoder().decode(MAGIC).trim()}" at the beginning`;
    const isBbolt = BBOLT_MAGIC.every((octet, i) => octet === this.#waiting[BBOLT_AT + i]);
    return this.#damaged(at, isBbolt ? `${expected}, got a snapshot of etcd's own` : expected);
  }

  #readRecord(): boolean {
    const at = this.#offset;
    const head = this.#waiting;
    if (head.length < RECORD_HEAD) return false;
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const length = view.getUint32(1);
    const checksum = view.getUint32(5);
    const record = this.#take(RECORD_HEAD + length);
    if (record === undefined) {
      this.#needed = RECORD_HEAD + length;
      return false;
    }
    const content = record.subarray(RECORD_HEAD);
    const actual = recordChecksum(record.subarray(0, 5), content);
    if (actual !== checksum) {
      throw this.#damaged(
        at,
        `a record of ${length} octets has checksum ${hex(actual)}, expected ${hex(checksum)}`,
      );
    }
    try {
      this.#takeRecord(record[0]!, content, at);
    } catch (error) {
      if (!(error instanceof DecodeError) || error.what === this.#file) throw error;
      throw this.#damaged(at + RECORD_HEAD, error.message);
    }
    return true;
  }

  #takeRecord(kind: number, content: Uint8Array, at: number): void {
    if (kind === RecordKind.snapshot && this.#snapshot === undefined) {
      this.#parts.push(content.slice());
      return;
    }
    this.#snapshotIsWhole();
    if (kind === RecordKind.revision) {
      const entry = decodeLogEntry(content);
      const next = this.#last + 1n;
      if (entry.kind !== 'revision' || entry.revision !== next) {
        throw this.#damaged(at, `expected revision ${next}, got ${nameOf(entry)}`);
      }
      this.#last = next;
      this.#entries.push(entry);
    } else if (kind === RecordKind.end) {
      const last = decodeEnd(content);
      if (last !== this.#last) throw this.#damaged(at, `expected revisions up to ${last}, got ${this.#last}`);
      this.digestAt = this.#offset + paddingBehind(this.#offset);
      this.#readNext = () => this.#readPadding();
    } else {
      throw this.#damaged(
        at,
        `expected a record of kind ${RecordKind.revision} or ${RecordKind.end}, got ${kind}`,
      );
    }
  }

  #snapshotIsWhole(): void {
    if (this.#snapshot !== undefined) return;
    this.#snapshot = decodeSnapshot(concatBytes(this.#parts));
    this.#parts = [];
    this.#last = this.#snapshot.revision;
  }

  #readPadding(): boolean {
    const at = this.#offset;
    const padding = this.#take(Math.min(this.#waiting.length, this.digestAt! - at))!;
    const nonzero = padding.findIndex((octet) => octet !== 0);
    if (nonzero >= 0) throw this.#damaged(at + nonzero, 'expected a zero behind the last record');
    if (this.#offset === this.digestAt) this.#readNext = () => this.#readDigest();
    return true;
  }

  #readDigest(): boolean {
    const digest = this.#take(DIGEST);
    if (digest === undefined) return false;
    this.#digest = digest.slice();
    this.#readNext = () => {
      throw this.#damaged(this.#offset, 'expected the end of the file behind the SHA-256');
    };
    return true;
  }
}

function nameOf(entry: LogEntry): string {
  return entry.kind === 'revision' ? String(entry.revision) : `an entry of kind ${entry.kind}`;
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
