// Bridge until the store's own client has all of StoreClient; goes then.
import type { KvClient, Watch } from '../client.ts';
import type { Store, StoreClient, WatchStream, WatchStreamHandler } from '../store.ts';

export function bridged(store: Store, plain: StoreClient): StoreClient {
  if (typeof plain.watchStream === 'function') return plain;
  const client: KvClient = plain;
  const header = () => store.header();
  return {
    ...client,
    compact: async (revision: bigint) => {
      await client.compact(revision);
      return { header: header() };
    },
    leaseGrant: async (ttl: bigint, id?: bigint) => ({
      header: header(),
      ...(await client.leaseGrant(ttl, id)),
    }),
    leaseRevoke: async (id: bigint) => {
      await client.leaseRevoke(id);
      return { header: header() };
    },
    leaseTimeToLive: async (id: bigint, keys?: boolean) => {
      const left = await store.leaseTimeToLive(id);
      return { header: header(), ...left, keys: keys === true ? left.keys : [] };
    },
    leases: async () => ({ header: header(), leases: await store.leases() }),
    watchStream: (handler: WatchStreamHandler) => bridgeStream(client, handler),
    status: async () => ({
      header: header(),
      dbSize: 0n,
      dbSizeInUse: 0n,
      raftIndex: 1n,
      raftAppliedIndex: 1n,
    }),
    requireRoot: async () => {},
  } as unknown as StoreClient;
}

function bridgeStream(client: KvClient, handler: WatchStreamHandler): WatchStream {
  const watches = new Map<bigint, Watch>();
  let paused = false;
  const lagging = new Map<bigint, () => void>();
  let next = 0n;
  return {
    create: (request) => {
      const watchId = request.watchId !== undefined && request.watchId !== 0n ? request.watchId : next++;
      const base = { watchId, canceled: false, compactRevision: 0n, cancelReason: '', fragment: false };
      let created = false;
      let from = request.startRevision ?? 0n;
      const open = (): void => {
        const watch = client.watch(
          { ...request, startRevision: from },
          {
            onCreated: (revision) => {
              if (from === 0n) from = revision + 1n;
              if (created) return;
              created = true;
              const header = { clusterId: 1n, memberId: 1n, revision, raftTerm: 1n };
              handler.onResponse({ ...base, header, created: true, events: [] });
            },
            onResponse: (response) => {
              from = response.header.revision + 1n;
              const first = !created;
              created = true;
              handler.onResponse({
                ...base,
                watchId: first && response.canceled === true ? -1n : watchId,
                created: first,
                ...response,
                canceled: response.canceled === true,
                compactRevision: response.compactRevision ?? 0n,
                cancelReason: response.cancelReason ?? '',
              });
              if (paused) {
                watch.cancel();
                lagging.set(watchId, open);
              }
            },
            onEnd: () => watches.delete(watchId),
          },
        );
        watches.set(watchId, watch);
      };
      open();
    },
    cancel: (watchId) => watches.get(watchId)?.cancel(),
    requestProgress: () => {},
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      for (const open of lagging.values()) open();
      lagging.clear();
    },
    close: () => {
      for (const watch of watches.values()) watch.cancel();
    },
  };
}
