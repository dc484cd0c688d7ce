/**
 * The path attributes of an UPDATE, RFC 4271 §4.3 and §6.3 as revised by RFC 7606. Each is
 *
 *   0: 1 flags · 1: 1 type · 2: length (1 octet, 2 with the extended-length flag) · value
 */
import { DecodeError } from '../../bytes/decode-error.ts';
import { readUint16 } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { type AttributeFault, type AttributeOutcome, BgpError } from '../error.ts';
import { type AttributeCodec, EXTENDED_LENGTH, OPTIONAL, PARTIAL, TRANSITIVE } from './codec.ts';
import { ATTRIBUTE_BY_TYPE, attributeName, type PathAttributes, type UnknownAttribute } from './table.ts';

/** Attributes with what was wrong with them; the caller applies the strongest outcome (RFC 7606 §3 h). */
export interface DecodedAttributes {
  readonly attributes: PathAttributes;
  readonly faults: readonly AttributeFault[];
}

const MP_REACH = 14;
const MP_UNREACH = 15;

/**
 * The message in which each type was seen last, by a running number: cheaper than a fresh set per message. A number, and
 * not an integer of 32 bits, so that it never comes round again.
 */
const seen = new Float64Array(256);
let round = 0;

type Collected = { [name: string]: unknown } & { unknown?: UnknownAttribute[]; partial?: number[] };

/**
 * Reads the attributes in `message` from `start` to `end` (offsets in the whole message).
 * @param faults where faults go, in the order of the bytes; a caller that gives its own has those before a BgpError.
 * @throws BgpError where RFC 7606 leaves nothing but to end the session: 3/1 on a repeated MP attribute, 3/2 on an
 * unknown well-known one, 3/9 on an MP attribute that cannot be read.
 */
export function decodeAttributes(
  message: Uint8Array,
  start: number,
  end: number,
  context: CodecContext,
  faults: AttributeFault[] = [],
): DecodedAttributes {
  const collected: Collected = {};
  round += 1;
  for (let at = start; at < end; ) {
    const frame = attributeFrame(message, at, end);
    if (frame.cut !== undefined) {
      faults.push(cutOff(message, frame, frame.cut, end));
      break;
    }
    decodeOne(message, frame, context, collected, faults);
    at = frame.end;
  }
  return { attributes: collected as PathAttributes, faults };
}

/** Where the parts of one attribute stand. */
export interface AttributeFrame {
  readonly start: number;
  readonly flags: number;
  /** 0 where not even the type is there. */
  readonly type: number;
  /** Where the value starts. */
  readonly value: number;
  readonly end: number;
  /** Why the attribute does not fit into what is there; `value` and `end` mean nothing then. */
  readonly cut: string | undefined;
}

/** The frame of the attribute that starts at `at`, before `end`. */
export function attributeFrame(message: Uint8Array, at: number, end: number): AttributeFrame {
  const flags = message[at]!;
  const value = at + (flags & EXTENDED_LENGTH ? 4 : 3);
  const type = at + 1 < end ? message[at + 1]! : 0;
  if (value > end) {
    const cut = `attribute header is cut off, ${end - at} octets left`;
    return { start: at, flags, type, value: end, end, cut };
  }
  const length = flags & EXTENDED_LENGTH ? readUint16(message, at + 2) : message[at + 2]!;
  if (value + length > end) {
    const cut = `${attributeName(type)} of ${length} octets runs past the attributes (${end - value} left)`;
    return { start: at, flags, type, value, end, cut };
  }
  return { start: at, flags, type, value, end: value + length, cut: undefined };
}

/** The frame of the first attribute of a type; `undefined` where there is none. */
export function findAttribute(
  message: Uint8Array,
  start: number,
  end: number,
  type: number,
): AttributeFrame | undefined {
  for (let at = start; at < end; ) {
    const frame = attributeFrame(message, at, end);
    if (frame.cut !== undefined) return undefined;
    if (frame.type === type) return frame;
    at = frame.end;
  }
  return undefined;
}

/**
 * An attribute that does not fit: the routes stand where the total length says, and are withdrawn (RFC 7606 §4). Those
 * of an MP attribute cannot be found, so there is nothing to treat as withdrawn (§3 j).
 */
function cutOff(message: Uint8Array, frame: AttributeFrame, reason: string, end: number): AttributeFault {
  const { type, start } = frame;
  if (type === MP_REACH || type === MP_UNREACH) {
    throw new BgpError('UPDATE attributes', start, reason, 3, 9, message.slice(start, end), 'RFC 7606 §5.3');
  }
  return fault('treat-as-withdraw', type, start, reason, 'RFC 7606 §4');
}

function decodeOne(
  message: Uint8Array,
  frame: AttributeFrame,
  context: CodecContext,
  collected: Collected,
  faults: AttributeFault[],
): void {
  const { type, start } = frame;
  if (seen[type] === round) {
    const reason = `${attributeName(type)} must not be repeated`;
    if (type === MP_REACH || type === MP_UNREACH) {
      throw new BgpError('UPDATE attributes', start, reason, 3, 1, undefined, 'RFC 7606 §3 g');
    }
    faults.push(fault('attribute-discard', type, start, `${reason}, the first one counts`, 'RFC 7606 §3 g'));
    return;
  }
  seen[type] = round;
  const known = ATTRIBUTE_BY_TYPE[type];
  if (known === undefined) decodeUnknown(message, frame, collected);
  else if (inScope(known[1], frame, context, faults)) {
    if (flagsFit(known[1], message, frame, faults)) {
      decodeKnown(known[0], known[1], message, frame, context, collected, faults);
    }
  }
}

/** Whether this peer may send the attribute; whatever it says is dropped otherwise. */
function inScope(
  codec: AttributeCodec<unknown>,
  { type, start }: AttributeFrame,
  context: CodecContext,
  faults: AttributeFault[],
): boolean {
  const { scope } = codec;
  if (scope === undefined || scope.peers.includes(context.peerType)) return true;
  if (!scope.quiet) {
    const reason = `${codec.name} from ${context.peerType === 'external' ? 'an external peer' : 'another member AS'} is discarded`;
    faults.push(fault('attribute-discard', type, start, reason, scope.rfc));
  }
  return false;
}

/** Whether the Optional and Transitive bits are those that the attribute must have (RFC 7606 §3 c). */
function flagsFit(
  codec: AttributeCodec<unknown>,
  message: Uint8Array,
  { type, start, flags, end }: AttributeFrame,
  faults: AttributeFault[],
): boolean {
  if ((flags & (OPTIONAL | TRANSITIVE)) === codec.flags) return true;
  const reason = `${codec.name}: flags 0x${hex(flags)} must have 0x${hex(codec.flags)} of 0xc0 set`;
  if (codec.malformed === 'session-reset') {
    throw new BgpError(
      'UPDATE attributes',
      start,
      reason,
      3,
      9,
      message.slice(start, end),
      codec.malformedRfc,
    );
  }
  const rfc = codec.wrongFlags === undefined ? 'RFC 7606 §3 c' : codec.malformedRfc;
  faults.push(fault(codec.wrongFlags ?? 'treat-as-withdraw', type, start, reason, rfc));
  return false;
}

function decodeKnown(
  name: string,
  codec: AttributeCodec<unknown>,
  message: Uint8Array,
  frame: AttributeFrame,
  context: CodecContext,
  collected: Collected,
  faults: AttributeFault[],
): void {
  try {
    collected[name] = codec.decode(message.subarray(frame.value, frame.end), context, frame.value);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { malformed, malformedRfc } = codec;
    // A fault at the end of the value is shown at its last octet, or at the length where the value is empty.
    const offset = Math.min(error.offset, frame.end - 1);
    const detail = error.message.slice(error.message.indexOf(': ') + 2);
    if (malformed === 'session-reset') {
      const attribute = message.slice(frame.start, frame.end);
      throw new BgpError(codec.name, offset, detail, 3, 9, attribute, malformedRfc);
    }
    const reason = `${codec.name}, offset ${offset}: ${detail}`;
    faults.push(fault(malformed, frame.type, offset, reason, malformedRfc));
    return;
  }
  if (frame.flags & PARTIAL && codec.flags === (OPTIONAL | TRANSITIVE)) {
    collected.partial = [...(collected.partial ?? []), frame.type].sort((a, b) => a - b);
  }
}

/** Transitive ones are kept for passing on, others dropped in silence (RFC 4271 §5, §9). */
function decodeUnknown(message: Uint8Array, frame: AttributeFrame, collected: Collected): void {
  const { flags, type, start, value, end } = frame;
  if (!(flags & OPTIONAL)) {
    const expected = `attribute ${type} is unknown and claims to be well-known`;
    const attribute = message.slice(start, end);
    throw new BgpError('UPDATE attributes', start, expected, 3, 2, attribute, 'RFC 4271 §6.3');
  }
  if (!(flags & TRANSITIVE)) return;
  const attribute = { type, flags: flags & 0xe0, value: message.slice(value, end) };
  collected.unknown = [...(collected.unknown ?? []), attribute].sort((a, b) => a.type - b.type);
}

function fault(
  outcome: AttributeOutcome,
  type: number,
  offset: number,
  reason: string,
  rfc: string,
): AttributeFault {
  return { outcome, type, offset, reason, rfc };
}

function hex(flags: number): string {
  return flags.toString(16).padStart(2, '0');
}
