/**
 * Flow specifications, RFC 8955 §4, RFC 8956 §3; those of VPNs, RFC 8955 §8: a length and then
 *
 *   (8 route distinguisher) · components
 *
 * The length has 1 octet below 240, otherwise 2 whose top four bits are ones. It is no part of the key.
 */
import { toHex } from '../../../bytes/hex.ts';
import type { Field } from '../../dissect/field.ts';
import { type NlriCodec, NO_DATA } from '../codec.ts';
import { RD_LENGTH, rdText } from '../route-distinguisher.ts';
import { readComponents } from './components.ts';
import { componentText } from './text.ts';

/** From this length on, and where an octet is this or more, the length has two octets. */
const LONG = 0xf0;

/** The codec for addresses of `size` octets, with a route distinguisher where `vpn` is set. */
export function flowspecCodec(size: 4 | 16, vpn: boolean): NlriCodec {
  const rdLength = vpn ? RD_LENGTH : 0;
  return {
    measure(bytes, at, limit) {
      if (at >= limit) return { offset: at, expected: 'flow specification length is cut off' };
      const head = headLength(bytes[at]!);
      if (at + head > limit) return { offset: at, expected: 'flow specification length is cut off' };
      const length = head === 1 ? bytes[at]! : ((bytes[at]! & 0x0f) << 8) | bytes[at + 1]!;
      if (at + head + length > limit) {
        return { offset: at, expected: `flow specification of ${length} octets is cut off` };
      }
      return head + length;
    },
    validate(nlri) {
      const start = headLength(nlri[0]!) + rdLength;
      const fault =
        start > nlri.length
          ? { offset: 0, expected: 'route distinguisher is cut off' }
          : readComponents(nlri, start, size);
      if (Array.isArray(fault)) return undefined;
      return { outcome: 'treat-as-withdraw', ...fault, rfc: size === 4 ? 'RFC 8955 §4.2' : 'RFC 8956 §3' };
    },
    key: (nlri) => nlri.slice(headLength(nlri[0]!)),
    data: () => NO_DATA,
    join(key) {
      const head = key.length < LONG ? 1 : 2;
      const nlri = new Uint8Array(head + key.length);
      if (head === 1) nlri[0] = key.length;
      else nlri.set([LONG | (key.length >> 8), key.length]);
      nlri.set(key, head);
      return nlri;
    },
    text(nlri) {
      const head = headLength(nlri[0]!);
      const components =
        head + rdLength > nlri.length ? undefined : readComponents(nlri, head + rdLength, size);
      if (!Array.isArray(components)) return `[0x${toHex(nlri.subarray(head))}]`;
      if (components.length === 0 && !vpn) return '[any]';
      return [
        ...(vpn ? [`[rd: ${rdText(nlri, head)}]`] : []),
        ...components.map(
          (component) => `[${component.description.name}: ${componentText(nlri, component, size)}]`,
        ),
      ].join('');
    },
    fields(nlri, offset) {
      const head = headLength(nlri[0]!);
      const start = head + rdLength;
      const fields: Field[] = [{ name: 'length', offset, length: head, value: nlri.length - head }];
      const components = start > nlri.length ? undefined : readComponents(nlri, start, size);
      if (!Array.isArray(components)) {
        const value = nlri.subarray(head);
        return [
          ...fields,
          { name: 'value', offset: offset + head, length: value.length, value: toHex(value) },
        ];
      }
      if (vpn) {
        fields.push({
          name: 'route distinguisher',
          offset: offset + head,
          length: RD_LENGTH,
          value: rdText(nlri, head),
        });
      }
      for (const component of components) {
        fields.push({
          name: component.description.name,
          offset: offset + component.at,
          length: component.end - component.at,
          value: componentText(nlri, component, size),
        });
      }
      return fields;
    },
  };
}

function headLength(first: number): 1 | 2 {
  return first < LONG ? 1 : 2;
}
