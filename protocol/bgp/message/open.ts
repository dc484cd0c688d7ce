/**
 * OPEN, RFC 4271 §4.2: after the header
 *
 *   0: 1 Version · 1: 2 My AS · 3: 2 Hold time · 5: 4 BGP identifier · 9: 1 Optional parameters length · 10: parameters
 *
 * A parameter is type (1), length (1), value; type 2 holds capabilities (RFC 5492 §4). If the first parameter type is
 * 255, a 2-octet length of all parameters follows and every parameter has a 2-octet length (RFC 9072 §2); the short
 * length then only says that there are parameters. In any other place 255 is an unknown type (§3).
 */
import { ByteWriter, readUint16, readUint32 } from '../byte-writer.ts';
import { type Capability, decodeCapability, encodeCapability } from '../capability/capability.ts';
import { BgpError } from '../error.ts';
import { beginMessage, endMessage, HEADER_LENGTH, MAX_MESSAGE_LENGTH, OPEN } from './header.ts';

/** Stands in 2-octet fields for an AS number that does not fit (RFC 6793 §9). */
export const AS_TRANS = 23456;

/** Optional parameter types; every other one is refused. */
export const CAPABILITIES_PARAMETER = 2;
/** As the first parameter: the extended form follows (RFC 9072 §2). */
export const EXTENDED_LENGTH_PARAMETER = 255;

/** What all faults here are dealt with by. */
const CLAUSE = 'RFC 4271 §6.2';

export interface OpenMessage {
  readonly kind: 'open';
  readonly version: number;
  /** The 2-octet field as it stands; the AS of a 4-octet speaker is in its capability. */
  readonly myAs: number;
  /** Seconds. */
  readonly holdTime: number;
  /** BGP identifier as an unsigned integer. */
  readonly bgpId: number;
  /** In the order sent, over all capability parameters. */
  readonly capabilities: readonly Capability[];
}

/**
 * Reads a whole OPEN (29 octets or more).
 * @throws BgpError 2/1 with the version that we speak on another one, 2/4 on an unknown parameter, 2/0 on parameters or
 * capabilities that do not fit where they stand or have not the shape of their kind (RFC 4271 §6.2).
 */
export function decodeOpen(bytes: Uint8Array): OpenMessage {
  const version = bytes[HEADER_LENGTH]!;
  if (version !== 4) {
    const supported = Uint8Array.of(0, 4);
    throw new BgpError('OPEN', HEADER_LENGTH, `version ${version} must be 4`, 2, 1, supported, CLAUSE);
  }
  return {
    kind: 'open',
    version,
    myAs: readUint16(bytes, HEADER_LENGTH + 1),
    holdTime: readUint16(bytes, HEADER_LENGTH + 3),
    bgpId: readUint32(bytes, HEADER_LENGTH + 5),
    capabilities: decodeParameters(bytes),
  };
}

function decodeParameters(bytes: Uint8Array): Capability[] {
  const shortLength = bytes[HEADER_LENGTH + 9]!;
  const extended = shortLength !== 0 && bytes[HEADER_LENGTH + 10] === EXTENDED_LENGTH_PARAMETER;
  let at = HEADER_LENGTH + 10;
  let length = shortLength;
  if (extended) {
    if (bytes.length < at + 3) throw malformed(at, 'the extended length of the parameters is cut off');
    length = readUint16(bytes, at + 1);
    at += 3;
  }
  if (at + length !== bytes.length) {
    throw malformed(
      at,
      `parameters of ${length} octets must end with the message (${bytes.length - at} left)`,
    );
  }
  const lengthSize = extended ? 2 : 1;
  const capabilities: Capability[] = [];
  while (at < bytes.length) {
    if (at + 1 + lengthSize > bytes.length) throw malformed(at, 'parameter is cut off');
    const type = bytes[at]!;
    const size = lengthSize === 2 ? readUint16(bytes, at + 1) : bytes[at + 1]!;
    if (type !== CAPABILITIES_PARAMETER) {
      // 255 behind the first parameter is one of these (RFC 9072 §3).
      throw new BgpError('OPEN', at, `parameter type ${type} is not supported`, 2, 4, undefined, CLAUSE);
    }
    at += 1 + lengthSize;
    if (at + size > bytes.length) throw malformed(at, `parameter of ${size} octets runs past the message`);
    decodeCapabilities(bytes, at, at + size, capabilities);
    at += size;
  }
  return capabilities;
}

function decodeCapabilities(bytes: Uint8Array, start: number, end: number, into: Capability[]): void {
  for (let at = start; at < end; ) {
    if (at + 2 > end) throw malformed(at, 'capability is cut off');
    const length = bytes[at + 1]!;
    if (at + 2 + length > end) throw malformed(at, `capability of ${length} octets runs past its parameter`);
    into.push(decodeCapability(bytes[at]!, bytes.subarray(at + 2, at + 2 + length), at + 2));
    at += 2 + length;
  }
}

function malformed(offset: number, expected: string): BgpError {
  return new BgpError('OPEN', offset, expected, 2, 0, undefined, CLAUSE);
}

/** How {@link encodeOpen} lays out what an OPEN says in one of several ways. */
export interface OpenLayout {
  /** Capabilities in each optional parameter; default: all in one. FRR sends one in each (RFC 5492 §4). */
  readonly perParameter?: number;
  /** Takes the extended form of RFC 9072 even where the short one would do. */
  readonly extended?: boolean;
}

/**
 * Whole message; in the extended form of RFC 9072 §2 where the parameters need more than 255 octets.
 * @throws RangeError where a capability is longer than 255 octets, or the message than 4096 (RFC 8654 §4).
 */
export function encodeOpen(message: Omit<OpenMessage, 'kind'>, layout: OpenLayout = {}): Uint8Array {
  const parameters = capabilityParameters(
    message.capabilities,
    layout.perParameter ?? Number.POSITIVE_INFINITY,
  );
  const short = parameters.reduce((total, value) => total + 2 + value.length, 0);
  const extended = layout.extended === true || short > 255;
  const writer = new ByteWriter(64);
  const start = beginMessage(writer, OPEN);
  writer.uint8(message.version);
  writer.uint16(message.myAs);
  writer.uint16(message.holdTime);
  writer.uint32(message.bgpId);
  if (extended) {
    writer.uint8(255);
    writer.uint8(EXTENDED_LENGTH_PARAMETER);
    writer.uint16(short + parameters.length);
  } else {
    writer.uint8(short);
  }
  for (const value of parameters) {
    writer.uint8(CAPABILITIES_PARAMETER);
    if (extended) writer.uint16(value.length);
    else writer.uint8(value.length);
    writer.append(value);
  }
  endMessage(writer, start);
  const length = writer.position - start;
  if (length > MAX_MESSAGE_LENGTH) {
    throw new RangeError(`OPEN of ${length} octets, at most ${MAX_MESSAGE_LENGTH} fit`);
  }
  return writer.finish();
}

/** Values of the parameters that hold these capabilities, `perParameter` in each. */
function capabilityParameters(capabilities: readonly Capability[], perParameter: number): Uint8Array[] {
  const parameters: Uint8Array[] = [];
  for (let at = 0; at < capabilities.length; at += perParameter) {
    const writer = new ByteWriter();
    for (const capability of capabilities.slice(at, at + perParameter)) encodeCapability(capability, writer);
    parameters.push(writer.finish());
  }
  return parameters;
}
