import { checkRange } from '../../protocol/etcd/check.ts';
import type { Draft, Outcome } from '../../protocol/etcd/draft.ts';
import { CANCELED, etcdError } from '../../protocol/etcd/errors.ts';
import { range } from '../../protocol/etcd/range.ts';
import type { EtcdStore } from '../../protocol/etcd/store.ts';
import { EtcdError, type RangeRequest, type RangeResponse } from '../../protocol/etcd/types.ts';
import type { Random } from '../ports.ts';
import type { KvClient, Watch } from './client.ts';
import type { WatchHub } from './watch-hub.ts';

/** What an in-process client needs of a store's engine. */
export interface Engine {
  /** The state as this process knows it; may lag behind what others acknowledged. */
  readonly machine: EtcdStore;
  readonly hub: WatchHub;
  readonly random: Random;
  /**
   * Evaluates a request on the newest state and logs what it changes. `evaluate` may be called several times, each
   * time on a newer state, and its answer counts only when the promise resolves.
   */
  request<T>(evaluate: (draft: Draft) => Outcome<T>): Promise<T>;
  /** Renews a lease: the granted TTL in seconds, or undefined where it is gone. */
  keepAlive(id: bigint): Promise<bigint | undefined>;
}

/** A lease id as etcd picks them: positive, 63 bits. */
function randomLeaseId(random: Random): bigint {
  for (;;) {
    const id = (BigInt(random.uint32() & 0x7fff_ffff) << 32n) | BigInt(random.uint32());
    if (id !== 0n) return id;
  }
}

function rangeOn(draft: Draft, request: RangeRequest): Outcome<RangeResponse> {
  checkRange(request);
  return { response: { header: draft.header(), ...range(draft, request) } };
}

/** The error of a call on a closed client. */
export function closedError(): EtcdError {
  return new EtcdError(CANCELED, 'the store client is closed');
}

/** An etcd client in the process of the store: no bytes, the same answers. Its kvs are the store's own: do not change them. */
export function localClient(engine: Engine): KvClient {
  const watches = new Set<{ readonly watch: Watch; readonly end: (error: Error) => void }>();
  let closed = false;
  const request = async <T>(evaluate: (draft: Draft) => Outcome<T>): Promise<T> => {
    if (closed) throw closedError();
    return engine.request(evaluate);
  };
  return {
    range: async (wanted) => {
      if (closed) throw closedError();
      if (wanted.serializable === true) return engine.machine.range(wanted);
      return engine.request((draft) => rangeOn(draft, wanted));
    },
    put: (wanted) => request((draft) => draft.put(wanted)),
    deleteRange: (wanted) => request((draft) => draft.deleteRange(wanted)),
    txn: (wanted) => request((draft) => draft.txn(wanted)),
    compact: async (revision) => {
      await request((draft) => draft.compact(revision));
    },
    leaseGrant: (ttl, id = 0n) =>
      request((draft) => {
        let chosen = id;
        while (chosen === 0n || (id === 0n && draft.hasLease(chosen))) chosen = randomLeaseId(engine.random);
        return draft.grant(chosen, ttl);
      }),
    leaseRevoke: async (id) => {
      await request((draft) => draft.revoke(id));
    },
    leaseKeepAlive: async (id) => {
      if (closed) throw closedError();
      const ttl = await engine.keepAlive(id);
      if (ttl === undefined) throw etcdError('leaseNotFound');
      return ttl;
    },
    watch: (wanted, handler) => {
      if (closed) throw closedError();
      const watch = engine.hub.open(wanted, {
        ...(handler.onCreated === undefined
          ? {}
          : { onCreated: (revision) => handler.onCreated?.(revision) }),
        onResponse: (response) => handler.onResponse(response),
        onEnd: (error) => {
          watches.delete(entry);
          handler.onEnd(error);
        },
      });
      const entry = { watch, end: (error: Error) => handler.onEnd(error) };
      watches.add(entry);
      return {
        cancel: () => {
          watches.delete(entry);
          watch.cancel();
        },
      };
    },
    close: async () => {
      if (closed) return;
      closed = true;
      const running = [...watches];
      watches.clear();
      for (const { watch } of running) watch.cancel();
      for (const { end } of running) end(closedError());
    },
  };
}
