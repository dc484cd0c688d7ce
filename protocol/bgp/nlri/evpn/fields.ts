import { toHex } from '../../../bytes/hex.ts';
import type { Field } from '../../dissect/field.ts';
import { readUint24 } from '../mpls-label.ts';
import { HEAD, partsOf, ROUTE_NAMES } from './layout.ts';
import { partText } from './text.ts';

/** Type, length and every part of a measured EVPN NLRI whose first octet stands at `offset`. */
export function evpnFields(nlri: Uint8Array, offset: number): Field[] {
  const type = nlri[0]!;
  const head: Field[] = [
    { name: 'route type', offset, length: 1, value: type, text: ROUTE_NAMES[type] ?? 'unknown' },
    { name: 'length', offset: offset + 1, length: 1, value: nlri[1]! },
  ];
  const parts = partsOf(nlri);
  if (parts === undefined) {
    const value = nlri.subarray(HEAD);
    return [...head, { name: 'value', offset: offset + HEAD, length: value.length, value: toHex(value) }];
  }
  return [
    ...head,
    ...parts.map((part): Field => {
      const shown = partText(nlri, part);
      const field = { name: part.name, offset: offset + part.at, length: part.length };
      switch (part.kind) {
        case 'label': {
          const value = readUint24(nlri, part.at);
          return { ...field, value, text: `VNI ${value}, or MPLS label ${value >> 4}` };
        }
        case 'tag':
        case 'bits':
          return { ...field, value: Number(shown) };
        default:
          return { ...field, value: shown };
      }
    }),
  ];
}
