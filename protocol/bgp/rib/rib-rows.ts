/** The paths of a RIB as octets, for dumps: no text and no object per attribute. */
import type { Family } from '../family.ts';
import { attributesStart } from './attribute-set.ts';
import type { AttributeTable } from './attribute-table.ts';
import type { FamilyRib } from './family-rib.ts';

/** A path. */
export interface RibRow {
  /** Number of the peer that it came from; 0 for an own route. */
  readonly peer: number;
  /** Path identifier that the peer gave it, 0 without ADD-PATH (RFC 7911). */
  readonly pathId: number;
  /** None for an own route that carries each session's address. */
  readonly nextHop: Uint8Array;
  /** After import: by type, AS numbers of 4 octets, without NEXT_HOP and MP attributes. */
  readonly attributes: Uint8Array;
}

/** All paths of one route. The octets are views that are valid until the RIB changes. */
export interface RouteRows {
  readonly family: Family;
  readonly nlri: Uint8Array;
  readonly rows: readonly RibRow[];
}

/** Every route of a family. What changes while somebody takes his time is there as it is when its turn comes. */
export function* allRows(attributes: AttributeTable, { family, rib }: FamilyRib): Generator<RouteRows> {
  const { prefixes, paths } = rib;
  for (let prefix = 0; prefix < prefixes.top; prefix++) {
    const first = paths.first(prefix);
    if (first < 0) continue;
    const rows: RibRow[] = [];
    let data: Uint8Array | undefined;
    rib.eachAt(prefix, (path) => {
      const set = paths.selected(path);
      const bytes = attributes.bytes(set);
      data ??= attributes.data(set);
      rows.push({
        peer: paths.peer(path),
        pathId: paths.pathId(path),
        nextHop: bytes.subarray(1, 1 + bytes[0]!),
        attributes: bytes.subarray(attributesStart(bytes, 0)),
      });
    });
    if (rows.length === 0) continue;
    const nlri = new Uint8Array(prefixes.size(prefix, data));
    prefixes.write(prefix, data, nlri, 0);
    yield { family, nlri, rows };
  }
}
