/** From the routes of an UPDATE, or own ones, to paths: NLRI to numbers, attributes to sets, import (RFC 4271 §9). */
import { FAMILIES, type Family } from '../family.ts';
import { PlainUpdate } from '../message/plain-update.ts';
import type { RouteRun } from '../message/route-run.ts';
import type { UpdateMessage } from '../message/update.ts';
import type { Nlri } from '../nlri/codec.ts';
import { PrefixWalk } from '../nlri/prefixes.ts';
import { NLRI_CODECS } from '../nlri/table.ts';
import { forEachRoute } from '../nlri/walk.ts';
import type { AttributeTable } from './attribute-table.ts';
import type { FamilyRib } from './family-rib.ts';
import { ELIGIBLE, importRoute } from './import.ts';
import type { LocRib } from './loc-rib.ts';
import { LOCAL, type RibConfig, type RibPeer, type RouteAttributes } from './route.ts';

export class Receiver {
  readonly #config: RibConfig;
  readonly #attributes: AttributeTable;
  readonly #walk = new PrefixWalk();

  constructor(config: RibConfig, attributes: AttributeTable) {
    this.#config = config;
    this.#attributes = attributes;
  }

  /** Takes routes of one family that a peer announces; returns how many of them are new. */
  receive(family: FamilyRib, peer: RibPeer, routes: RouteRun, message: UpdateMessage): number {
    const wire = this.#internWire(peer, routes, message);
    const set = wire === 0 ? this.#attributes.intern(routeAttributes(message, routes.nextHop)) : wire;
    const added =
      FAMILIES[routes.family].prefixes && !peer.importPolicy?.usesPrefix
        ? this.#receivePrefixes(family, peer, routes, set)
        : this.#receiveEach(family, peer, routes, set, routeAttributes(message, routes.nextHop));
    this.#attributes.release(set);
    family.count(peer.id, added);
    return added;
  }

  /** The attribute set straight from the octets of the message; 0 where these do not allow it. */
  #internWire(peer: RibPeer, routes: RouteRun, message: UpdateMessage): number {
    if (message.faults.length > 0 || !peer.fourOctetAs) return 0;
    if (message instanceof PlainUpdate) {
      const { octets, attributesStart, attributesEnd } = message;
      return this.#attributes.internWire(octets, attributesStart, attributesEnd, routes, undefined);
    }
    const { rawAttributes } = message;
    return this.#attributes.internWire(rawAttributes, 0, rawAttributes.length, routes, peer.peerType);
  }

  /** One answer of import holds for all of them. */
  #receivePrefixes(
    { family, rib }: FamilyRib,
    peer: RibPeer,
    { octets, start, end, addPath }: RouteRun,
    set: number,
  ): number {
    const imported = importRoute(this.#attributes, set, peer, this.#config, family, undefined);
    let added = 0;
    const walk = this.#walk;
    walk.begin(octets, start, end, addPath);
    while (walk.next()) {
      const prefix = rib.prefixes.add(octets, walk.at, end);
      if (rib.set(prefix, peer.id, walk.pathId, set, imported.set, imported.reason)) added += 1;
    }
    this.#attributes.release(imported.set);
    return added;
  }

  /** Every route is judged by itself, and may have something to say beside its key. */
  #receiveEach(
    { family, rib }: FamilyRib,
    peer: RibPeer,
    { bytes, addPath }: RouteRun,
    set: number,
    attributes: RouteAttributes,
  ): number {
    let added = 0;
    forEachRoute(family, bytes, addPath, (offset, end, pathId) => {
      const prefix = rib.prefixes.add(bytes, offset, end);
      const own = this.#withData(family, bytes.subarray(offset, end), set, attributes);
      const imported = importRoute(
        this.#attributes,
        own,
        peer,
        this.#config,
        family,
        rib.prefixes.prefix(prefix),
      );
      if (rib.set(prefix, peer.id, pathId, own, imported.set, imported.reason)) added += 1;
      this.#attributes.release(imported.set);
      this.#attributes.release(own);
    });
    return added;
  }

  /** The set with what an NLRI says beside its key, with a reference for the caller. */
  #withData(family: Family, nlri: Uint8Array, set: number, attributes: RouteAttributes): number {
    const nlriData = NLRI_CODECS[family].data(nlri);
    if (nlriData.length > 0) return this.#attributes.intern({ ...attributes, nlriData });
    this.#attributes.retain(set);
    return set;
  }

  /** Enters own routes; replaces earlier ones. */
  announce({ family, rib }: FamilyRib, { bytes, addPath = false }: Nlri, attributes: RouteAttributes): void {
    const set = this.#attributes.intern(attributes);
    forEachRoute(family, bytes, addPath, (offset, end) => {
      const own = this.#withData(family, bytes.subarray(offset, end), set, attributes);
      rib.set(rib.prefixes.add(bytes, offset, end), LOCAL, 0, own, own, ELIGIBLE);
      this.#attributes.release(own);
    });
    this.#attributes.release(set);
  }

  /** Takes out routes of a peer; returns how many of them were there. */
  withdraw(family: FamilyRib, peer: number, run: RouteRun): number {
    const removed = FAMILIES[family.family].prefixes
      ? this.#withdrawPrefixes(family.rib, peer, run)
      : withdrawEach(family.rib, peer, run);
    family.count(peer, -removed);
    return removed;
  }

  #withdrawPrefixes(rib: LocRib, peer: number, { octets, start, end, addPath }: RouteRun): number {
    let removed = 0;
    const walk = this.#walk;
    walk.begin(octets, start, end, addPath);
    while (walk.next()) {
      const prefix = rib.prefixes.find(octets, walk.at, end);
      if (prefix >= 0 && rib.unset(prefix, peer, walk.pathId)) removed += 1;
    }
    return removed;
  }
}

function withdrawEach(rib: LocRib, peer: number, { family, bytes, addPath }: RouteRun): number {
  let removed = 0;
  forEachRoute(family, bytes, addPath, (offset, end, pathId) => {
    const prefix = rib.prefixes.find(bytes, offset, end);
    if (prefix >= 0 && rib.unset(prefix, peer, pathId)) removed += 1;
  });
  return removed;
}

function routeAttributes(message: UpdateMessage, nextHop: Uint8Array): RouteAttributes {
  const { mpReach, mpUnreach, as4Path, as4Aggregator, ...rest } = message.attributes;
  return { ...rest, nextHop } as RouteAttributes;
}
