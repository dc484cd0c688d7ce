// Changes inside a BGP message that keep the lengths around them right, so that the code behind the frames is reached.
import { attributeFrame } from '../../protocol/bgp/attribute/decode.ts';
import { readUint16 } from '../../protocol/bgp/byte-writer.ts';
import { HEADER_LENGTH, OPEN, UPDATE } from '../../protocol/bgp/message/header.ts';
import { joined, mutateBytes } from './mutate.ts';
import type { FuzzRandom } from './random.ts';

const EXTENDED_LENGTH = 0x10;
const MULTIPROTOCOL = [14, 15];

/** The parts that mutations take from other messages. */
export interface Pool {
  readonly messages: readonly Uint8Array[];
  /** Whole path attributes. */
  readonly attributes: readonly Uint8Array[];
  /** Whole capabilities. */
  readonly capabilities: readonly Uint8Array[];
  /** NLRI of single routes. */
  readonly routes: readonly Uint8Array[];
}

/** A message that differs from the seed: in its octets, in its parts, or in both; its header is right nearly always. */
export function mutateMessage(seed: Uint8Array, random: FuzzRandom, pool: Pool): Uint8Array {
  let bytes = seed;
  const kind = random.below(10);
  if (kind < 6) bytes = mutateParts(bytes, random, pool);
  if (kind === 5 || kind >= 6) bytes = mutateBytes(bytes, random, pool.messages);
  return random.oneIn(12) ? bytes : withHeader(bytes);
}

/** The same octets behind a marker and with the length that there is. */
export function withHeader(bytes: Uint8Array): Uint8Array {
  if (bytes.length < HEADER_LENGTH) return bytes;
  const copy = bytes.slice(0, 0xffff);
  copy.fill(0xff, 0, 16);
  copy[16] = copy.length >>> 8;
  copy[17] = copy.length;
  return copy;
}

function mutateParts(bytes: Uint8Array, random: FuzzRandom, pool: Pool): Uint8Array {
  if (bytes[18] === UPDATE) return mutateUpdate(bytes, random, pool);
  if (bytes[18] === OPEN) return mutateOpen(bytes, random, pool);
  const body = mutateBytes(bytes.subarray(HEADER_LENGTH), random, pool.routes);
  return joined(bytes.subarray(0, HEADER_LENGTH), body);
}

function mutateUpdate(bytes: Uint8Array, random: FuzzRandom, pool: Pool): Uint8Array {
  const withdrawnEnd = HEADER_LENGTH + 2 + readUint16(bytes, HEADER_LENGTH);
  const attributesEnd = withdrawnEnd + 2 + readUint16(bytes, withdrawnEnd);
  if (attributesEnd > bytes.length) return mutateBytes(bytes, random, pool.messages);
  let withdrawn = bytes.subarray(HEADER_LENGTH + 2, withdrawnEnd);
  let nlri = bytes.subarray(attributesEnd);
  const attributes = splitAttributes(bytes, withdrawnEnd + 2, attributesEnd);
  for (let left = 1 + random.below(3); left > 0; left--) {
    const what = random.below(12);
    if (what === 0) withdrawn = mutateRoutes(withdrawn, random, pool);
    else if (what <= 2) nlri = mutateRoutes(nlri, random, pool);
    else if (what <= 9 && attributes.length > 0) {
      const at = random.below(attributes.length);
      attributes[at] = mutateAttribute(attributes[at]!, random, pool);
    } else shuffleParts(attributes, random, pool.attributes);
  }
  const list = joined(...attributes);
  const head = joined(bytes.subarray(0, HEADER_LENGTH), uint16(withdrawn.length), withdrawn);
  return joined(head, uint16(list.length), list, nlri);
}

function splitAttributes(bytes: Uint8Array, start: number, limit: number): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let at = start; at < limit; ) {
    const { end, cut } = attributeFrame(bytes, at, limit);
    list.push(bytes.subarray(at, cut === undefined ? end : limit));
    if (cut !== undefined) break;
    at = end;
  }
  return list;
}

/** Another value in the same frame, other flags, or another type. */
function mutateAttribute(attribute: Uint8Array, random: FuzzRandom, pool: Pool): Uint8Array {
  if (attribute.length < 3) return attribute;
  const flags = attribute[0]!;
  const type = attribute[1]!;
  const value = attribute.subarray(flags & EXTENDED_LENGTH ? 4 : 3);
  switch (random.below(8)) {
    case 0:
      return attributeOf(random.oneIn(2) ? flags ^ (0x10 << random.below(4)) : random.uint32(), type, value);
    case 1:
      return attributeOf(flags, random.oneIn(2) ? random.below(45) : random.below(256), value);
    default:
      return attributeOf(flags, type, mutateValue(type, value, random, pool));
  }
}

function mutateValue(type: number, value: Uint8Array, random: FuzzRandom, pool: Pool): Uint8Array {
  if (!MULTIPROTOCOL.includes(type) || random.oneIn(3)) return mutateBytes(value, random, pool.routes);
  const routesAt = type === 15 ? 3 : 5 + (value[3] ?? 0);
  return joined(value.subarray(0, routesAt), mutateRoutes(value.subarray(routesAt), random, pool));
}

function mutateRoutes(routes: Uint8Array, random: FuzzRandom, pool: Pool): Uint8Array {
  if (!random.oneIn(3)) return mutateBytes(routes, random, pool.routes);
  const more = Array.from({ length: 1 + random.below(4) }, () => random.pick(pool.routes));
  return joined(routes, ...more);
}

/** @returns a whole attribute; its flags say how long its length is. */
export function attributeOf(flags: number, type: number, value: Uint8Array): Uint8Array {
  if (value.length > 255 || flags & EXTENDED_LENGTH) {
    return joined(Uint8Array.of(flags | EXTENDED_LENGTH, type), uint16(value.length), value);
  }
  return joined(Uint8Array.of(flags, type, value.length), value);
}

/** One more, one less, or another order. */
function shuffleParts(parts: Uint8Array[], random: FuzzRandom, pool: readonly Uint8Array[]): void {
  const at = random.below(parts.length + 1);
  switch (random.below(4)) {
    case 0:
      parts.splice(at, 1);
      return;
    case 1:
      if (parts.length > 0) parts.splice(at, 0, random.pick(parts));
      return;
    case 2:
      parts.splice(at, 0, ...parts.splice(random.below(parts.length), 1));
      return;
    default:
      parts.splice(at, 0, random.pick(pool));
  }
}

function mutateOpen(bytes: Uint8Array, random: FuzzRandom, pool: Pool): Uint8Array {
  const fixed = bytes.slice(0, HEADER_LENGTH + 9);
  if (random.oneIn(6)) {
    return joined(mutateBytes(fixed.subarray(HEADER_LENGTH), random, []), bytes.subarray(fixed.length));
  }
  const capabilities = splitCapabilities(bytes);
  for (let left = 1 + random.below(3); left > 0; left--) {
    const at = random.below(capabilities.length);
    const capability = capabilities[at];
    if (capability === undefined || random.oneIn(3)) shuffleParts(capabilities, random, pool.capabilities);
    else {
      const value = mutateBytes(capability.subarray(2), random, pool.capabilities).subarray(0, 255);
      const code = random.oneIn(8) ? random.below(140) : capability[0]!;
      capabilities[at] = joined(Uint8Array.of(code, value.length), value);
    }
  }
  return joined(fixed, parameters(capabilities, random.oneIn(3)));
}

function splitCapabilities(bytes: Uint8Array): Uint8Array[] {
  const extended = bytes[HEADER_LENGTH + 10] === 255;
  const list: Uint8Array[] = [];
  for (let at = HEADER_LENGTH + (extended ? 13 : 10); at < bytes.length; ) {
    const size = extended ? readUint16(bytes, at + 1) : (bytes[at + 1] ?? 0);
    const start = at + (extended ? 3 : 2);
    for (let from = start; from + 2 <= Math.min(start + size, bytes.length); ) {
      const next = from + 2 + bytes[from + 1]!;
      list.push(bytes.subarray(from, next));
      from = next;
    }
    at = start + size;
  }
  return list;
}

function parameters(capabilities: readonly Uint8Array[], single: boolean): Uint8Array {
  const groups = single ? capabilities : [joined(...capabilities)];
  const short = groups.reduce((sum, group) => sum + 2 + group.length, 0);
  if (short <= 255) {
    const list = groups.map((group) => joined(Uint8Array.of(2, group.length), group));
    return joined(Uint8Array.of(short), ...list);
  }
  const list = groups.map((group) => joined(Uint8Array.of(2), uint16(group.length), group));
  return joined(Uint8Array.of(255, 255), uint16(short + groups.length), ...list);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}
