/**
 * EVPN routes, RFC 7432 §7, RFC 8365, RFC 9136: framed by type and length, see layout.ts for what is inside.
 *
 * A key is the type and those parts that tell routes apart; data are the others (ESI, labels, gateway). A route that
 * fits no layout has as its key a 0, which is no type, and the whole NLRI.
 */

import { type NlriCodec, NO_DATA } from '../codec.ts';
import { clearHostBits, octetsOf } from '../ip-prefix.ts';
import { evpnFields } from './fields.ts';
import { HEAD, type Part, partsOf, partsOfKey } from './layout.ts';
import { parseEvpn } from './parse.ts';
import { evpnText } from './text.ts';
import { validateEvpn } from './validate.ts';

export const evpnCodec: NlriCodec = {
  measure(bytes, at, limit) {
    if (at + HEAD > limit) return { offset: at, expected: 'EVPN route type and length are cut off' };
    const length = bytes[at + 1]!;
    if (at + HEAD + length > limit) {
      const expected = `EVPN route of ${length} octets is cut off (${limit - at - HEAD} left)`;
      return { offset: at + 1, expected };
    }
    return HEAD + length;
  },
  validate: validateEvpn,
  key(nlri) {
    const parts = partsOf(nlri);
    if (parts === undefined) return Uint8Array.of(0, ...nlri);
    const key = gather(nlri, parts, true, 1);
    key[0] = nlri[0]!;
    const prefix = parts.find(({ kind }) => kind === 'prefix');
    if (prefix !== undefined) {
      // The prefix is the last part of the key, right after its length.
      const bits = nlri[prefix.at - 1]!;
      const address = key.subarray(key.length - prefix.length);
      address.fill(0, octetsOf(bits));
      clearHostBits(address.subarray(0, octetsOf(bits)), bits);
    }
    return key;
  },
  data(nlri) {
    const parts = partsOf(nlri);
    return parts === undefined ? NO_DATA : gather(nlri, parts, false, 0);
  },
  join(key, data) {
    const type = key[0]!;
    if (type === 0) return key.slice(1);
    const parts = partsOfKey(type, key.length - 1, data.length);
    if (parts === undefined) throw new RangeError(`no EVPN route of type ${type} has such key and data`);
    const last = parts.at(-1)!;
    const nlri = new Uint8Array(last.at + last.length);
    nlri[0] = type;
    nlri[1] = nlri.length - HEAD;
    let keyAt = 1;
    let dataAt = 0;
    for (const part of parts) {
      if (part.key) {
        nlri.set(key.subarray(keyAt, keyAt + part.length), part.at);
        keyAt += part.length;
      } else {
        nlri.set(data.subarray(dataAt, dataAt + part.length), part.at);
        dataAt += part.length;
      }
    }
    return nlri;
  },
  text: evpnText,
  fields: evpnFields,
  parse: parseEvpn,
};

/** Copies all parts of the key, or all others, one after another behind `before` free octets. */
function gather(nlri: Uint8Array, parts: readonly Part[], key: boolean, before: number): Uint8Array {
  const bytes = new Uint8Array(nlri.length + before);
  let at = before;
  for (const part of parts) {
    if (part.key !== key) continue;
    bytes.set(nlri.subarray(part.at, part.at + part.length), at);
    at += part.length;
  }
  return bytes.slice(0, at);
}
