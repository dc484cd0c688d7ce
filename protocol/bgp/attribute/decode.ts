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
import { ATTRIBUTE_BY_TYPE, type PathAttributes, type UnknownAttribute } from './table.ts';

/** Attributes with what was wrong with them; the caller applies the strongest outcome (RFC 7606 §3 h). */
export interface DecodedAttributes {
  readonly attributes: PathAttributes;
  readonly faults: readonly AttributeFault[];
}

const MP_REACH = 14;
const MP_UNREACH = 15;

type Collected = { [name: string]: unknown } & { unknown?: UnknownAttribute[]; partial?: number[] };

/**
 * Reads the attributes in `message` from `start` to `end` (offsets in the whole message).
 * @throws BgpError where RFC 7606 leaves nothing but to end the session: 3/1 on a repeated MP attribute, 3/2 on an
 * unknown well-known one, 3/9 on an MP attribute that cannot be read.
 */
export function decodeAttributes(
  message: Uint8Array,
  start: number,
  end: number,
  context: CodecContext,
): DecodedAttributes {
  const collected: Collected = {};
  const faults: AttributeFault[] = [];
  const seen = new Set<number>();
  for (let at = start; at < end; ) {
    const frame = frameAt(message, at, end, faults);
    if (frame === undefined) break;
    decodeOne(message, frame, context, seen, collected, faults);
    at = frame.end;
  }
  return { attributes: collected as PathAttributes, faults };
}

interface Frame {
  readonly start: number;
  readonly flags: number;
  readonly type: number;
  readonly value: number;
  readonly end: number;
}

/** Header of the attribute at `at`; where it does not fit, notes the fault and returns nothing (RFC 7606 §4). */
function frameAt(message: Uint8Array, at: number, end: number, faults: AttributeFault[]): Frame | undefined {
  const flags = message[at]!;
  const headerLength = flags & EXTENDED_LENGTH ? 4 : 3;
  const type = at + 1 < end ? message[at + 1]! : 0;
  if (at + headerLength > end) {
    faults.push(fault('treat-as-withdraw', type, at, `attribute header is cut off, ${end - at} octets left`));
    return undefined;
  }
  const length = headerLength === 4 ? readUint16(message, at + 2) : message[at + 2]!;
  const value = at + headerLength;
  if (value + length > end) {
    const reason = `attribute ${type} of ${length} octets runs past the attributes (${end - value} left)`;
    // Its routes cannot be found, so there is nothing to treat as withdrawn (RFC 7606 §3 j).
    if (type === MP_REACH || type === MP_UNREACH) {
      throw new BgpError('UPDATE attributes', at, reason, 3, 9, message.slice(at, end));
    }
    faults.push(fault('treat-as-withdraw', type, at, reason));
    return undefined;
  }
  return { start: at, flags, type, value, end: value + length };
}

function decodeOne(
  message: Uint8Array,
  frame: Frame,
  context: CodecContext,
  seen: Set<number>,
  collected: Collected,
  faults: AttributeFault[],
): void {
  const { type, flags, start } = frame;
  if (seen.has(type)) {
    if (type === MP_REACH || type === MP_UNREACH) {
      throw new BgpError('UPDATE attributes', start, `attribute ${type} must not be repeated`, 3, 1);
    }
    faults.push(
      fault('attribute-discard', type, start, `attribute ${type} is repeated, the first one counts`),
    );
    return;
  }
  seen.add(type);
  const known = ATTRIBUTE_BY_TYPE[type];
  if (known === undefined) decodeUnknown(message, frame, collected);
  else if (known[1].internalOnly && context.peerType === 'external') {
    faults.push(
      fault('attribute-discard', type, start, `${known[1].name} from an external peer is discarded`),
    );
  } else if ((flags & (OPTIONAL | TRANSITIVE)) !== known[1].flags) {
    const reason = `${known[1].name}: flags 0x${flags.toString(16)} must have 0x${known[1].flags.toString(16)} set`;
    // The Optional and Transitive bits are wrong: RFC 7606 §3 c.
    if (known[1].malformed === 'session-reset') {
      throw new BgpError('UPDATE attributes', start, reason, 3, 9, message.slice(start, frame.end));
    }
    faults.push(fault('treat-as-withdraw', type, start, reason));
  } else decodeKnown(known[0], known[1], message, frame, context, collected, faults);
}

function decodeKnown(
  name: string,
  codec: AttributeCodec<unknown>,
  message: Uint8Array,
  frame: Frame,
  context: CodecContext,
  collected: Collected,
  faults: AttributeFault[],
): void {
  try {
    collected[name] = codec.decode(message.subarray(frame.value, frame.end), context, frame.value);
    if (frame.flags & PARTIAL && codec.flags === (OPTIONAL | TRANSITIVE)) {
      collected.partial = [...(collected.partial ?? []), frame.type].sort((a, b) => a - b);
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    if (codec.malformed === 'session-reset') {
      const reason = error.message.slice(error.message.indexOf(': ') + 2);
      throw new BgpError(codec.name, error.offset, reason, 3, 9, message.slice(frame.start, frame.end));
    }
    faults.push(fault(codec.malformed, frame.type, error.offset, error.message));
  }
}

/** Transitive ones are kept for passing on, others dropped in silence (RFC 4271 §5, §9). */
function decodeUnknown(message: Uint8Array, frame: Frame, collected: Collected): void {
  const { flags, type, start, value, end } = frame;
  if (!(flags & OPTIONAL)) {
    const expected = `attribute ${type} is unknown and claims to be well-known`;
    throw new BgpError('UPDATE attributes', start, expected, 3, 2, message.slice(start, end));
  }
  if (!(flags & TRANSITIVE)) return;
  const attribute = { type, flags: flags & 0xe0, value: message.slice(value, end) };
  collected.unknown = [...(collected.unknown ?? []), attribute].sort((a, b) => a.type - b.type);
}

function fault(outcome: AttributeOutcome, type: number, offset: number, reason: string): AttributeFault {
  return { outcome, type, offset, reason };
}
