import { toHex } from '../../bytes/hex.ts';
import { capabilityText, decodeCapability } from '../capability/capability.ts';
import { capabilityByCode, capabilityName } from '../capability/table.ts';
import { type Field, group, leaf, opaque, rest } from './field.ts';

/** Capabilities one after another, RFC 5492 §4. @param offset where `bytes` start in the message. Never throws. */
export function capabilityFields(bytes: Uint8Array, offset: number): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + (bytes[at + 1] ?? 0);
    if (at + 2 > bytes.length || end > bytes.length) return [...fields, ...rest(bytes, at, offset)];
    fields.push(capabilityField(bytes.subarray(at, end), offset + at));
    at = end;
  }
  return fields;
}

function capabilityField(bytes: Uint8Array, offset: number): Field {
  const code = bytes[0]!;
  const value = bytes.subarray(2);
  const at = offset + 2;
  const head = [
    leaf('code', offset, 1, code, capabilityName(code)),
    leaf('length', offset + 1, 1, value.length),
  ];
  const codec = capabilityByCode(code);
  if (codec?.decode(value) !== undefined) {
    const text = capabilityText(decodeCapability(code, value, at));
    return group('capability', offset, bytes.length, [...head, ...codec.fields(value, at)], text);
  }
  const field = group(
    'capability',
    offset,
    bytes.length,
    [...head, ...(value.length === 0 ? [] : [opaque('value', value, at)])],
    value.length === 0 ? capabilityName(code) : `${capabilityName(code)}: 0x${toHex(value)}`,
  );
  if (codec?.malformed !== 'ignored') return field;
  const reason = `${codec.name} capability of ${value.length} octets is malformed`;
  return { ...field, error: { outcome: 'ignored', reason, rfc: codec.rfc } };
}
