/** What a Route Monitoring says of routes, read leniently: whoever sent it has judged it already. */
import type { Family } from '../bgp/family.ts';
import { NLRI_CODECS } from '../bgp/nlri/table.ts';
import { forEachRoute } from '../bgp/nlri/walk.ts';
import { splitAttributes, type UpdateRoutes } from '../mrt/attributes.ts';
import { type RouteFields, routeFields } from '../mrt/json.ts';
import { decodeMrtUpdate, familyOfUpdate } from '../mrt/update.ts';
import type { BmpPeers } from './peers.ts';
import type { RouteMonitoring } from './route-monitoring.ts';

/** A route that is announced or withdrawn. */
export interface MonitoredRouteText {
  readonly family: Family;
  readonly prefix: string;
  /** Where the session has path identifiers (RFC 7911). */
  readonly pathId?: number;
}

/** Routes of one family with the same attributes. */
export interface AnnouncedTexts {
  readonly routes: readonly MonitoredRouteText[];
  readonly attributes: RouteFields;
}

export interface MonitoredUpdate {
  readonly withdrawn: readonly MonitoredRouteText[];
  readonly announced: readonly AnnouncedTexts[];
  /** All routes of the family have been sent (RFC 4724 §2). */
  readonly endOfRib: Family | undefined;
}

/**
 * The routes of a message.
 * @param peers who is up, for path identifiers.
 * @param base octets of the stream before the UPDATE, for errors.
 * @throws DecodeError where lengths or attributes cannot be.
 */
export function monitoredUpdate(
  { peer, update }: RouteMonitoring,
  peers: BmpPeers,
  base: number,
): MonitoredUpdate {
  const context = peers.context(peer);
  // A Route Monitoring is never anything but an UPDATE.
  const { withdrawn, announced, attributes } = decodeMrtUpdate({ message: update }, base)!;
  const textsOf = ({ family, nlri }: UpdateRoutes): MonitoredRouteText[] =>
    routeTexts(family, nlri, context.addPath?.includes(family) === true);
  if (announced.length === 0) {
    const gone = withdrawn.flatMap(textsOf);
    return { withdrawn: gone, announced: [], endOfRib: endedFamily(update, gone, attributes) };
  }
  const { others, nextHop: plain } = splitAttributes(attributes);
  return {
    withdrawn: withdrawn.flatMap(textsOf),
    announced: announced.map((routes) => ({
      routes: textsOf(routes),
      attributes: routeFields(others, routes.nextHop ?? plain, context.fourOctetAs, base),
    })),
    endOfRib: undefined,
  };
}

function endedFamily(
  update: Uint8Array,
  gone: readonly MonitoredRouteText[],
  attributes: Uint8Array,
): Family | undefined {
  if (gone.length > 0) return undefined;
  return attributes.length === 0 ? 'ipv4-unicast' : familyOfUpdate(update);
}

/** Routes up to what cannot be read. */
function routeTexts(family: Family, nlri: Uint8Array, addPath: boolean): MonitoredRouteText[] {
  const texts: MonitoredRouteText[] = [];
  forEachRoute(family, nlri, addPath, (start, end, pathId) => {
    const prefix = NLRI_CODECS[family].text(nlri.subarray(start, end));
    texts.push(addPath ? { family, prefix, pathId } : { family, prefix });
  });
  return texts;
}
