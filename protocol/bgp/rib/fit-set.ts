/** Attributes that leave no room for a route in a message: RFC 4271 §9.2, RFC 8654 §4. */
import { attributesLength, shedAttributes } from '../attribute/encode.ts';
import type { AttributeTable } from './attribute-table.ts';
import type { RouteAttributes } from './route.ts';
import type { UpdateWriter, WriterProfile } from './update-writer.ts';

/** A set of so few octets fits into every message beside a prefix. */
const SMALL = 2048;

/**
 * The set itself where it leaves room for a route of `size` octets, or one without attributes that may be shed
 * (RFC 8654 §4), or 0: then the route is not advertised, and withdrawn if it was. Takes over the caller's reference.
 */
export function fitSet(
  table: AttributeTable,
  set: number,
  size: number,
  writer: UpdateWriter,
  { fourOctetAs }: WriterProfile,
): number {
  if (table.size(set) + size <= SMALL) return set;
  const missing = size - writer.room(set);
  if (missing <= 0) return set;
  const { nextHop, ...rest } = table.get(set);
  const context = { fourOctetAs };
  const shed = shedAttributes(rest, attributesLength(rest, context) - missing, context);
  const result = shed === undefined ? 0 : table.intern({ ...shed, nextHop } as RouteAttributes);
  table.release(set);
  return result;
}
