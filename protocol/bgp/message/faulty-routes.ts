/** Single routes of an UPDATE that cannot be used, though all of them can be told apart. */
import { FAMILIES, type Family } from '../family.ts';
import type { Announced, RouteFault } from '../nlri/codec.ts';
import { forEachPrefix } from '../nlri/prefixes.ts';
import { NLRI_CODECS } from '../nlri/table.ts';
import { forEachRoute, PATH_ID_LENGTH } from '../nlri/walk.ts';

export interface FaultyRoute {
  readonly family: Family;
  /** With its path identifier, where it has one; a view on the message. */
  readonly bytes: Uint8Array;
  /** It stood among withdrawn routes. */
  readonly withdraws: boolean;
  readonly outcome: RouteFault['outcome'];
  /** Octets from the start of the message to the fault. */
  readonly offset: number;
  /** One line: what was found and expected. */
  readonly reason: string;
  /** The clause that says so. */
  readonly rfc: string;
}

/**
 * Adds the faulty ones among the routes in `field`, a view on `message` whose structure was checked.
 * @param announced what the message says of them; `undefined` for withdrawn routes.
 */
export function findFaultyRoutes(
  message: Uint8Array,
  family: Family,
  field: Uint8Array,
  addPath: boolean,
  announced: Announced | undefined,
  into: FaultyRoute[],
): void {
  const base = field.byteOffset - message.byteOffset;
  const before = addPath ? PATH_ID_LENGTH : 0;
  const { prefixes, safi, bytes: size } = FAMILIES[family];
  if (!prefixes) {
    const codec = NLRI_CODECS[family];
    forEachRoute(family, field, addPath, (offset, end) => {
      const fault = codec.validate(field.subarray(offset, end), announced);
      if (fault === undefined) return;
      into.push({
        family,
        bytes: field.subarray(offset - before, end),
        withdraws: announced === undefined,
        outcome: fault.outcome,
        offset: base + offset + fault.offset,
        reason: fault.expected,
        rfc: fault.rfc,
      });
    });
    return;
  }
  // RFC 4271 §6.3: a multicast prefix among unicast routes is ignored.
  if (safi !== 1 || announced === undefined) return;
  const [bitsOfClass, mask, multicast] = size === 4 ? [4, 0xf0, 0xe0] : [8, 0xff, 0xff];
  forEachPrefix(
    field,
    (offset, bits) => {
      if ((field[offset]! & mask) !== multicast || bits < bitsOfClass) return;
      into.push({
        family,
        bytes: field.subarray(offset - 1 - before, offset + ((bits + 7) >> 3)),
        withdraws: false,
        outcome: 'drop',
        offset: base + offset,
        reason: 'multicast prefix among unicast routes',
        rfc: 'RFC 4271 §6.3',
      });
    },
    addPath,
  );
}
