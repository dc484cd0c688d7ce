/**
 * UPDATE, RFC 4271 §4.3: after the header
 *
 *   0: 2 withdrawn length · 2: withdrawn routes · 2 attributes length · attributes · NLRI to the end
 *
 * IPv4 unicast stands in the two outer fields, other families in MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760).
 */

import { firstAs } from '../attribute/as-path.ts';
import { mergeAs4 } from '../attribute/as4.ts';
import { type DecodedAttributes, decodeAttributes } from '../attribute/decode.ts';
import { writeAttributes } from '../attribute/encode.ts';
import type { PathAttributes } from '../attribute/table.ts';
import { ByteWriter, readUint16 } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { type AttributeFault, BgpError } from '../error.ts';
import { type Family, familyOf } from '../family.ts';
import { checkNlri, type Nlri } from '../nlri/prefixes.ts';
import { beginMessage, endMessage, HEADER_LENGTH, UPDATE } from './header.ts';

export interface UpdateMessage {
  readonly kind: 'update';
  /** IPv4 prefixes, a view on the message; structure checked. */
  readonly withdrawn: Uint8Array;
  readonly attributes: PathAttributes;
  /** IPv4 prefixes, a view on the message; structure checked. */
  readonly nlri: Uint8Array;
  /** What was wrong with attributes; empty for a sound message. */
  readonly faults: readonly AttributeFault[];
  /** All its routes count as withdrawn (RFC 7606 §2). */
  readonly treatAsWithdraw: boolean;
}

const NEXT_HOP = 3;

/**
 * Reads a whole UPDATE. Attribute faults that RFC 7606 lets a session survive are in the result.
 * @throws BgpError 3/1, 3/2, 3/9 or 3/10 where the session has to end.
 */
export function decodeUpdate(bytes: Uint8Array, context: CodecContext): UpdateMessage {
  const withdrawnEnd = HEADER_LENGTH + 2 + readUint16(bytes, HEADER_LENGTH);
  if (withdrawnEnd + 2 > bytes.length) throw overrun(HEADER_LENGTH, 'withdrawn routes run past the message');
  const attributesStart = withdrawnEnd + 2;
  const attributesEnd = attributesStart + readUint16(bytes, withdrawnEnd);
  if (attributesEnd > bytes.length) throw overrun(withdrawnEnd, 'attributes run past the message');
  const withdrawn = ipv4Field(bytes, HEADER_LENGTH + 2, withdrawnEnd);
  const nlri = ipv4Field(bytes, attributesEnd, bytes.length);
  const decoded = decodeAttributes(bytes, attributesStart, attributesEnd, context);
  const faults = [...decoded.faults, ...missing(decoded, nlri.length > 0, attributesStart, context)];
  const treatAsWithdraw = faults.some((fault) => fault.outcome === 'treat-as-withdraw');
  const attributes = mergeAs4(decoded.attributes, context.fourOctetAs);
  if (treatAsWithdraw) requireRoutes(attributes, nlri, faults);
  return { kind: 'update', withdrawn, attributes, nlri, faults, treatAsWithdraw };
}

function overrun(offset: number, expected: string): BgpError {
  return new BgpError('UPDATE', offset, expected, 3, 1);
}

function ipv4Field(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const field = bytes.subarray(start, end);
  const fault = checkNlri('ipv4-unicast', field);
  if (fault !== undefined) throw new BgpError('UPDATE', start + fault.offset, fault.expected, 3, 10);
  return field;
}

/** Mandatory attributes that are absent (RFC 7606 §3 d), and a path that does not start with the peer (§7.2). */
function missing(
  { attributes, faults: known }: DecodedAttributes,
  hasNlri: boolean,
  offset: number,
  context: CodecContext,
): AttributeFault[] {
  if (!hasNlri && attributes.mpReach === undefined) return [];
  const faults: AttributeFault[] = [];
  const absent = (type: number, name: string): void => {
    if (known.some((fault) => fault.type === type)) return;
    faults.push({ outcome: 'treat-as-withdraw', type, offset, reason: `${name} is missing` });
  };
  if (attributes.origin === undefined) absent(1, 'ORIGIN');
  if (attributes.asPath === undefined) absent(2, 'AS_PATH');
  if (hasNlri && attributes.nextHop === undefined) absent(NEXT_HOP, 'NEXT_HOP');
  if (context.firstAs !== undefined && attributes.asPath !== undefined) {
    const first = firstAs(attributes.asPath);
    const expected = context.fourOctetAs || context.firstAs <= 0xffff ? context.firstAs : 23456;
    if (first !== expected && first !== context.firstAs) {
      const reason = `AS_PATH starts with ${first ?? 'no AS'}, expected the peer's AS ${context.firstAs}`;
      faults.push({ outcome: 'treat-as-withdraw', type: 2, offset, reason });
    }
  }
  return faults;
}

/** RFC 7606 §5.2: with faulty attributes and no routes at all, the NLRI may be what was lost. */
function requireRoutes(
  attributes: PathAttributes,
  nlri: Uint8Array,
  faults: readonly AttributeFault[],
): void {
  if (nlri.length > 0 || attributes.mpReach !== undefined) return;
  const fault = faults.find((candidate) => candidate.outcome === 'treat-as-withdraw')!;
  throw new BgpError('UPDATE', fault.offset, `${fault.reason}, and there are no routes to withdraw`, 3, 1);
}

/** Routes that the message announces, by family, with the next hop octets of each. */
export function announcedRoutes(update: UpdateMessage): (Nlri & { readonly nextHop: Uint8Array })[] {
  const result: (Nlri & { readonly nextHop: Uint8Array })[] = [];
  const { mpReach, nextHop } = update.attributes;
  if (update.treatAsWithdraw) return result;
  if (update.nlri.length > 0) result.push({ family: 'ipv4-unicast', bytes: update.nlri, nextHop: nextHop! });
  const family = mpReach === undefined ? undefined : familyOf(mpReach.afi, mpReach.safi);
  if (family !== undefined && mpReach!.nlri.length > 0) {
    result.push({ family, bytes: mpReach!.nlri, nextHop: mpReach!.nextHop });
  }
  return result;
}

/** Routes that the message withdraws, those it treats as withdrawn among them. */
export function withdrawnRoutes(update: UpdateMessage): Nlri[] {
  const result: Nlri[] = [];
  const { mpReach, mpUnreach } = update.attributes;
  const add = (family: Family | undefined, bytes: Uint8Array): void => {
    if (family !== undefined && bytes.length > 0) result.push({ family, bytes });
  };
  add('ipv4-unicast', update.withdrawn);
  if (mpUnreach !== undefined) add(familyOf(mpUnreach.afi, mpUnreach.safi), mpUnreach.nlri);
  if (update.treatAsWithdraw) {
    add('ipv4-unicast', update.nlri);
    if (mpReach !== undefined) add(familyOf(mpReach.afi, mpReach.safi), mpReach.nlri);
  }
  return result;
}

/** The family whose initial feed this message ends (RFC 4724 §2), if it is such a marker. */
export function endOfRib(update: UpdateMessage): Family | undefined {
  if (update.withdrawn.length > 0 || update.nlri.length > 0) return undefined;
  const names = Object.keys(update.attributes);
  if (names.length === 0) return update.faults.length === 0 ? 'ipv4-unicast' : undefined;
  const { mpUnreach } = update.attributes;
  if (names.length !== 1 || mpUnreach === undefined || mpUnreach.nlri.length > 0) return undefined;
  return familyOf(mpUnreach.afi, mpUnreach.safi);
}

/** Whole message from its parts, for tests and tools; the RIB writes its own in bulk. */
export function encodeUpdate(
  message: Pick<UpdateMessage, 'withdrawn' | 'attributes' | 'nlri'>,
  context: Pick<CodecContext, 'fourOctetAs'>,
): Uint8Array {
  const writer = new ByteWriter(64);
  const start = beginMessage(writer, UPDATE);
  writer.uint16(message.withdrawn.length);
  writer.append(message.withdrawn);
  const lengthAt = writer.position;
  writer.uint16(0);
  writeAttributes(writer, message.attributes, context);
  writer.patchUint16(lengthAt, writer.position - lengthAt - 2);
  writer.append(message.nlri);
  endMessage(writer, start);
  return writer.finish();
}
