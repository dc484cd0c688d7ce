import type { KvClient } from '../../../agents/store/client.ts';
import { b, below, line, t } from './support.ts';

/** A store under test. */
export interface Subject {
  /** A new client of the store under test. */
  client(): KvClient;
  stop(): Promise<void>;
}

/** What the tests of a suite share: the store, a client of it, and a prefix of the running test's own. */
export class Scene {
  readonly subject: Subject;
  readonly client: KvClient;
  number = 0;
  /** Every test has keys of its own; the store, and so the revision, is shared. */
  p = '';

  constructor(subject: Subject) {
    this.subject = subject;
    this.client = subject.client();
  }

  nextTest(): void {
    this.p = `/test/${++this.number}/`;
  }

  /** The store's revision. */
  async now(): Promise<bigint> {
    return (await this.client.range({ key: b('/') })).header.revision;
  }

  async get(key: string): Promise<string | undefined> {
    const kv = (await this.client.range({ key: b(key) })).kvs[0];
    return kv === undefined ? undefined : t(kv.value);
  }

  /** The test's keys and values, as key=value without the prefix. */
  async lines(request: object = {}): Promise<string[]> {
    const { kvs } = await this.client.range({ ...below(this.p), ...request });
    return kvs.map((kv) => line(kv).slice(this.p.length));
  }

  /** Puts keys below the test's prefix, each with its name in capitals. */
  async fill(...keys: string[]): Promise<void> {
    for (const key of keys) await this.client.put({ key: b(this.p + key), value: b(key.toUpperCase()) });
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.subject.stop();
  }
}
