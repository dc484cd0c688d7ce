/**
 * EVPN routes as vtysh shows them, with the distinguisher behind, and then what else they carry where it is not zero:
 *
 *   [2]:[0]:[48]:[aa:bb:cc:00:00:01]:[32]:[10.0.0.1] RD 192.0.2.1:2 label 100 esi 00:… gateway 10.0.0.9
 */
import { toHex } from '../../../bytes/hex.ts';
import { formatAddress } from '../../../ip/prefix.ts';
import { readUint32 } from '../../byte-writer.ts';
import { readUint24 } from '../mpls-label.ts';
import { rdText } from '../route-distinguisher.ts';
import { type Part, partsOf } from './layout.ts';

/** Text of a measured NLRI; in hex where it fits no layout. */
export function evpnText(nlri: Uint8Array): string {
  const parts = partsOf(nlri);
  if (parts === undefined) return `[${nlri[0]}]:[0x${toHex(nlri.subarray(2))}]`;
  const shown = (part: Part): string => partText(nlri, part);
  const absent = (part: Part): boolean => nlri.subarray(part.at, part.at + part.length).every((o) => o === 0);
  const head = bracketed(parts);
  const rest = parts.filter((part) => !part.key && part.kind !== 'label' && !absent(part));
  const labels = parts.filter((part, i) => part.kind === 'label' && (i < parts.length - 1 || !absent(part)));
  // A zero label above another one still counts; alone it means that there is none.
  const stack = labels.length === 1 && absent(labels[0]!) ? [] : labels;
  return [
    [`[${nlri[0]}]`, ...head.map((part) => `[${shown(part)}]`)].join(':'),
    ...parts.filter(({ kind }) => kind === 'rd').map((part) => `RD ${shown(part)}`),
    ...(stack.length === 0 ? [] : [`label ${stack.map(shown).join('/')}`]),
    ...rest.map((part) => `${part.kind} ${shown(part)}`),
  ].join(' ');
}

/**
 * The parts of the key in the order of their brackets: as on the wire, except that vtysh puts the tag of type 1 before
 * the ESI, and leaves out the length of an address that is not there.
 */
export function bracketed(parts: readonly Part[]): Part[] {
  const shown = parts.filter(({ kind, key }, i) => {
    if (!key || kind === 'rd') return false;
    return kind !== 'bits' || parts[i + 1]?.key === true;
  });
  return shown[0]!.kind === 'esi' && shown[1]!.kind === 'tag' ? [shown[1]!, shown[0]!] : shown;
}

/** Text of one part. A label is shown as the 24-bit VNI that it is with VXLAN (RFC 8365 §5.1.3). */
export function partText(nlri: Uint8Array, { kind, at, length }: Part): string {
  const bytes = nlri.subarray(at, at + length);
  switch (kind) {
    case 'rd':
      return rdText(nlri, at);
    case 'esi':
    case 'mac':
      return Array.from(bytes, (octet) => octet.toString(16).padStart(2, '0')).join(':');
    case 'tag':
      return String(readUint32(nlri, at));
    case 'bits':
      return String(nlri[at]);
    case 'label':
      return String(readUint24(nlri, at));
    default:
      return formatAddress(bytes);
  }
}
