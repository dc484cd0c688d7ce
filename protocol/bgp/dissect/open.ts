import { formatIpv4 } from '../../ip/ipv4.ts';
import { readUint16, readUint32 } from '../byte-writer.ts';
import { BgpError } from '../error.ts';
import { HEADER_LENGTH } from '../message/header.ts';
import {
  BAD_BGP_IDENTIFIER,
  BAD_PEER_AS,
  OPEN_MESSAGE_ERROR,
  UNACCEPTABLE_HOLD_TIME,
} from '../message/notification-codes.ts';
import { CAPABILITIES_PARAMETER, decodeOpen, EXTENDED_LENGTH_PARAMETER } from '../message/open.ts';
import { attachError } from './attach-error.ts';
import { capabilityFields } from './capability.ts';
import { type Field, type FieldError, group, leaf, opaque, rest } from './field.ts';
import { sessionReset } from './update.ts';

/** Where the parts of the fixed body stand. */
const AS = HEADER_LENGTH + 1;
const HOLD_TIME = HEADER_LENGTH + 3;
const IDENTIFIER = HEADER_LENGTH + 5;
const LENGTH = HEADER_LENGTH + 9;
const PARAMETERS = HEADER_LENGTH + 10;

/**
 * The body of an OPEN in `bytes`, marker to end, whatever it is: every parameter and capability with its octets, and
 * what every receiver refuses. What depends on a receiver's configuration, such as the AS, is not judged. Never throws.
 */
export function dissectOpen(bytes: Uint8Array): Field[] {
  if (bytes.length < PARAMETERS) return rest(bytes, HEADER_LENGTH, 0);
  const identifier = readUint32(bytes, IDENTIFIER);
  const body = group('body', HEADER_LENGTH, bytes.length - HEADER_LENGTH, [
    leaf('version', HEADER_LENGTH, 1, bytes[HEADER_LENGTH]!),
    leaf('my AS', AS, 2, readUint16(bytes, AS)),
    leaf('hold time', HOLD_TIME, 2, readUint16(bytes, HOLD_TIME), `${readUint16(bytes, HOLD_TIME)} s`),
    leaf('BGP identifier', IDENTIFIER, 4, formatIpv4(identifier)),
    ...parameterFields(bytes),
  ]);
  const judged = faults(bytes).reduce((tree, [offset, error]) => attachError(tree, offset, error), body);
  if (judged.error === undefined) return [...judged.children!];
  // The fault is something missing at the end, which no field holds.
  return [...judged.children!, { name: 'missing', offset: bytes.length, length: 0, error: judged.error }];
}

function parameterFields(bytes: Uint8Array): Field[] {
  const short = bytes[LENGTH]!;
  const extended = short !== 0 && bytes[PARAMETERS] === EXTENDED_LENGTH_PARAMETER;
  if (!extended) {
    const field = leaf('optional parameters length', LENGTH, 1, short);
    return [field, ...eachParameter(bytes, PARAMETERS, 1)];
  }
  const fields = [
    leaf('non-extended parameters length', LENGTH, 1, short, `${short}, ignored`),
    leaf('non-extended parameter type', PARAMETERS, 1, EXTENDED_LENGTH_PARAMETER, 'extended length'),
  ];
  if (bytes.length < PARAMETERS + 3) return [...fields, ...rest(bytes, PARAMETERS + 1, 0)];
  const length = leaf('extended parameters length', PARAMETERS + 1, 2, readUint16(bytes, PARAMETERS + 1));
  return [...fields, length, ...eachParameter(bytes, PARAMETERS + 3, 2)];
}

/** Parameters from `start` on, each with a length of `size` octets. */
function eachParameter(bytes: Uint8Array, start: number, size: 1 | 2): Field[] {
  const fields: Field[] = [];
  for (let at = start; at < bytes.length; ) {
    const value = at + 1 + size;
    if (value > bytes.length) return [...fields, ...rest(bytes, at, 0)];
    const type = bytes[at]!;
    const length = size === 1 ? bytes[at + 1]! : readUint16(bytes, at + 1);
    const end = value + length;
    if (end > bytes.length) return [...fields, ...rest(bytes, at, 0)];
    const isCapabilities = type === CAPABILITIES_PARAMETER;
    fields.push(
      group('optional parameter', at, end - at, [
        leaf('type', at, 1, type, isCapabilities ? 'Capabilities' : 'unsupported'),
        leaf('length', at + 1, size, length),
        ...(isCapabilities
          ? capabilityFields(bytes.subarray(value, end), value)
          : length === 0
            ? []
            : [opaque('value', bytes.subarray(value, end), value)]),
      ]),
    );
    at = end;
  }
  return fields;
}

/** What ends the session whoever receives the message, with where it stands. */
function faults(bytes: Uint8Array): [offset: number, error: FieldError][] {
  const found: [number, FieldError][] = [];
  const refuse = (offset: number, subcode: number, reason: string, rfc: string): void => {
    const notification = { code: OPEN_MESSAGE_ERROR, subcode, data: new Uint8Array(0) };
    found.push([offset, { outcome: 'session-reset', notification, reason, rfc }]);
  };
  try {
    decodeOpen(bytes);
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    found.push([error.offset, sessionReset(error)]);
  }
  const holdTime = readUint16(bytes, HOLD_TIME);
  if (readUint16(bytes, AS) === 0) refuse(AS, BAD_PEER_AS, 'AS 0 must not be used', 'RFC 7607 §2');
  if (holdTime === 1 || holdTime === 2) {
    const reason = `hold time ${holdTime} s must be 0 or at least 3`;
    refuse(HOLD_TIME, UNACCEPTABLE_HOLD_TIME, reason, 'RFC 4271 §6.2');
  }
  if (readUint32(bytes, IDENTIFIER) === 0) {
    refuse(IDENTIFIER, BAD_BGP_IDENTIFIER, 'BGP identifier must not be 0', 'RFC 6286 §2.2');
  }
  return found;
}
