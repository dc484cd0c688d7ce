/** Control of a speaker: `podwire bgp` in terms of {@link BgpSpeaker}. */
import type { BgpControl, BgpNeighbor, PathQuery } from '../control/bgp.ts';
import { explain } from './explain.ts';
import { dumpMrt } from './mrt-dump.ts';
import { ownNlri } from './own-route.ts';
import { type PathSearch, showPaths } from './path-search.ts';
import type { BgpSpeaker } from './speaker.ts';
import type { NeighborStatus } from './types.ts';

/**
 * Control of the speaker that `current` returns at the time of each call.
 * @param name of its node, or `speaker`.
 */
export function controlSpeaker(name: string, current: () => BgpSpeaker): BgpControl {
  return {
    async summary() {
      const speaker = current();
      const { asn, routerId, clusterId } = speaker.config;
      return {
        name,
        asn,
        routerId,
        clusterId: clusterId ?? null,
        listen: speaker.listening,
        tables: speaker.table.counts(),
      };
    },
    neighbors: async () => current().neighbors().map(neighborRow),
    async paths(query, onPath, signal) {
      const speaker = current();
      const { table: rib, clock } = speaker;
      const table = searched(speaker, query);
      if (table === undefined) return;
      await showPaths({ rib, clock, table, filter: query, limit: query.limit }, onPath, signal);
    },
    dump: ({ what }, onBytes, signal, onReady) => dumpMrt(current(), what, onBytes, signal, onReady),
    explain: async (query) => explain(current().table, query),
    async announce({ prefix, ...options }) {
      current().announce(prefix, options);
    },
    async withdraw({ prefix, family }) {
      const own = current()
        .table.explain(ownNlri(prefix, family))
        .some(({ peer }) => peer === undefined);
      if (!own) throw new RangeError(`no own route to ${prefix} is announced`);
      current().withdraw(prefix, family);
    },
    async sendRaw({ peer, hex }) {
      current()
        .peer(peer)
        .sendRaw(Uint8Array.from(Buffer.from(hex, 'hex')));
    },
    async clear({ peer, how }) {
      current().peer(peer).clear(how);
    },
    async refresh({ peer, family }) {
      current().peer(peer).requestRefresh(family);
    },
    async shutdown({ peer, ...options }) {
      current().peer(peer).shutdown(options);
    },
    async enable({ peer }) {
      current().peer(peer).enable();
    },
  };
}

/** A neighbour as JSON has it. */
export function neighborRow({ since, ...rest }: NeighborStatus): BgpNeighbor {
  return { ...rest, since: new Date(Number(since / 1_000_000n)).toISOString() };
}

/**
 * The table that is asked for; `undefined` where the peer has none now.
 * @throws RangeError where the peer is missing or unknown.
 */
function searched(speaker: BgpSpeaker, { table: kind, peer }: PathQuery): PathSearch['table'] | undefined {
  if (kind === 'rib') return { kind };
  if (peer === undefined) throw new RangeError(`table ${kind} is that of a peer, but none was named`);
  const { ribPeer } = speaker.peer(peer);
  return ribPeer === undefined ? undefined : { kind, peer: ribPeer };
}
