import { readUint16 } from '../byte-writer.ts';
import { familyText } from '../family.ts';
import { HEADER_LENGTH } from '../message/header.ts';
import {
  BEGIN_OF_REFRESH,
  END_OF_REFRESH,
  REFRESH_BODY_LENGTH,
  REFRESH_REQUEST,
  refreshLengthFault,
} from '../message/route-refresh.ts';
import { type Field, type FieldError, leaf, opaque, rest } from './field.ts';

const SUBTYPES: Readonly<Record<number, string>> = {
  [REFRESH_REQUEST]: 'request',
  [BEGIN_OF_REFRESH]: 'BoRR',
  [END_OF_REFRESH]: 'EoRR',
};

/** The body of a ROUTE-REFRESH in `bytes`, marker to end, whatever its length. Never throws. */
export function dissectRouteRefresh(bytes: Uint8Array): Field[] {
  const at = HEADER_LENGTH;
  if (bytes.length < at + REFRESH_BODY_LENGTH) return [tooShort(bytes)];
  const subtype = bytes[at + 2]!;
  const fields = [
    leaf('AFI', at, 2, readUint16(bytes, at)),
    leaf('subtype', at + 2, 1, subtype, SUBTYPES[subtype] ?? 'reserved, ignored'),
    leaf('SAFI', at + 3, 1, bytes[at + 3]!, familyText(readUint16(bytes, at), bytes[at + 3]!)),
  ];
  if (bytes.length === at + REFRESH_BODY_LENGTH) return fields;
  const filters = opaque('outbound route filters', bytes.subarray(at + REFRESH_BODY_LENGTH), at + 4);
  const fault = refreshLengthFault(bytes);
  if (fault === undefined) return [...fields, filters];
  // Without enhanced route refresh the subtype is a reserved octet and the rest is ignored (RFC 2918 §3).
  const error: FieldError = {
    outcome: 'session-reset',
    notification: fault.notification,
    reason: `${fault.message.slice(fault.message.indexOf(': ') + 2)} where enhanced route refresh was negotiated`,
    rfc: fault.rfc,
  };
  return [...fields, { ...filters, error }];
}

/** A body too short to be read, with what {@link decodeRouteRefresh} makes of it. */
function tooShort(bytes: Uint8Array): Field {
  const [field] = rest(bytes, HEADER_LENGTH, 0);
  const notification = { code: 1, subcode: 2, data: bytes.slice(16, 18) };
  const reason = `length ${bytes.length} must be ${HEADER_LENGTH + REFRESH_BODY_LENGTH} or more`;
  return {
    ...(field ?? { name: 'missing', offset: bytes.length, length: 0 }),
    error: { outcome: 'session-reset', notification, reason, rfc: 'RFC 4271 §6.1' },
  };
}
