import { toHex } from '../../../bytes/hex.ts';
import { formatAddress } from '../../../ip/prefix.ts';
import { readUint16, readUint32 } from '../../byte-writer.ts';
import { prefixText } from '../ip-prefix.ts';
import {
  AND,
  type Component,
  type ComponentType,
  EQUAL,
  GREATER,
  LESS,
  MATCH,
  NOT,
  valueLength,
} from './components.ts';

/** `"==6 >=1024&<=2048"`: what one component asks for, in gobgp's notation. @param size octets of an address. */
export function componentText(bytes: Uint8Array, component: Component, size: 4 | 16): string {
  const { at, end, description } = component;
  if (description.kind === 'prefix') return prefixComponentText(bytes, at + 1, size);
  let text = '';
  for (let pair = at + 1; pair < end; ) {
    const operator = bytes[pair]!;
    const octets = valueLength(operator);
    const and = pair > at + 1 && (operator & AND) !== 0;
    if (pair > at + 1) text += and ? '&' : ' ';
    text +=
      description.kind === 'number'
        ? numberText(operator, valueText(bytes, pair + 1, octets, description))
        : bitmaskText(operator, readUint(bytes, pair + 1, octets), description);
    pair += 1 + octets;
  }
  return text;
}

/** IPv4 `"10.0.0.0/24"`; IPv6 with the offset behind, `"2001:db8::/32/0"`. */
function prefixComponentText(bytes: Uint8Array, at: number, size: 4 | 16): string {
  const bits = bytes[at]!;
  if (size === 4) return prefixText(bytes, at + 1, bits, 4);
  const skipped = bytes[at + 1]!;
  // The pattern starts at its own first bit and is put back to where it belongs in the address.
  const address = new Uint8Array(16);
  for (let bit = skipped; bit < bits; bit++) {
    const from = bit - skipped;
    if ((bytes[at + 2 + (from >> 3)]! & (0x80 >> (from & 7))) !== 0) address[bit >> 3]! |= 0x80 >> (bit & 7);
  }
  return `${formatAddress(address)}/${bits}/${skipped}`;
}

/** A number, by its name where it has one; 8 octets in hex. */
function valueText(bytes: Uint8Array, at: number, octets: number, { values }: ComponentType): string {
  if (octets === 8) return `0x${toHex(bytes.subarray(at, at + 8))}`;
  const value = readUint(bytes, at, octets);
  return values?.[value] ?? String(value);
}

function numberText(operator: number, value: string): string {
  switch (operator & (LESS | GREATER | EQUAL)) {
    case 0:
      return 'false';
    case EQUAL:
      return `==${value}`;
    case GREATER:
      return `>${value}`;
    case GREATER | EQUAL:
      return `>=${value}`;
    case LESS:
      return `<${value}`;
    case LESS | EQUAL:
      return `<=${value}`;
    case LESS | GREATER:
      return `!=${value}`;
    default:
      return 'true';
  }
}

/** `=` all these bits, without it any of them; `!` in front turns it round. */
function bitmaskText(operator: number, value: number, { bits }: ComponentType): string {
  const names: string[] = [];
  let rest = value;
  for (const [i, name] of bits!.entries()) {
    if ((value & (1 << i)) === 0) continue;
    names.push(name);
    rest -= 1 << i;
  }
  const joined = names.join(bits![0]!.length === 1 ? '' : '+');
  const shown = [
    ...(joined === '' && rest !== 0 ? [] : [joined]),
    ...(rest === 0 ? [] : [`0x${rest.toString(16)}`]),
  ];
  return `${operator & NOT ? '!' : ''}${operator & MATCH ? '=' : ''}${shown.join('+')}`;
}

/** Big-endian integer of 1, 2 or 4 octets; of 8 the low 4, since no bitmask has more. */
function readUint(bytes: Uint8Array, at: number, octets: number): number {
  if (octets === 1) return bytes[at]!;
  return octets === 2 ? readUint16(bytes, at) : readUint32(bytes, at + octets - 4);
}
