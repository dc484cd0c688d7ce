/** All path attributes that podwire knows, in one table that generic code reads, writes and shows them by. */
import { type Aggregator, aggregator, as4Aggregator, atomicAggregate } from './aggregate.ts';
import { aigp } from './aigp.ts';
import { type AsPath, as4Path, asPath } from './as-path.ts';
import type { AttributeCodec } from './codec.ts';
import { communities, type LargeCommunity, largeCommunities } from './communities.ts';
import {
  type ExtendedCommunity,
  extendedCommunities,
  type Ipv6ExtendedCommunity,
  ipv6ExtendedCommunities,
} from './extended-communities.ts';
import { localPref, med } from './metrics.ts';
import { type MpReach, type MpUnreach, mpReach, mpUnreach } from './multiprotocol.ts';
import { nextHop } from './next-hop.ts';
import { attrSet, linkState, prefixSid } from './opaque.ts';
import { type Origin, origin } from './origin.ts';
import { otc } from './otc.ts';
import { type PmsiTunnel, pmsiTunnel } from './pmsi-tunnel.ts';
import { clusterList, originatorId } from './reflection.ts';
import { tunnelEncapsulation } from './tunnel-encapsulation.ts';

/** Value of each known attribute. */
export interface AttributeValues {
  readonly origin: Origin;
  readonly asPath: AsPath;
  /** 4 octets. */
  readonly nextHop: Uint8Array;
  readonly med: number;
  readonly localPref: number;
  readonly atomicAggregate: true;
  readonly aggregator: Aggregator;
  readonly communities: readonly number[];
  readonly originatorId: number;
  readonly clusterList: readonly number[];
  readonly mpReach: MpReach;
  readonly mpUnreach: MpUnreach;
  readonly extendedCommunities: readonly ExtendedCommunity[];
  readonly as4Path: AsPath;
  readonly as4Aggregator: Aggregator;
  readonly pmsiTunnel: PmsiTunnel;
  /** Value octets: a TLV for each tunnel. */
  readonly tunnelEncapsulation: Uint8Array;
  readonly ipv6ExtendedCommunities: readonly Ipv6ExtendedCommunity[];
  /** Value octets: TLVs; {@link aigpMetric} finds the metric in them. */
  readonly aigp: Uint8Array;
  /** Value octets: TLVs. */
  readonly linkState: Uint8Array;
  readonly largeCommunities: readonly LargeCommunity[];
  /** AS number that a route may not go up or sideways from (RFC 9234 §5). */
  readonly otc: number;
  /** Value octets: TLVs. */
  readonly prefixSid: Uint8Array;
  /** Value octets: origin AS, then attributes. */
  readonly attrSet: Uint8Array;
}

export type AttributeName = keyof AttributeValues;

/** An optional attribute that podwire does not know, with its flags as received. */
export interface UnknownAttribute {
  readonly type: number;
  readonly flags: number;
  readonly value: Uint8Array;
}

/** The attributes of one UPDATE; absent ones are absent. */
export interface PathAttributes extends Partial<AttributeValues> {
  /** Unknown transitive ones, by type. */
  readonly unknown?: readonly UnknownAttribute[];
  /** Types of known attributes that came with the Partial bit, which stays set (RFC 4271 §5). */
  readonly partial?: readonly number[];
}

/** In order of type code, the order in which they are sent (RFC 4271 §5). */
export const ATTRIBUTES: readonly (readonly [AttributeName, AttributeCodec<never>])[] = [
  ['origin', origin],
  ['asPath', asPath],
  ['nextHop', nextHop],
  ['med', med],
  ['localPref', localPref],
  ['atomicAggregate', atomicAggregate],
  ['aggregator', aggregator],
  ['communities', communities],
  ['originatorId', originatorId],
  ['clusterList', clusterList],
  ['mpReach', mpReach],
  ['mpUnreach', mpUnreach],
  ['extendedCommunities', extendedCommunities],
  ['as4Path', as4Path],
  ['as4Aggregator', as4Aggregator],
  ['pmsiTunnel', pmsiTunnel],
  ['tunnelEncapsulation', tunnelEncapsulation],
  ['ipv6ExtendedCommunities', ipv6ExtendedCommunities],
  ['aigp', aigp],
  ['linkState', linkState],
  ['largeCommunities', largeCommunities],
  ['otc', otc],
  ['prefixSid', prefixSid],
  ['attrSet', attrSet],
] satisfies {
  [K in AttributeName]: readonly [K, AttributeCodec<AttributeValues[K]>];
}[AttributeName][] as never;

/** `"AS_PATH"`, or `"attribute 99"` for a type that podwire does not know. */
export function attributeName(type: number): string {
  return ATTRIBUTE_BY_TYPE[type]?.[1].name ?? `attribute ${type}`;
}

/** Name and codec by type code. */
export const ATTRIBUTE_BY_TYPE: readonly ((typeof ATTRIBUTES)[number] | undefined)[] = byType();

function byType(): ((typeof ATTRIBUTES)[number] | undefined)[] {
  const table: ((typeof ATTRIBUTES)[number] | undefined)[] = new Array(256).fill(undefined);
  for (const entry of ATTRIBUTES) table[entry[1].type] = entry;
  return table;
}
