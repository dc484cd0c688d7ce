// What the tests of the RIB share: a speaker's RIB, peers, and UPDATEs as bytes.
import type { PathAttributes } from '../../../protocol/bgp/attribute/table.ts';
import type { CodecContext } from '../../../protocol/bgp/context.ts';
import type { Family } from '../../../protocol/bgp/family.ts';
import { decodeUpdate, encodeUpdate, type UpdateMessage } from '../../../protocol/bgp/message/update.ts';
import { nlriOf } from '../../../protocol/bgp/nlri/prefixes.ts';
import type { Policy, PolicyRoute } from '../../../protocol/bgp/policy/policy.ts';
import { Rib, type RibFlush } from '../../../protocol/bgp/rib/rib.ts';
import type { RibConfig, RibPeerConfig, RouteAttributes } from '../../../protocol/bgp/rib/route.ts';
import { parseIpv4 } from '../../../protocol/ip/ipv4.ts';
import { parseAddress } from '../../../protocol/ip/prefix.ts';

export const ASN = 64512;
export const CONFIG: RibConfig = {
  asn: ASN,
  routerId: parseIpv4('10.0.0.1'),
  clusterId: parseIpv4('10.0.0.255'),
};
export const PREFIX = '10.1.0.0/24';
export const ROUTE: RouteAttributes = {
  origin: 0,
  asPath: [{ kind: 'sequence', asns: [65001] }],
  nextHop: parseAddress('10.0.9.9')!,
};

/** A peer with the address 10.0.0.`octet`. */
export function peer(octet: number, more: Partial<RibPeerConfig> = {}): RibPeerConfig {
  return {
    name: `peer-${octet}`,
    peerType: 'internal',
    asn: more.peerType === 'external' ? 65000 + octet : ASN,
    routerId: parseIpv4(`10.0.0.${octet}`),
    address: parseAddress(`10.0.0.${octet}`)!,
    localAddress: parseAddress('10.0.0.1')!,
    client: false,
    nextHopSelf: false,
    families: ['ipv4-unicast'],
    fourOctetAs: true,
    maxMessageLength: 4096,
    ...more,
  };
}

export const sequence = (...asns: number[]): RouteAttributes['asPath'] => [{ kind: 'sequence', asns }];

/** IPv4 prefixes as NLRI, with path identifiers where `ids` has them. */
export function ipv4Nlri(prefixes: readonly string[], ids?: readonly number[]): Uint8Array {
  return Uint8Array.from(
    prefixes.flatMap((prefix, i) => [
      ...(ids === undefined ? [] : [0, 0, 0, ids[i]!]),
      ...nlriOf(prefix).bytes,
    ]),
  );
}

function receiveContext(family: Family, addPath: boolean): CodecContext {
  return {
    fourOctetAs: true,
    extendedMessage: true,
    peerType: 'internal',
    families: [family],
    addPath: addPath ? [family] : [],
    extendedNextHop: ['ipv4-unicast'],
  };
}

function message(parts: Partial<UpdateMessage>, family: Family, addPath: boolean): UpdateMessage {
  const empty = { withdrawn: new Uint8Array(0), attributes: {}, nlri: new Uint8Array(0) };
  const bytes = encodeUpdate({ ...empty, ...parts }, { fourOctetAs: true });
  return decodeUpdate(bytes, receiveContext(family, addPath));
}

/** Feeds an UPDATE with {@link ROUTE}'s attributes, as far as not given otherwise, for IPv4 prefixes. */
export function announce(
  rib: Rib,
  from: number,
  more: Partial<PathAttributes> = {},
  prefixes: readonly string[] = [PREFIX],
  ids?: readonly number[],
): void {
  const attributes = { ...ROUTE, ...more };
  rib.update(from, message({ attributes, nlri: ipv4Nlri(prefixes, ids) }, 'ipv4-unicast', ids !== undefined));
}

/** Feeds an UPDATE that withdraws IPv4 prefixes. */
export function withdraw(
  rib: Rib,
  from: number,
  prefixes: readonly string[] = [PREFIX],
  ids?: readonly number[],
): void {
  rib.update(from, message({ withdrawn: ipv4Nlri(prefixes, ids) }, 'ipv4-unicast', ids !== undefined));
}

/** Feeds an UPDATE with NLRI of any family in MP_REACH_NLRI. */
export function announceReach(
  rib: Rib,
  from: number,
  family: Family,
  afi: number,
  safi: number,
  nextHop: Uint8Array,
  nlri: Uint8Array,
  more: Partial<PathAttributes> = {},
): void {
  const { nextHop: _hop, ...attributes } = { ...ROUTE, ...more };
  rib.update(
    from,
    message({ attributes: { ...attributes, mpReach: { afi, safi, nextHop, nlri } } }, family, false),
  );
}

/** Feeds an UPDATE that withdraws NLRI of any family in MP_UNREACH_NLRI. */
export function withdrawUnreach(
  rib: Rib,
  from: number,
  family: Family,
  afi: number,
  safi: number,
  nlri: Uint8Array,
): void {
  rib.update(from, message({ attributes: { mpUnreach: { afi, safi, nlri } } }, family, false));
}

/** Flushes until nothing is pending; returns everything that was delivered. */
export function settle(rib: Rib, now = 0): RibFlush['deliveries'][number][] {
  const deliveries: RibFlush['deliveries'][number][] = [];
  for (let pending = true; pending; ) {
    const flushed = rib.flush(now);
    deliveries.push(...flushed.deliveries);
    pending = flushed.pending;
  }
  return deliveries;
}

/** What a peer was sent: `prefix` with the attributes. */
export function sent(
  rib: Rib,
  to: number,
): { readonly prefix: string; readonly attributes: RouteAttributes }[] {
  return [...rib.adjRibOut(to)].map(({ prefix, attributes }) => ({ prefix, attributes }));
}

/** Attributes with which a route from a peer reaches another; `undefined` where it does not. */
export function reached(
  source: Partial<RibPeerConfig>,
  to: Partial<RibPeerConfig>,
  attributes: Partial<PathAttributes> = {},
  config: Partial<RibConfig> = {},
): RouteAttributes | undefined {
  const rib = new Rib({ ...CONFIG, ...config });
  const from = rib.addPeer(peer(2, source));
  const target = rib.addPeer(peer(3, to));
  announce(rib, from, attributes);
  settle(rib);
  return sent(rib, target)[0]?.attributes;
}

/** Best path's peer first, the others with the step at which they lost. */
export function ranking(rib: Rib): string[] {
  return [...rib.paths()].map(
    ({ peer: from, best, lost }) => `${from?.name ?? 'own'} ${best ? 'best' : lost}`,
  );
}

/** A policy from a function. */
export function policy(
  apply: (route: PolicyRoute) => RouteAttributes | undefined,
  usesPrefix = false,
): Policy {
  return { name: 'test', usesPrefix, apply, explain: () => [] };
}

/** The messages in delivered chunks. */
export function messagesOf(chunks: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const length = (chunk[at + 16]! << 8) | chunk[at + 17]!;
      messages.push(chunk.subarray(at, at + length));
      at += length;
    }
  }
  return messages;
}

/** The messages in words: `"BoRR"`, `"EoRR"`, `"End-of-RIB"`, `"update"`. */
export function messageNames(chunks: readonly Uint8Array[]): string[] {
  return messagesOf(chunks).map((bytes) => {
    if (bytes[18] === 5) return bytes[21] === 1 ? 'BoRR' : 'EoRR';
    return bytes.length === 23 ? 'End-of-RIB' : 'update';
  });
}
