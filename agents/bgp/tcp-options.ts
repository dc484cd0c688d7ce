/** What a peer's settings mean to its TCP connections. */
import { parsePrefix } from '../../protocol/ip/prefix.ts';
import type {
  TcpAoPeer,
  TcpConnectOptions,
  TcpKeys,
  TcpListenOptions,
  TcpMd5Peer,
  TcpTtl,
} from '../ports.ts';
import type { PeerConfig, PeerRangeConfig, PeerSettings } from './types.ts';

/** How to dial a peer. */
export function connectOptions(config: PeerConfig): TcpConnectOptions {
  const { localAddress, localPort, md5, ao } = config;
  return {
    ...ttlOf(config),
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(localPort === undefined ? {} : { localPort }),
    ...(md5 === undefined ? {} : { md5 }),
    ...(ao === undefined ? {} : { ao }),
  };
}

/** TTLs of a peer's connections: as far as multihop reaches, or 255 where both sides check it (RFC 5082 §3). */
export function ttlOf({ multihop, ttlSecurity }: PeerSettings): TcpTtl {
  if (ttlSecurity !== undefined) return { ttl: 255, minTtl: 256 - ttlSecurity };
  return multihop === undefined ? {} : { ttl: multihop };
}

/**
 * How to listen for everybody who may call. Where one has TTL security, even the answer to its SYN must come with TTL
 * 255 (RFC 5082 §3), when nobody knows yet whose it is.
 */
export function listenOptions(
  peers: readonly PeerConfig[],
  ranges: readonly PeerRangeConfig[],
): TcpListenOptions {
  const secured = [...peers, ...ranges].some(({ ttlSecurity }) => ttlSecurity !== undefined);
  return { ...listenKeys(peers, ranges), ...(secured ? { ttl: 255 } : {}) };
}

/** Keys of everybody who may call. */
export function listenKeys(peers: readonly PeerConfig[], ranges: readonly PeerRangeConfig[]): TcpKeys {
  const md5: TcpMd5Peer[] = [];
  const ao: TcpAoPeer[] = [];
  const add = (
    where: { readonly address: string; readonly prefixLength?: number },
    peer: PeerSettings,
  ): void => {
    if (peer.md5 !== undefined) md5.push({ ...where, key: peer.md5 });
    if (peer.ao !== undefined) ao.push({ ...where, keys: peer.ao });
  };
  for (const peer of peers) add({ address: peer.address }, peer);
  for (const range of ranges) {
    const [address = ''] = range.range.split('/');
    add({ address, prefixLength: parsePrefix(range.range, 'mask').length }, range);
  }
  return { md5, ao };
}
