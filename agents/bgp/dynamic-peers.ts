/** Dynamic neighbours: peers that are nobody by name, only by the range that their address is in. */
import { type Prefix, parseAddress, parsePrefix, prefixContains } from '../../protocol/ip/prefix.ts';
import { plainAddress } from './address.ts';
import type { PeerConfig, PeerRangeConfig } from './types.ts';

/** Peers of a range at a time, where it says nothing else. */
const DEFAULT_LIMIT = 256;

interface Range {
  readonly config: PeerRangeConfig;
  readonly prefix: Prefix;
}

/** A range took a caller as its peer, or has no room for it. */
export type Admission =
  | { readonly kind: 'peer'; readonly config: PeerConfig; readonly range: PeerRangeConfig }
  | { readonly kind: 'full'; readonly range: PeerRangeConfig };

/** The ranges from which unknown callers are taken. */
export class DynamicPeers {
  #ranges: readonly Range[] = [];

  /** Makes the ranges these. @throws RangeError on a range that is no prefix, or two of one name; nothing changed then. */
  set(configs: readonly PeerRangeConfig[]): void {
    const names = new Set<string>();
    for (const { name } of configs) {
      if (names.has(name)) throw new RangeError(`two ranges of BGP peers are named ${JSON.stringify(name)}`);
      names.add(name);
    }
    this.#ranges = configs
      .map((config) => ({ config, prefix: parsePrefix(config.range, 'mask') }))
      .sort((a, b) => b.prefix.length - a.prefix.length);
  }

  /** What a peer would be if it called now; `undefined` where no range holds its address any more. */
  again({ address, localAddress }: PeerConfig): PeerConfig | undefined {
    const admission = this.admit(address, localAddress ?? '', () => 0);
    return admission?.kind === 'peer' ? admission.config : undefined;
  }

  get configs(): readonly PeerRangeConfig[] {
    return this.#ranges.map(({ config }) => config);
  }

  /**
   * The peer that a caller becomes, `undefined` where no range holds its address.
   * @param members counts the peers that a range has now.
   */
  admit(remote: string, local: string, members: (range: PeerRangeConfig) => number): Admission | undefined {
    const bytes = parseAddress(remote);
    if (bytes === undefined) return undefined;
    const address: Prefix = { version: bytes.length === 4 ? 4 : 6, bytes, length: bytes.length * 8 };
    const found = this.#ranges.find(
      ({ config, prefix }) =>
        prefixContains(prefix, address) &&
        (config.localAddress === undefined || plainAddress(config.localAddress) === local),
    );
    if (found === undefined) return undefined;
    const { config } = found;
    if (members(config) >= (config.limit ?? DEFAULT_LIMIT)) return { kind: 'full', range: config };
    return { kind: 'peer', config: dynamicPeer(config, remote), range: config };
  }
}

/** The peer that a caller of a range is: named after its address, and never dialled. */
function dynamicPeer(config: PeerRangeConfig, address: string): PeerConfig {
  const { name, range: _range, limit: _limit, ...settings } = config;
  return { group: name, ...settings, name: address, address, passive: true };
}
