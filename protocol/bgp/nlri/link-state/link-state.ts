/**
 * Link-state NLRI, RFC 9552 §5.2: 2 type · 2 length · 1 protocol · 8 identifier · descriptors. Kept and passed on as it
 * is; the descriptors are read only to be shown.
 */
import { toHex } from '../../../bytes/hex.ts';
import { readUint16, readUint32 } from '../../byte-writer.ts';
import type { Field } from '../../dissect/field.ts';
import { type NlriCodec, type NlriFault, NO_DATA } from '../codec.ts';
import { type Descriptor, readDescriptors } from './descriptors.ts';

/** Octets of type and length. */
const HEAD = 4;
/** Octets before the descriptors. */
const BODY = HEAD + 9;
const IPV6_PREFIX = 4;

const TYPES: Readonly<Record<number, string>> = { 1: 'node', 2: 'link', 3: 'ipv4-prefix', 4: 'ipv6-prefix' };

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'isis-1',
  2: 'isis-2',
  3: 'ospfv2',
  4: 'direct',
  5: 'static',
  6: 'ospfv3',
  7: 'bgp',
};

export const linkStateCodec: NlriCodec = {
  measure(bytes, at, limit) {
    if (at + HEAD > limit) return { offset: at, expected: 'link-state type and length are cut off' };
    const length = readUint16(bytes, at + 2);
    return at + HEAD + length > limit
      ? { offset: at, expected: `link-state NLRI of ${length} octets is cut off` }
      : HEAD + length;
  },
  validate(nlri) {
    // An unknown type is kept and passed on (RFC 9552 §5.2).
    if (TYPES[readUint16(nlri, 0)] === undefined) return undefined;
    const descriptors = descriptorsOf(nlri);
    if (Array.isArray(descriptors)) return undefined;
    return { outcome: 'treat-as-withdraw', ...descriptors, rfc: 'RFC 9552 §8.2.2' };
  },
  key: (nlri) => nlri,
  data: () => NO_DATA,
  join: (key) => key,
  text(nlri) {
    const type = TYPES[readUint16(nlri, 0)];
    const descriptors = type === undefined ? undefined : descriptorsOf(nlri);
    if (!Array.isArray(descriptors)) return `type-${readUint16(nlri, 0)} 0x${toHex(nlri.subarray(HEAD))}`;
    return [type, protocolText(nlri), ...descriptors.map(descriptorText)].join(' ');
  },
  fields(nlri, offset) {
    const type = readUint16(nlri, 0);
    const fields: Field[] = [
      { name: 'NLRI type', offset, length: 2, value: type, text: TYPES[type] ?? 'unknown' },
      { name: 'length', offset: offset + 2, length: 2, value: nlri.length - HEAD },
    ];
    const descriptors = TYPES[type] === undefined ? undefined : descriptorsOf(nlri);
    if (!Array.isArray(descriptors)) {
      const value = nlri.subarray(HEAD);
      return [...fields, { name: 'value', offset: offset + HEAD, length: value.length, value: toHex(value) }];
    }
    const protocol = nlri[HEAD]!;
    return [
      ...fields,
      {
        name: 'protocol',
        offset: offset + HEAD,
        length: 1,
        value: protocol,
        text: PROTOCOLS[protocol] ?? 'unknown',
      },
      { name: 'identifier', offset: offset + HEAD + 1, length: 8, value: identifierText(nlri) },
      ...descriptors.map((descriptor) => descriptorField(descriptor, offset)),
    ];
  },
};

/** Descriptors of an NLRI of known type, or what does not fit. */
function descriptorsOf(nlri: Uint8Array): Descriptor[] | NlriFault {
  if (nlri.length < BODY) return { offset: 2, expected: 'protocol and identifier are cut off' };
  return readDescriptors(nlri, BODY, nlri.length, readUint16(nlri, 0) === IPV6_PREFIX ? 16 : 4);
}

function protocolText(nlri: Uint8Array): string {
  const protocol = nlri[HEAD]!;
  return `${PROTOCOLS[protocol] ?? `protocol-${protocol}`}:${identifierText(nlri)}`;
}

/** The 64-bit identifier, in decimal where a number holds it. */
function identifierText(nlri: Uint8Array): string {
  const [high, low] = [readUint32(nlri, HEAD + 1), readUint32(nlri, HEAD + 5)];
  return high < 2 ** 21 ? String(high * 2 ** 32 + low) : `0x${toHex(nlri.subarray(HEAD + 1, BODY))}`;
}

function descriptorText({ name, text, children }: Descriptor): string {
  return children === undefined ? `${name} ${text}` : `${name}[${children.map(descriptorText).join(' ')}]`;
}

function descriptorField({ name, type, at, length, text, children }: Descriptor, offset: number): Field {
  const field = { name, offset: offset + at, length };
  if (children === undefined) return { ...field, value: text!, text: `${text} (type ${type})` };
  return {
    ...field,
    children: [
      { name: 'type', offset: offset + at, length: 2, value: type },
      { name: 'length', offset: offset + at + 2, length: 2, value: length - HEAD },
      ...children.map((child) => descriptorField(child, offset)),
    ],
  };
}
