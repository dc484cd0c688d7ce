/**
 * Prefixes with MPLS labels, RFC 8277 §2, and those of VPNs, RFC 4364 §4.3.4 and RFC 4659 §3.2:
 *
 *   0: 1 length in bits of all that follows · 1: label stack · (8 route distinguisher) · octets of the prefix
 *
 * The labels do not tell routes apart: the key is the prefix length, the distinguisher and the masked prefix.
 */
import type { Field } from '../dissect/field.ts';
import { isFault, type NlriCodec, type NlriFault } from './codec.ts';
import { clearHostBits, octetsOf, parseIpPrefix, prefixText } from './ip-prefix.ts';
import { labelStackLength, labelText, parseLabels, WITHDRAW_LABEL } from './mpls-label.ts';
import { parseRd, RD_LENGTH, rdText } from './route-distinguisher.ts';

/** Octets of the RFC 8277 length. */
const HEAD = 1;

/** The codec for addresses of `size` octets, with a route distinguisher where `vpn` is set. */
export function labeledCodec(size: 4 | 16, vpn: boolean): NlriCodec {
  const rdLength = vpn ? RD_LENGTH : 0;

  function measure(bytes: Uint8Array, at: number, limit: number): number | NlriFault {
    if (at >= limit) return { offset: at, expected: 'labeled prefix length is cut off' };
    const bits = bytes[at]!;
    const end = at + HEAD + octetsOf(bits);
    if (end > limit) return { offset: at, expected: `labeled prefix of ${bits} bits is cut off` };
    // Labels and distinguisher are whole octets, so the prefix has the bits that are left.
    const stack = labelStackLength(bytes, at + HEAD, end);
    if (stack === undefined) return { offset: at + HEAD, expected: 'label stack does not end in the prefix' };
    const rest = bits - 8 * (stack + rdLength);
    if (rest < 0) return { offset: at, expected: `${bits} bits do not hold labels and route distinguisher` };
    if (rest > size * 8) return { offset: at, expected: `prefix length ${rest} must be at most ${size * 8}` };
    return end - at;
  }

  /** Octets of the labels and bits of the prefix of a measured NLRI. */
  function split(nlri: Uint8Array): { readonly stack: number; readonly bits: number } {
    const stack = labelStackLength(nlri, HEAD, nlri.length)!;
    return { stack, bits: nlri[0]! - 8 * (stack + rdLength) };
  }

  function text(nlri: Uint8Array): string {
    const { stack, bits } = split(nlri);
    const rd = HEAD + stack;
    const labels = labelText(nlri.subarray(HEAD, rd));
    return [
      prefixText(nlri, rd + rdLength, bits, size),
      ...(vpn ? [`RD ${rdText(nlri, rd)}`] : []),
      ...(labels === undefined ? [] : [`label ${labels}`]),
    ].join(' ');
  }

  return {
    measure,
    validate: () => undefined,
    key(nlri) {
      const { stack, bits } = split(nlri);
      const key = nlri.slice(stack);
      key[0] = bits;
      clearHostBits(key.subarray(HEAD + rdLength), bits);
      return key;
    },
    data: (nlri) => nlri.slice(HEAD, HEAD + split(nlri).stack),
    join(key, data) {
      const labels = data.length === 0 ? WITHDRAW_LABEL : data;
      const nlri = new Uint8Array(key.length + labels.length);
      nlri[0] = key[0]! + 8 * (labels.length + rdLength);
      nlri.set(labels, HEAD);
      nlri.set(key.subarray(HEAD), HEAD + labels.length);
      return nlri;
    },
    text,
    fields(nlri, offset) {
      const { stack, bits } = split(nlri);
      const rd = HEAD + stack;
      const labels = labelText(nlri.subarray(HEAD, rd)) ?? 'withdrawn';
      const fields: Field[] = [
        { name: 'length', offset, length: HEAD, value: nlri[0]! },
        { name: 'labels', offset: offset + HEAD, length: stack, value: labels },
      ];
      if (vpn) {
        fields.push({
          name: 'route distinguisher',
          offset: offset + rd,
          length: RD_LENGTH,
          value: rdText(nlri, rd),
        });
      }
      const prefix = rd + rdLength;
      fields.push({
        name: 'prefix',
        offset: offset + prefix,
        length: nlri.length - prefix,
        value: prefixText(nlri, prefix, bits, size),
      });
      return fields;
    },
    parse(line) {
      const match = /^(\S+)(?: RD (\S+))?(?: label (\S+))?$/.exec(line.trim());
      if (match === null || (match[2] !== undefined) !== vpn) {
        const expected = `PREFIX${vpn ? ' RD RD' : ''} [label LABEL[/LABEL...]]`;
        throw new RangeError(`not a labeled prefix: ${JSON.stringify(line)} (expected "${expected}")`);
      }
      const prefix = parseIpPrefix(match[1]!, size);
      const rd = match[2] === undefined ? new Uint8Array(0) : parseRd(match[2]);
      const labels = match[3] === undefined ? WITHDRAW_LABEL : parseLabels(match[3]);
      const bits = prefix[0]! + 8 * (labels.length + rdLength);
      if (bits > 255) throw new RangeError(`too many labels: ${line}`);
      const nlri = Uint8Array.of(bits, ...labels, ...rd, ...prefix.subarray(1));
      if (isFault(measure(nlri, 0, nlri.length))) throw new RangeError(`not a labeled prefix: ${line}`);
      return nlri;
    },
  };
}
