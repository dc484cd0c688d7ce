/**
 * Plain prefixes, RFC 4271 §4.3 and RFC 4760 §5, of the unicast and multicast families:
 *
 *   0: 1 length in bits · 1: as many octets as hold these bits
 */
import { type NlriCodec, NO_DATA } from './codec.ts';
import { clearHostBits, octetsOf, parseIpPrefix, prefixText } from './ip-prefix.ts';

/** The codec for addresses of `size` octets. */
export function prefixCodec(size: 4 | 16): NlriCodec {
  return {
    measure(bytes, at, limit) {
      if (at >= limit) return { offset: at, expected: 'prefix length is cut off' };
      const bits = bytes[at]!;
      if (bits > size * 8) {
        return { offset: at, expected: `prefix length ${bits} must be at most ${size * 8}` };
      }
      const octets = 1 + octetsOf(bits);
      return at + octets > limit ? { offset: at, expected: `prefix of ${bits} bits is cut off` } : octets;
    },
    validate: () => undefined,
    key: maskedPrefix,
    data: () => NO_DATA,
    join: (key) => key,
    text: (nlri) => prefixText(nlri, 1, nlri[0]!, size),
    fields: (nlri, offset) => [
      { name: 'prefix', offset, length: nlri.length, value: prefixText(nlri, 1, nlri[0]!, size) },
    ],
    parse: (text) => parseIpPrefix(text, size),
  };
}

/** The prefix without bits past its length, which do not tell routes apart (RFC 4271 §4.3). */
function maskedPrefix(nlri: Uint8Array): Uint8Array {
  const key = nlri.slice();
  clearHostBits(key.subarray(1), key[0]!);
  return key;
}
