// The shortest octets, as far as a simple search finds them, that still fail.

import { joined } from './mutate.ts';
import { withHeader } from './mutate-message.ts';

const MAX_TRIES = 3000;

/**
 * Takes pieces out, large ones first, then sets octets to 0. A BGP header is made right again after each step, and the
 * length left alone where only that fails.
 */
export function shrink(bytes: Uint8Array, fails: (bytes: Uint8Array) => boolean): Uint8Array {
  let best = bytes;
  let tries = 0;
  const attempt = (candidate: Uint8Array): boolean => {
    for (const form of [withHeader(candidate), candidate]) {
      if (++tries > MAX_TRIES) return false;
      if (!fails(form)) continue;
      best = form;
      return true;
    }
    return false;
  };
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length; ) {
      if (!attempt(joined(best.subarray(0, at), best.subarray(at + size)))) at += size;
    }
  }
  for (let at = 0; at < best.length && tries < MAX_TRIES; at++) {
    if (best[at] === 0) continue;
    const zeroed = best.slice();
    zeroed[at] = 0;
    if (fails(zeroed)) best = zeroed;
    tries += 1;
  }
  return best;
}
