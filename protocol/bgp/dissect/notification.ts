import { readUint16, readUint32 } from '../byte-writer.ts';
import { familyText } from '../family.ts';
import { HEADER_LENGTH } from '../message/header.ts';
import {
  NOTIFICATION_CODES,
  type NotificationData,
  notificationName,
} from '../message/notification-codes.ts';
import {
  dataKind,
  dataText,
  decodePrefixLimit,
  decodeShutdownCommunication,
} from '../message/notification-data.ts';
import { capabilityFields } from './capability.ts';
import { type Field, group, leaf, opaque, rest } from './field.ts';

/** The body of a NOTIFICATION in `bytes`, marker to end, whatever its length. Never throws. */
export function dissectNotification(bytes: Uint8Array): Field[] {
  return notificationFields(bytes, HEADER_LENGTH, true);
}

/** Code, subcode and data from `at` to the end of `bytes`. @param unwrap whether to look into a Hard Reset. */
function notificationFields(bytes: Uint8Array, at: number, unwrap: boolean): Field[] {
  if (bytes.length < at + 2) return rest(bytes, at, 0);
  const [code, subcode] = [bytes[at]!, bytes[at + 1]!];
  const codeName = NOTIFICATION_CODES[code]?.name ?? 'unknown';
  const detail =
    NOTIFICATION_CODES[code]?.subcodes[subcode]?.name ?? (subcode === 0 ? 'unspecific' : 'unknown');
  const fields = [
    leaf('error code', at, 1, code, codeName),
    leaf('error subcode', at + 1, 1, subcode, detail),
  ];
  const data = bytes.subarray(at + 2);
  if (data.length === 0) return fields;
  const kind = dataKind(code, subcode);
  if (kind === 'notification' && unwrap && data.length >= 2) {
    const text = notificationName(data[0]!, data[1]!);
    return [...fields, group('data', at + 2, data.length, notificationFields(bytes, at + 2, false), text)];
  }
  return [...fields, dataField(kind, data, at + 2, dataText({ code, subcode, data })!)];
}

function dataField(
  kind: NotificationData | undefined,
  data: Uint8Array,
  offset: number,
  text: string,
): Field {
  const whole = opaque('data', data, offset);
  switch (kind) {
    case 'shutdown-communication': {
      const communication = decodeShutdownCommunication(data);
      if (communication === undefined) return whole;
      const { text: shown, fault } = communication;
      const children = [
        leaf('length', offset, 1, data[0]!),
        leaf('text', offset + 1, data.length - 1, shown),
      ];
      const field = group('shutdown communication', offset, data.length, children, text);
      return fault === undefined
        ? field
        : { ...field, error: { outcome: 'none', reason: fault, rfc: 'RFC 9003 §4' } };
    }
    case 'prefix-limit': {
      const limit = decodePrefixLimit(data);
      if (limit === undefined) return whole;
      const children = [
        leaf('AFI', offset, 2, readUint16(data, 0)),
        leaf('SAFI', offset + 2, 1, data[2]!, familyText(limit.afi, limit.safi)),
        leaf('limit', offset + 3, 4, readUint32(data, 3)),
      ];
      return group('prefix limit', offset, data.length, children, text);
    }
    case 'capabilities':
      return group('data', offset, data.length, capabilityFields(data, offset), text);
    default:
      return { ...whole, text };
  }
}
