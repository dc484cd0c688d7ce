/**
 * VPLS, RFC 4761 §3.2.2: 2 length (17) and then
 *
 *   8 route distinguisher · 2 VE ID · 2 VE block offset · 2 VE block size · 3 label base
 *
 * or, for auto-discovery with other signalling, RFC 6074 §3.2.2.1: 2 length (12) · 8 route distinguisher · 4 PE address.
 */
import { toHex } from '../../bytes/hex.ts';
import { formatIpv4 } from '../../ip/ipv4.ts';
import { readUint16, readUint32 } from '../byte-writer.ts';
import { type NlriCodec, NO_DATA } from './codec.ts';
import { readUint24 } from './mpls-label.ts';
import { RD_LENGTH, rdText } from './route-distinguisher.ts';

const HEAD = 2;
const BLOCK = 17;
const DISCOVERY = 12;
/** Distinguisher, VE ID and block offset: what tells label blocks apart. */
const BLOCK_KEY = 12;
/** Where the parts of a label block stand. */
const VE_ID = HEAD + RD_LENGTH;
const OFFSET = VE_ID + 2;
const SIZE = OFFSET + 2;
const LABEL = SIZE + 2;

export const vplsCodec: NlriCodec = {
  measure(bytes, at, limit) {
    if (at + HEAD > limit) return { offset: at, expected: 'VPLS length is cut off' };
    const length = readUint16(bytes, at);
    return at + HEAD + length > limit
      ? { offset: at, expected: `VPLS NLRI of ${length} octets is cut off` }
      : HEAD + length;
  },
  validate(nlri) {
    const length = nlri.length - HEAD;
    if (length === BLOCK || length === DISCOVERY) return undefined;
    const expected = `VPLS NLRI length ${length} must be ${BLOCK} or ${DISCOVERY}`;
    return { outcome: 'treat-as-withdraw', offset: 0, expected, rfc: 'RFC 4761 §3.2.2' };
  },
  key: (nlri) => (isBlock(nlri) ? nlri.slice(0, HEAD + BLOCK_KEY) : nlri.slice()),
  data: (nlri) => (isBlock(nlri) ? nlri.slice(HEAD + BLOCK_KEY) : NO_DATA),
  join(key, data) {
    // The key keeps the length, so that the two forms stay apart.
    const nlri = new Uint8Array(HEAD + readUint16(key, 0));
    nlri.set(key);
    nlri.set(data, key.length);
    return nlri;
  },
  text(nlri) {
    const length = nlri.length - HEAD;
    if (isBlock(nlri)) {
      const [id, offset] = [readUint16(nlri, VE_ID), readUint16(nlri, OFFSET)];
      const size = readUint16(nlri, SIZE);
      const block = size === 0 ? '' : ` size ${size} label ${readUint24(nlri, LABEL) >> 4}`;
      return `VE ${id} offset ${offset} RD ${rdText(nlri, HEAD)}${block}`;
    }
    if (length === DISCOVERY) return `PE ${formatIpv4(readUint32(nlri, VE_ID))} RD ${rdText(nlri, HEAD)}`;
    return `0x${toHex(nlri.subarray(HEAD))}`;
  },
  fields(nlri, offset) {
    const length = { name: 'length', offset, length: HEAD, value: nlri.length - HEAD };
    const at = (name: string, from: number, octets: number, value: string | number) => ({
      name,
      offset: offset + from,
      length: octets,
      value,
    });
    if (isBlock(nlri)) {
      return [
        length,
        at('route distinguisher', HEAD, RD_LENGTH, rdText(nlri, HEAD)),
        at('VE ID', VE_ID, 2, readUint16(nlri, VE_ID)),
        at('VE block offset', OFFSET, 2, readUint16(nlri, OFFSET)),
        at('VE block size', SIZE, 2, readUint16(nlri, SIZE)),
        at('label base', LABEL, 3, readUint24(nlri, LABEL) >> 4),
      ];
    }
    if (nlri.length - HEAD === DISCOVERY) {
      return [
        length,
        at('route distinguisher', HEAD, RD_LENGTH, rdText(nlri, HEAD)),
        at('PE address', VE_ID, 4, formatIpv4(readUint32(nlri, VE_ID))),
      ];
    }
    return [length, at('value', HEAD, nlri.length - HEAD, toHex(nlri.subarray(HEAD)))];
  },
};

function isBlock(nlri: Uint8Array): boolean {
  return nlri.length === HEAD + BLOCK;
}
