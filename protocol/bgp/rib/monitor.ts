/** A RIB as monitoring looks at it (RFC 7854): single paths before and after import, as octets and small numbers. */
import type { Family } from '../family.ts';
import { attributesStart } from './attribute-set.ts';
import type { AttributeTable } from './attribute-table.ts';
import type { FamilyRib } from './family-rib.ts';
import type { LocRib } from './loc-rib.ts';
import { REASON, STALE } from './path-table.ts';
import { pathIdOf } from './update-writer.ts';

const NONE = -1;
/** Numbers that are looked at between two chances to pause. */
const STEP = 1024;

/** A path. The numbers of sets are valid until the RIB changes. */
export interface MonitoredPath {
  readonly peer: number;
  /** Path identifier that the peer gave it, 0 without ADD-PATH (RFC 7911). */
  readonly pathId: number;
  /** Attribute set before import, and after it; the same where the path is refused. */
  readonly received: number;
  readonly selected: number;
  /** Why it is refused (constants of import.ts); 0: it is not. */
  readonly reason: number;
  /** Kept for a peer that has not sent it again since it restarted (RFC 4724). */
  readonly stale: boolean;
}

/** Paths of one route. */
export interface MonitoredRoute {
  readonly family: Family;
  /** Number of the route in its family, for {@link RibMonitor.nlri}. */
  readonly route: number;
  readonly paths: readonly MonitoredPath[];
}

/** A route as a peer was sent it. */
export interface SentRoute {
  readonly family: Family;
  readonly route: number;
  readonly set: number;
  /** Path identifier that we gave it, 0 without ADD-PATH. */
  readonly pathId: number;
}

export class RibMonitor {
  readonly #attributes: AttributeTable;
  readonly #families: ReadonlyMap<Family, FamilyRib>;

  constructor(attributes: AttributeTable, families: ReadonlyMap<Family, FamilyRib>) {
    this.#attributes = attributes;
    this.#families = families;
  }

  /** Number of the route whose NLRI stands from `start` to `end`; -1 where it is not known. */
  find(family: Family, bytes: Uint8Array, start: number, end: number): number {
    return this.#families.get(family)?.rib.prefixes.find(bytes, start, end) ?? NONE;
  }

  /** What a peer says about a route under a path identifier; `undefined` where that is nothing. */
  path(family: Family, route: number, peer: number, pathId: number): MonitoredPath | undefined {
    const rib = this.#families.get(family)?.rib;
    if (rib === undefined || route === NONE) return undefined;
    const path = rib.paths.find(route, peer, pathId);
    return path === NONE || rib.isGone(path) ? undefined : monitored(rib, path);
  }

  /** The best path of a route; `undefined` where there is none. */
  best(family: Family, route: number): MonitoredPath | undefined {
    const rib = this.#families.get(family)?.rib;
    const best = route === NONE ? NONE : (rib?.best(route) ?? NONE);
    return best === NONE ? undefined : monitored(rib!, best);
  }

  /**
   * Every route with its paths of some peers, those without any left out; `undefined` now and then, where there is
   * nothing for a while, so that the caller can pause. He may take his time: what changes meanwhile is there as it is
   * when its turn comes.
   * @param wanted asked of peers by their number.
   */
  *routes(wanted: (peer: number) => boolean): Generator<MonitoredRoute | undefined> {
    for (const { family, rib } of this.#families.values()) {
      for (let route = 0; route < rib.prefixes.top; route++) {
        if (route % STEP === 0) yield undefined;
        if (rib.paths.first(route) === NONE) continue;
        const paths: MonitoredPath[] = [];
        rib.eachAt(route, (path) => {
          if (wanted(rib.paths.peer(path))) paths.push(monitored(rib, path));
        });
        if (paths.length > 0) yield { family, route, paths };
      }
    }
  }

  /** Every route that has a best path, with that path alone; as {@link routes}. */
  *bestRoutes(): Generator<MonitoredRoute | undefined> {
    for (const { family, rib } of this.#families.values()) {
      for (let route = 0; route < rib.prefixes.top; route++) {
        if (route % STEP === 0) yield undefined;
        const best = rib.best(route);
        if (best !== NONE) yield { family, route, paths: [monitored(rib, best)] };
      }
    }
  }

  /**
   * Every route that a peer was sent and is still to believe, as {@link routes}; the number of a set is valid only until
   * the next one is asked for.
   */
  *sent(peer: number): Generator<SentRoute | undefined> {
    for (const known of this.#families.values()) {
      const { family, rib } = known;
      for (let entry = 0; entry < (known.groupOf(peer)?.topFor(peer) ?? 0); entry++) {
        if (entry % STEP === 0) yield undefined;
        const group = known.groupOf(peer)!;
        const set = group.sentTo(peer, entry);
        if (set === 0) continue;
        const { addPath } = group;
        const route = addPath ? rib.paths.prefix(entry) : entry;
        yield { family, route, set, pathId: addPath ? pathIdOf(entry) : 0 };
      }
    }
  }

  /** NLRI of a route, with what a set says beside the key, such as labels; `undefined`: in the form of a withdrawal. */
  nlri(family: Family, route: number, set: number | undefined): Uint8Array {
    const { prefixes } = this.#families.get(family)!.rib;
    const data = set === undefined ? undefined : this.#attributes.data(set);
    const nlri = new Uint8Array(prefixes.size(route, data));
    prefixes.write(route, data, nlri, 0);
    return nlri;
  }

  /**
   * Attributes of a set by type, AS numbers of 4 octets, without NEXT_HOP and the MP attributes; a view that is valid
   * until the RIB changes.
   */
  attributes(set: number): Uint8Array {
    const bytes = this.#attributes.bytes(set);
    return bytes.subarray(attributesStart(bytes, 0));
  }

  /** Next hop of a set, none for an own route that carries each session's address; a view as of {@link attributes}. */
  nextHop(set: number): Uint8Array {
    return this.#attributes.nextHop(set);
  }
}

function monitored({ paths }: LocRib, path: number): MonitoredPath {
  const flags = paths.flags(path);
  return {
    peer: paths.peer(path),
    pathId: paths.pathId(path),
    received: paths.received(path),
    selected: paths.selected(path),
    reason: flags & REASON,
    stale: (flags & STALE) !== 0,
  };
}
