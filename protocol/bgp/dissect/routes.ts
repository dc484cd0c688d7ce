/** The routes of an NLRI field, each with its path identifier and its parts. */
import { toHex } from '../../bytes/hex.ts';
import { readUint32 } from '../byte-writer.ts';
import type { Family } from '../family.ts';
import { isFault } from '../nlri/codec.ts';
import { NLRI_CODECS } from '../nlri/table.ts';
import { PATH_ID_LENGTH } from '../nlri/walk.ts';
import { type Field, group, leaf, rest } from './field.ts';

/**
 * One field for each route that can be measured, then what is left over.
 * @param offset where `bytes` start in the message.
 */
export function routeFields(family: Family, bytes: Uint8Array, addPath: boolean, offset: number): Field[] {
  const codec = NLRI_CODECS[family];
  const fields: Field[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at + (addPath ? PATH_ID_LENGTH : 0);
    if (start > bytes.length) break;
    const measured = codec.measure(bytes, start, bytes.length);
    if (isFault(measured)) break;
    const end = start + measured;
    fields.push(routeField(family, bytes.subarray(at, end), addPath, offset + at));
    at = end;
  }
  return [...fields, ...rest(bytes, at, offset)];
}

function routeField(family: Family, bytes: Uint8Array, addPath: boolean, offset: number): Field {
  const codec = NLRI_CODECS[family];
  const skip = addPath ? PATH_ID_LENGTH : 0;
  const nlri = bytes.subarray(skip);
  const children: Field[] = addPath ? [leaf('path identifier', offset, skip, readUint32(bytes, 0))] : [];
  // What cannot be used cannot be read either; the fault itself is told by whoever decides what follows from it.
  if (codec.validate(nlri) !== undefined) {
    return group(
      'route',
      offset,
      bytes.length,
      [...children, ...rest(nlri, 0, offset + skip)],
      `0x${toHex(nlri)}`,
    );
  }
  return group(
    'route',
    offset,
    bytes.length,
    [...children, ...codec.fields(nlri, offset + skip)],
    codec.text(nlri),
  );
}
