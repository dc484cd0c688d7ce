/** What the speaker is told about a peer that the cluster's resources ask for. */
import type { Policy } from '../../protocol/bgp/policy/policy.ts';
import { type FilteredSession, filterPolicy } from '../../protocol/calico/peering/filter-policy.ts';
import type { CalicoPeer } from '../../protocol/calico/peering.ts';
import type { BgpFilter } from '../../protocol/calico/resources/bgp-filter.ts';
import type { PeerConfig } from '../bgp/types.ts';

/** Interface of a node on the underlay, as captures show it: where all learnt routes lead. */
const UNDERLAY_INTERFACE = 'eth0';

interface PeerPolicies {
  readonly importPolicy?: Policy;
  readonly exportPolicy?: Policy;
}

interface Compiled {
  readonly filters: readonly BgpFilter[];
  readonly policies: PeerPolicies;
}

/**
 * Makes configurations of peers. Policies stay the same objects as long as their filters do, so that a change somewhere
 * else in the cluster has no route judged anew; and peers with the same filters share them, so that the RIB can share
 * what it sends them.
 */
export class PeerConfigs {
  readonly #filters: ReadonlyMap<string, BgpFilter>;
  /** By type of peer and names of filters. */
  readonly #compiled = new Map<string, Compiled>();

  /** @param filters the BGPFilters that there are at the time, by name. */
  constructor(filters: ReadonlyMap<string, BgpFilter>) {
    this.#filters = filters;
  }

  /**
   * @param asn own AS. @param holdTime seconds, where the peer's resource says nothing.
   */
  configOf(peer: CalicoPeer, asn: number, holdTime: number | undefined): PeerConfig {
    const { nextHopKeep, allowOwnAsn, filters = [], ...rest } = peer;
    const peerType = peer.asn === (peer.localAsn ?? asn) ? 'iBGP' : 'eBGP';
    return {
      ...(holdTime === undefined ? {} : { holdTime }),
      ...rest,
      ...(nextHopKeep === undefined ? {} : { nextHopUnchanged: nextHopKeep }),
      ...(allowOwnAsn === undefined ? {} : { allowAsIn: allowOwnAsn }),
      ...this.#policies(filters, peerType),
    };
  }

  #policies(names: readonly string[], peerType: FilteredSession['peerType']): PeerPolicies {
    // Calico passes over names of filters that do not exist.
    const filters = names.flatMap((name) => this.#filters.get(name) ?? []);
    const key = [peerType, ...names].join(' ');
    const before = this.#compiled.get(key);
    if (before !== undefined && sameFilters(before.filters, filters)) return before.policies;
    const policies = compile(filters, peerType);
    this.#compiled.set(key, { filters, policies });
    return policies;
  }
}

function compile(filters: readonly BgpFilter[], peerType: FilteredSession['peerType']): PeerPolicies {
  const interfaceOf: FilteredSession['interfaceOf'] = ({ source }) =>
    source.kind === 'local' ? undefined : UNDERLAY_INTERFACE;
  const importPolicy = filterPolicy(filters, { direction: 'import', peerType, interfaceOf });
  const exportPolicy = filterPolicy(filters, { direction: 'export', peerType, interfaceOf });
  return {
    ...(importPolicy === undefined ? {} : { importPolicy }),
    ...(exportPolicy === undefined ? {} : { exportPolicy }),
  };
}

/** The view replaces a resource that changed, so that the same object means the same content. */
function sameFilters(a: readonly BgpFilter[], b: readonly BgpFilter[]): boolean {
  return a.length === b.length && a.every((filter, i) => filter === b[i]);
}
