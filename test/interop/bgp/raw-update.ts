// UPDATE messages taken apart without podwire's decoder: attributes as octets, and the routes that they are of.
import { type Family, familyOf } from '../../../protocol/bgp/family.ts';
import { forEachRoute } from '../../../protocol/bgp/nlri/walk.ts';

const UPDATE = 2;
const MP_REACH_NLRI = 14;
/** Extended Length, RFC 4271 §4.3: how the length is written says nothing about the attribute. */
const EXTENDED_LENGTH = 0x10;

/** Attributes of a route: octets of flags and value by type, in hex. Of MP_REACH_NLRI the value ends with the next hop. */
export type RawAttributes = ReadonlyMap<number, string>;

export interface RawRoute {
  readonly family: Family;
  readonly pathId: number;
  /** Without a path identifier, in hex. */
  readonly nlri: string;
  readonly attributes: RawAttributes;
}

/** Every route that the messages announce, in order. @param addPath families whose NLRI has path identifiers. */
export function announced(messages: readonly Uint8Array[], addPath: readonly Family[]): RawRoute[] {
  return messages
    .filter((message) => message[18] === UPDATE)
    .flatMap((message) => routesOf(message, addPath));
}

function routesOf(message: Uint8Array, addPath: readonly Family[]): RawRoute[] {
  const at = 19;
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const start = at + 2 + bytes.readUInt16BE(at) + 2;
  const end = start + bytes.readUInt16BE(start - 2);
  const attributes = new Map<number, string>();
  const runs: { family: Family; nlri: Uint8Array }[] = [
    { family: 'ipv4-unicast', nlri: bytes.subarray(end) },
  ];
  for (let i = start; i < end; ) {
    const [flags, type] = [bytes[i]!, bytes[i + 1]!];
    const long = (flags & EXTENDED_LENGTH) !== 0;
    const length = long ? bytes.readUInt16BE(i + 2) : bytes[i + 2]!;
    i += long ? 4 : 3;
    let value = bytes.subarray(i, i + length);
    i += length;
    if (type === MP_REACH_NLRI) {
      const family = familyOf(value.readUInt16BE(0), value[2]!)!;
      const hopEnd = 4 + value[3]!;
      // One reserved octet stands between the next hop and the routes.
      runs.push({ family, nlri: value.subarray(hopEnd + 1) });
      value = value.subarray(0, hopEnd);
    }
    attributes.set(type, `${(flags & ~EXTENDED_LENGTH).toString(16)}:${value.toString('hex')}`);
  }
  return runs.flatMap(({ family, nlri }) => {
    const routes: RawRoute[] = [];
    forEachRoute(family, nlri, addPath.includes(family), (offset, limit, pathId) => {
      routes.push({
        family,
        pathId,
        nlri: Buffer.from(nlri.subarray(offset, limit)).toString('hex'),
        attributes,
      });
    });
    return routes;
  });
}
