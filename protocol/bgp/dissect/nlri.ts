import { toHex } from '../../bytes/hex.ts';
import { readUint32 } from '../byte-writer.ts';
import type { Family } from '../family.ts';
import { type Announced, isFault, type NlriFault } from '../nlri/codec.ts';
import { NLRI_CODECS } from '../nlri/table.ts';
import { PATH_ID_LENGTH } from '../nlri/walk.ts';
import type { Field, FieldError, FieldOutcome } from './field.ts';

/** What a receiver does about NLRI that cannot be read: RFC 4271 §6.3 for the IPv4 fields, RFC 7606 §5.3 in MP ones. */
const UNREADABLE: Omit<FieldError, 'reason'> = {
  outcome: 'session-reset',
  notification: { code: 3, subcode: 10, data: new Uint8Array(0) },
  rfc: 'RFC 4271 §6.3',
};

/** How NLRI is to be read, and judged. */
export interface NlriOptions {
  /** A path identifier stands before each route (RFC 7911 §3). */
  readonly addPath: boolean;
  /** Given where the routes are announced. */
  readonly announced?: Announced;
  /** What unreadable NLRI does; default: end the session with 3/10. */
  readonly unreadable?: Omit<FieldError, 'reason'>;
  /** What comes of a route that cannot be used; default: what its family's codec says. */
  readonly unusable?: FieldOutcome;
}

/**
 * One field per route of `bytes`, with its parts as children. A route that cannot be measured ends the list: it and
 * everything behind it is one opaque field that says why. Never throws.
 * @param offset where the first octet stands in the message.
 */
export function dissectNlri(
  family: Family,
  bytes: Uint8Array,
  offset: number,
  { addPath, announced, unreadable = UNREADABLE, unusable }: NlriOptions,
): Field[] {
  const codec = NLRI_CODECS[family];
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = addPath ? at + PATH_ID_LENGTH : at;
    const measured: number | NlriFault =
      start > bytes.length
        ? { offset: at, expected: 'path identifier is cut off' }
        : codec.measure(bytes, start, bytes.length);
    if (isFault(measured)) {
      return [...fields, opaqueRest(bytes, at, offset, { ...unreadable, reason: measured.expected })];
    }
    const nlri = bytes.subarray(start, start + measured);
    const text = codec.text(nlri);
    const pathId = addPath ? readUint32(bytes, at) : undefined;
    const fault = codec.validate(nlri, announced);
    fields.push({
      name: 'route',
      offset: offset + at,
      length: start - at + measured,
      value: text,
      ...(pathId === undefined ? {} : { text: `${text} path ${pathId}` }),
      children: [
        ...(pathId === undefined
          ? []
          : [{ name: 'path identifier', offset: offset + at, length: PATH_ID_LENGTH, value: pathId }]),
        ...codec.fields(nlri, offset + start),
      ],
      ...(fault === undefined
        ? {}
        : {
            error: {
              outcome: unusable ?? (fault.outcome === 'drop' ? 'ignored' : fault.outcome),
              reason: fault.expected,
              rfc: fault.rfc,
            },
          }),
    });
    at = start + measured;
  }
  return fields;
}

function opaqueRest(bytes: Uint8Array, at: number, offset: number, error: FieldError): Field {
  const rest = bytes.subarray(at);
  return { name: 'route', offset: offset + at, length: rest.length, value: toHex(rest), error };
}
