/** Dumps that a speaker writes by itself: on schedule, and of the RIB when somebody asks for one. */
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ribDump } from '../../agents/bgp/mrt-rib-dump.ts';
import type { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import type { Log } from '../../agents/ports.ts';
import { fileName } from './file-name.ts';

/** A kind of dump. */
export interface DumpConfig {
  /** Name of the file, with the time as strftime(3) has it, in UTC. */
  readonly file: string;
  /** Seconds from one file to the next; they begin at whole multiples of it since 1970. Absent: never by itself. */
  readonly interval?: number | undefined;
}

/** What a speaker's file says about dumps. */
export interface MrtConfig {
  readonly rib?: DumpConfig | undefined;
  readonly updates?: DumpConfig | undefined;
}

/** Longest wait of a timer of the system, ms. */
const LONGEST_WAIT = 0x7fffffff;
/** Octets of updates that may wait for the disk. */
const LIMIT = 64 << 20;

export class MrtDumps {
  readonly #speaker: BgpSpeaker;
  readonly #log: Log;
  #config: MrtConfig = {};
  #timers: NodeJS.Timeout[] = [];
  #writing: Promise<void> = Promise.resolve();
  #stopUpdates: (() => void) | undefined;
  #updates: WriteStream | undefined;
  #closed = false;

  constructor(speaker: BgpSpeaker, log: Log) {
    this.#speaker = speaker;
    this.#log = log;
  }

  /** Goes by this from now on. */
  configure(config: MrtConfig = {}): void {
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return;
    this.#config = config;
    this.#clear();
    const { rib, updates } = config;
    if (rib?.interval !== undefined) this.#every(rib.interval, () => this.dumpRib());
    if (updates === undefined) return;
    this.#stopUpdates = this.#speaker.tap.listen((record) => this.#update(record));
    this.#openUpdates(updates, Math.floor(Date.now() / 1000));
    if (updates.interval !== undefined) {
      this.#every(updates.interval, (seconds) => this.#openUpdates(updates, seconds));
    }
  }

  /** Writes the RIB to the file for now, one dump after the other. What goes wrong is logged. */
  dumpRib(seconds: number = Math.floor(Date.now() / 1000)): Promise<void> {
    const { rib } = this.#config;
    if (rib === undefined) {
      this.#log.warn({}, 'no MRT dump of the RIB: the file has no mrt.rib');
      return Promise.resolve();
    }
    this.#writing = this.#writing.then(() => this.#writeRib(fileName(rib.file, seconds), seconds));
    return this.#writing;
  }

  /** Ends everything; resolves when the files are closed. A dump that is under way is left out. */
  async close(): Promise<void> {
    this.#closed = true;
    const { updates } = this.#config;
    const last = updates === undefined ? undefined : this.#updates;
    this.#clear();
    await this.#writing;
    if (last !== undefined && !last.closed) {
      await new Promise<void>((resolve) => {
        last.once('close', () => resolve());
      });
    }
  }

  /** A file is there under its name only when it is whole. */
  async #writeRib(path: string, seconds: number): Promise<void> {
    const part = `${path}.part`;
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(part, 'w');
      let octets = 0;
      try {
        for (const piece of ribDump(this.#speaker.table, seconds)) {
          if (this.#closed) throw new Error('the speaker ends');
          await file.write(piece);
          octets += piece.length;
          await new Promise(setImmediate);
        }
      } finally {
        await file.close();
      }
      await rename(part, path);
      this.#log.info({ file: path, octets }, 'MRT dump of the RIB');
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined);
      this.#log.error({ file: path, error: (error as Error).message }, 'no MRT dump of the RIB');
    }
  }

  /** Goes on in another file; one that is there already is continued. */
  #openUpdates({ file }: DumpConfig, seconds: number): void {
    const path = fileName(file, seconds);
    this.#updates?.end();
    this.#updates = undefined;
    let stream: WriteStream;
    try {
      mkdirSync(dirname(path), { recursive: true });
      stream = createWriteStream(path, { flags: 'a' });
    } catch (error) {
      this.#log.error({ file: path, error: (error as Error).message }, 'no MRT dump of updates');
      return;
    }
    stream.on('error', (error) => {
      this.#log.error({ file: path, error: error.message }, 'no MRT dump of updates');
      if (this.#updates === stream) this.#updates = undefined;
    });
    this.#updates = stream;
  }

  #update(record: Uint8Array): void {
    const stream = this.#updates;
    if (stream === undefined) return;
    if (stream.writableLength > LIMIT) {
      stream.destroy(new Error(`${stream.writableLength >> 20} MiB wait to be written`));
    } else stream.write(record);
  }

  /** Calls at each multiple of `interval` seconds. */
  #every(interval: number, work: (seconds: number) => unknown): void {
    const slot = this.#timers.length;
    let next = (Math.floor(Date.now() / 1000 / interval) + 1) * interval;
    const wait = (): void => {
      const delay = Math.min(Math.max(0, next * 1000 - Date.now()), LONGEST_WAIT);
      this.#timers[slot] = setTimeout(() => {
        if (Date.now() >= next * 1000) {
          const due = next;
          // After a pause of the whole machine, the newest of those that were missed.
          next = (Math.floor(Date.now() / 1000 / interval) + 1) * interval;
          work(Math.max(due, next - interval));
        }
        wait();
      }, delay);
    };
    wait();
  }

  #clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    this.#stopUpdates?.();
    this.#stopUpdates = undefined;
    this.#updates?.end();
    this.#updates = undefined;
  }
}
