import type { Identity } from '../../protocol/etcd/auth/guard.ts';
import { Guard } from '../../protocol/etcd/auth/guard.ts';
import { checkDeleteRange, checkPut, checkRange, checkTxn } from '../../protocol/etcd/check.ts';
import type { Draft, Outcome } from '../../protocol/etcd/draft.ts';
import { CANCELED, etcdError } from '../../protocol/etcd/errors.ts';
import type { EtcdStore, TimeToLive } from '../../protocol/etcd/store.ts';
import { EtcdError, type ResponseHeader } from '../../protocol/etcd/types.ts';
import type { Clock, PasswordHasher, Random } from '../ports.ts';
import { authClient } from './auth-client.ts';
import { maintenance } from './maintenance.ts';
import type { Credentials, StoreClient } from './store.ts';
import type { Trimmer } from './trimmer.ts';
import type { WatchHub } from './watch-hub.ts';
import { LocalWatchStream } from './watch-stream.ts';

/** What an in-process client needs of a store's engine. */
export interface Engine {
  /** The state as this process knows it; may lag behind what others acknowledged. */
  readonly machine: EtcdStore;
  readonly hub: WatchHub;
  readonly random: Random;
  readonly clock: Clock;
  readonly passwords: PasswordHasher;
  readonly trimmer: Trimmer;
  /**
   * Evaluates a request on the newest state and logs what it changes. `evaluate` may be called several times, each
   * time on a newer state, and its answer counts only when the promise resolves.
   */
  request<T>(evaluate: (draft: Draft) => Outcome<T>): Promise<T>;
  /** Renews a lease: the granted TTL in seconds, or undefined where it is gone. */
  keepAlive(id: bigint): Promise<bigint | undefined>;
  timeToLive(id: bigint): Promise<TimeToLive>;
}

/** A lease id as etcd picks them: positive, 63 bits. */
function randomLeaseId(random: Random): bigint {
  for (;;) {
    const id = (BigInt(random.uint32() & 0x7fff_ffff) << 32n) | BigInt(random.uint32());
    if (id !== 0n) return id;
  }
}

/** The error of a call on a closed client. */
export function closedError(): EtcdError {
  return new EtcdError(CANCELED, 'the store client is closed');
}

/** What a client is to a store: its engine, and whom it speaks for. */
export class Session {
  readonly engine: Engine;
  readonly #credentials: Credentials | undefined;
  closed = false;

  constructor(engine: Engine, credentials: Credentials | undefined) {
    this.engine = engine;
    this.#credentials = credentials;
  }

  /** Who makes a request now; undefined: the store's own process. @throws EtcdError 1 (closed), 16 (invalid auth token). */
  identify(): Identity | undefined {
    if (this.closed) throw closedError();
    if (this.#credentials === undefined) return undefined;
    const { token, commonName } = this.#credentials;
    return this.engine.machine.identify(token, commonName, this.engine.clock.now());
  }

  /** Makes a request; `check` finds what is wrong with it without any state, which counts before a bad token does. */
  async request<T>(
    evaluate: (draft: Draft, caller: Identity | undefined) => Outcome<T>,
    check?: () => void,
  ): Promise<T> {
    let caller: Identity | undefined;
    try {
      caller = this.identify();
    } catch (error) {
      check?.();
      throw error;
    }
    return this.engine.request((draft) => evaluate(draft, caller));
  }

  header(): ResponseHeader {
    return this.engine.machine.header();
  }
}

/**
 * An etcd client in the process of the store: no bytes, the same answers. Its kvs are the store's own: do not change them. For
 * `credentials` see {@link Store.client}.
 */
export function localClient(engine: Engine, credentials?: Credentials): StoreClient {
  const session = new Session(engine, credentials);
  const open = new OpenWatches();
  return {
    range: async (wanted) => {
      if (wanted.serializable !== true) {
        return session.request(
          (draft, caller) => draft.range(wanted, caller),
          () => checkRange(wanted),
        );
      }
      return engine.machine.range(wanted, session.identify());
    },
    put: (wanted) =>
      session.request(
        (draft, caller) => draft.put(wanted, caller),
        () => checkPut(wanted, engine.machine.limits),
      ),
    deleteRange: (wanted) =>
      session.request(
        (draft, caller) => draft.deleteRange(wanted, caller),
        () => checkDeleteRange(wanted),
      ),
    txn: (wanted) =>
      session.request(
        (draft, caller) => draft.txn(wanted, caller),
        () => checkTxn(wanted, engine.machine.limits),
      ),
    compact: async (revision, options = {}) => {
      const header = await session.request((draft) => draft.compact(revision));
      if (options.physical === true) await engine.trimmer.run();
      return { header };
    },
    leaseGrant: async (ttl, id = 0n) => {
      const granted = await session.request((draft) => {
        let chosen = id;
        while (chosen === 0n || (id === 0n && draft.hasLease(chosen))) chosen = randomLeaseId(engine.random);
        return draft.grant(chosen, ttl);
      });
      return { header: session.header(), ...granted };
    },
    leaseRevoke: async (id) => ({
      header: await session.request((draft, caller) => draft.revoke(id, caller)),
    }),
    leaseKeepAlive: async (id) => {
      if (session.closed) throw closedError();
      const ttl = await engine.keepAlive(id);
      if (ttl === undefined) throw etcdError('leaseNotFound');
      return ttl;
    },
    leaseTimeToLive: async (id, keys = false) => {
      const caller = keys ? session.identify() : undefined;
      if (session.closed) throw closedError();
      const left = await engine.timeToLive(id);
      if (caller !== undefined) engine.machine.draft().checkLeaseKeys(id, caller);
      return { header: session.header(), ...left, keys: keys ? left.keys : [] };
    },
    leases: async () => {
      if (session.closed) throw closedError();
      await engine.request((draft) => ({ response: draft.header() }));
      return { header: session.header(), leases: engine.machine.leaseIds() };
    },
    watch: (wanted, handler) => {
      const caller = session.identify();
      if (caller !== undefined) new Guard(engine.machine.auth, caller).range(wanted);
      const watch = engine.hub.open(wanted, {
        ...(handler.onCreated === undefined
          ? {}
          : { onCreated: (revision) => handler.onCreated?.(revision) }),
        onResponse: (response) => handler.onResponse(response),
        onEnd: (error) => {
          open.delete(watch);
          handler.onEnd(error);
        },
      });
      open.add(watch, (error) => {
        watch.cancel();
        handler.onEnd(error);
      });
      return {
        cancel: () => {
          open.delete(watch);
          watch.cancel();
        },
      };
    },
    watchStream: (handler) => {
      if (session.closed) throw closedError();
      const stream = new LocalWatchStream({
        hub: engine.hub,
        machine: () => engine.machine,
        identify: () => session.identify(),
        handler,
        onClose: (each) => open.delete(each),
      });
      open.add(stream, (error) => stream.end(error));
      return stream;
    },
    ...maintenance(session),
    auth: authClient(session),
    close: async () => {
      if (session.closed) return;
      session.closed = true;
      open.endAll(closedError());
    },
  };
}

/** The watches and streams of a client. */
class OpenWatches {
  readonly #ends: Map<object, (error: Error) => void> = new Map();

  /** `end` stops it and tells its owner why. */
  add(watch: object, end: (error: Error) => void): void {
    this.#ends.set(watch, end);
  }

  delete(watch: object): void {
    this.#ends.delete(watch);
  }

  endAll(error: Error): void {
    const ends = [...this.#ends.values()];
    this.#ends.clear();
    for (const end of ends) end(error);
  }
}
