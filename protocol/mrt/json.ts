/** Routes of MRT files as JSON, one object per line (docs/mrt.md). */
import { asPathText } from '../bgp/attribute/as-path-text.ts';
import { mergeAs4 } from '../bgp/attribute/as4.ts';
import { communityText, largeCommunityText } from '../bgp/attribute/communities.ts';
import { decodeAttributes } from '../bgp/attribute/decode.ts';
import { extendedCommunityText } from '../bgp/attribute/extended-community-text.ts';
import { nextHopText } from '../bgp/attribute/mp-next-hop.ts';
import { ORIGIN_NAMES } from '../bgp/attribute/origin.ts';
import type { CodecContext } from '../bgp/context.ts';
import { BgpError } from '../bgp/error.ts';
import type { Family } from '../bgp/family.ts';
import { NLRI_CODECS } from '../bgp/nlri/table.ts';
import { forEachRoute } from '../bgp/nlri/walk.ts';
import { DecodeError } from '../bytes/decode-error.ts';
import { formatIpv4 } from '../ip/ipv4.ts';
import { formatAddress } from '../ip/prefix.ts';
import { splitAttributes } from './attributes.ts';
import type { BgpMessageRecord } from './bgp4mp.ts';
import { decodeRecord, type MrtMessage } from './message.ts';
import type { MrtRecord, MrtTime } from './record.ts';
import type { TableDump } from './table-dump.ts';
import type { MrtPeer, RibRecord } from './table-dump-v2.ts';
import { decodeMrtUpdate } from './update.ts';

/** Messages of which only their type is told. */
const MESSAGE_TYPES = ['', 'OPEN', 'UPDATE', 'NOTIFICATION', 'KEEPALIVE', 'ROUTE-REFRESH'];
const STATES = ['', 'Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established'];

/** What is told of the attributes of a route. */
export interface RouteFields {
  readonly nextHop: string | null;
  readonly origin: string | null;
  readonly asPath: string | null;
  readonly localPref?: number;
  readonly med?: number;
  readonly communities: readonly string[];
  /** What is wrong with attributes. */
  readonly faults?: readonly string[];
}

/** Prints one file: `print` gives the lines of a record, each with its line break. */
export function jsonRecords(): { print(record: MrtRecord): string; readonly skipped: number } {
  let peers: readonly MrtPeer[] = [];
  let skipped = 0;
  return {
    get skipped() {
      return skipped;
    },
    print(record) {
      const message = decodeRecord(record);
      if (message === undefined) {
        skipped += 1;
        return '';
      }
      if (message.kind === 'peer-index-table') peers = message.peers;
      let text = '';
      for (const object of objectsOf(record, message, peers)) text += `${JSON.stringify(object)}\n`;
      return text;
    },
  };
}

function* objectsOf(record: MrtRecord, message: MrtMessage, peers: readonly MrtPeer[]): Generator<object> {
  const time = timeOf(record);
  switch (message.kind) {
    case 'peer-index-table': {
      const { collector, view } = message;
      const list = message.peers.map(({ id, address, asn }) => ({
        address: formatAddress(address),
        asn,
        routerId: formatIpv4(id),
      }));
      yield { kind: 'PEERS', time, collector: formatIpv4(collector), view, peers: list };
      return;
    }
    case 'rib':
      yield* ribObjects(record, time, message, peers);
      return;
    case 'table-dump':
      yield tableDumpObject(record, time, message);
      return;
    case 'bgp-message':
      yield* messageObjects(record, time, message);
      return;
    case 'state-change': {
      const { before, after } = message;
      yield {
        kind: 'STATE',
        time,
        peer: { address: formatAddress(message.peerAddress), asn: message.peerAs },
        before: STATES[before] ?? before,
        after: STATES[after] ?? after,
      };
    }
  }
}

function* ribObjects(
  { offset }: MrtRecord,
  time: number,
  { family, nlri, addPath, entries }: RibRecord,
  peers: readonly MrtPeer[],
): Generator<object> {
  const prefix = NLRI_CODECS[family].text(nlri);
  for (const entry of entries) {
    const peer = peers[entry.peer];
    if (peer === undefined) {
      const expected = `peer ${entry.peer} is not in the peer index table of ${peers.length} peers`;
      throw new DecodeError('MRT RIB', offset, expected);
    }
    const { nextHop, others } = splitAttributes(entry.attributes);
    yield {
      kind: 'B',
      time,
      peer: { address: formatAddress(peer.address), asn: peer.asn },
      family,
      prefix,
      ...(addPath ? { pathId: entry.pathId } : {}),
      originated: entry.originated,
      ...routeFields(others, nextHop, true, offset),
    };
  }
}

function tableDumpObject({ offset }: MrtRecord, time: number, dump: TableDump): object {
  const { nextHop, others } = splitAttributes(dump.attributes);
  return {
    kind: 'B',
    time,
    peer: { address: formatAddress(dump.peer), asn: dump.asn },
    family: dump.prefix.length === 4 ? 'ipv4-unicast' : 'ipv6-unicast',
    prefix: `${formatAddress(dump.prefix)}/${dump.length}`,
    originated: dump.originated,
    ...routeFields(others, nextHop, false, offset),
  };
}

function* messageObjects(record: MrtRecord, time: number, message: BgpMessageRecord): Generator<object> {
  const base = record.offset + record.body.length - message.message.length;
  const head = {
    time,
    peer: { address: formatAddress(message.peerAddress), asn: message.peerAs },
    ...(message.local ? { sent: true } : {}),
  };
  const update = decodeMrtUpdate(message, base);
  if (update === undefined) {
    const type = message.message[18]!;
    yield { kind: 'MESSAGE', ...head, type: MESSAGE_TYPES[type] ?? type };
    return;
  }
  for (const { family, nlri } of update.withdrawn) {
    for (const route of routesOf(family, nlri, message.addPath))
      yield { kind: 'W', ...head, family, ...route };
  }
  if (update.announced.length === 0) return;
  const { others, nextHop: plain } = splitAttributes(update.attributes);
  for (const { family, nlri, nextHop = plain } of update.announced) {
    const fields = routeFields(others, nextHop, message.as4, base);
    for (const route of routesOf(family, nlri, message.addPath)) {
      yield { kind: 'A', ...head, family, ...route, ...fields };
    }
  }
}

/** Prefixes, up to what cannot be read. */
function routesOf(
  family: Family,
  nlri: Uint8Array,
  addPath: boolean,
): readonly { readonly prefix: string; readonly pathId?: number }[] {
  const routes: { prefix: string; pathId?: number }[] = [];
  forEachRoute(family, nlri, addPath, (start, end, pathId) => {
    const prefix = NLRI_CODECS[family].text(nlri.subarray(start, end));
    routes.push(addPath ? { prefix, pathId } : { prefix });
  });
  return routes;
}

/**
 * The attributes by the names that `podwire bgp rib --format json` has for them.
 * @param others all but next hop and NLRI. @param offset of them in the file, for errors.
 * @throws DecodeError where they cannot be told apart.
 */
export function routeFields(
  others: Uint8Array,
  nextHop: Uint8Array | undefined,
  fourOctetAs: boolean,
  offset: number,
): RouteFields {
  const context: CodecContext = { fourOctetAs, extendedMessage: true, peerType: 'internal', families: [] };
  const { attributes, faults } = decoded(others, context, offset);
  const { origin, asPath, communities = [], extendedCommunities = [], largeCommunities = [] } = attributes;
  const { localPref, med, aggregator, originatorId, clusterList, otc } = attributes;
  return {
    nextHop: nextHop === undefined ? null : nextHopText(nextHop),
    origin: origin === undefined ? null : ORIGIN_NAMES[origin],
    asPath: asPath === undefined ? null : asPathText(asPath),
    ...(localPref === undefined ? {} : { localPref }),
    ...(med === undefined ? {} : { med }),
    communities: [
      ...communities.map(communityText),
      ...extendedCommunities.map(extendedCommunityText),
      ...largeCommunities.map(largeCommunityText),
    ],
    ...(attributes.atomicAggregate === undefined ? {} : { atomicAggregate: true }),
    ...(aggregator === undefined
      ? {}
      : { aggregator: { asn: aggregator.asn, address: formatIpv4(aggregator.id) } }),
    ...(originatorId === undefined ? {} : { originatorId: formatIpv4(originatorId) }),
    ...(clusterList === undefined ? {} : { clusterList: clusterList.map(formatIpv4) }),
    ...(otc === undefined ? {} : { otc }),
    ...(faults.length === 0 ? {} : { faults: faults.map(({ reason }) => reason) }),
  };
}

function decoded(
  others: Uint8Array,
  context: CodecContext,
  offset: number,
): ReturnType<typeof decodeAttributes> {
  try {
    const { attributes, faults } = decodeAttributes(others, 0, others.length, context);
    return { attributes: mergeAs4(attributes, context.fourOctetAs), faults };
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    throw new DecodeError('MRT attributes', offset, error.message);
  }
}

function timeOf({ seconds, microseconds }: MrtTime): number {
  return microseconds === undefined ? seconds : Number(`${seconds}.${String(microseconds).padStart(6, '0')}`);
}
