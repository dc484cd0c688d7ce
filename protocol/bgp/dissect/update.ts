/** UPDATE as fields, with everything that its decoder has to say about it. */
import { readUint16 } from '../byte-writer.ts';
import type { CodecContext } from '../context.ts';
import { type AttributeFault, BgpError } from '../error.ts';
import { HEADER_LENGTH } from '../message/header.ts';
import { decodeUpdate } from '../message/update.ts';
import { attachErrors, type PlacedError } from './attach-error.ts';
import { attributeFields } from './attributes.ts';
import { type Field, type FieldError, group, leaf, rest } from './field.ts';
import { dissectNlri } from './nlri.ts';

/** Shortest UPDATE: header and two lengths. */
const MINIMUM_LENGTH = HEADER_LENGTH + 4;

/** Who decodes the whole message says what follows: another fault may end the session before this one is looked at. */
const UNREADABLE = { outcome: 'none', rfc: 'RFC 4271 §6.3' } as const;

/** The parts of the body of a whole UPDATE, as far as they can be told apart. */
export function updateFields(bytes: Uint8Array, context: CodecContext): Field[] {
  const fields: Field[] = [];
  const lengths = [
    ['withdrawn routes length', 'withdrawn routes'],
    ['path attributes length', 'path attributes'],
  ] as const;
  let at = HEADER_LENGTH;
  for (const [lengthName, name] of lengths) {
    if (at + 2 > bytes.length) return [...fields, ...rest(bytes, at, 0)];
    const length = readUint16(bytes, at);
    fields.push(leaf(lengthName, at, 2, length));
    at += 2;
    const end = at + length;
    if (end > bytes.length) return [...fields, ...rest(bytes, at, 0)];
    if (length > 0) {
      const inside =
        name === 'withdrawn routes'
          ? ipv4Routes(bytes, at, end, context)
          : attributeFields(bytes, at, end, context);
      fields.push(group(name, at, length, inside));
    }
    at = end;
  }
  if (at < bytes.length) {
    fields.push(group('NLRI', at, bytes.length - at, ipv4Routes(bytes, at, bytes.length, context)));
  }
  return fields;
}

function ipv4Routes(bytes: Uint8Array, start: number, end: number, context: CodecContext): Field[] {
  const addPath = context.addPath?.includes('ipv4-unicast') === true;
  return dissectNlri('ipv4-unicast', bytes.subarray(start, end), start, { addPath, unreadable: UNREADABLE });
}

/** Marks in the field of a whole UPDATE what a speaker would find wrong with it, and what it would do about it. */
export function withUpdateErrors(field: Field, bytes: Uint8Array, context: CodecContext): Field {
  if (bytes.length < MINIMUM_LENGTH) return field;
  const faults: AttributeFault[] = [];
  const errors: PlacedError[] = [];
  try {
    for (const { outcome, offset, reason, rfc } of decodeUpdate(bytes, context, faults).faultyRoutes) {
      errors.push([offset, { outcome: outcome === 'drop' ? 'ignored' : outcome, reason, rfc }]);
    }
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    errors.push([error.offset, sessionReset(error)]);
  }
  const all = faults.map(
    ({ offset, outcome, reason, rfc }): PlacedError => [offset, { outcome, reason, rfc }],
  );
  return attachErrors(field, all.concat(errors));
}

/** What a fault that ends the session looks like in the tree. */
export function sessionReset(error: BgpError): FieldError {
  return {
    outcome: 'session-reset',
    notification: error.notification,
    reason: error.message.slice(error.message.indexOf(': ') + 2),
    rfc: error.rfc || `RFC 4271 §6.${error.notification.code}`,
  };
}
