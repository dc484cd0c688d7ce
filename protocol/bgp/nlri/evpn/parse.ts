import { fromHex } from '../../../bytes/hex.ts';
import { parseAddress } from '../../../ip/prefix.ts';
import { parseRd } from '../route-distinguisher.ts';
import {
  AUTO_DISCOVERY,
  ESI_LENGTH,
  ETHERNET_SEGMENT,
  HEAD,
  INCLUSIVE_MULTICAST,
  IP_PREFIX,
  MAC_IP,
  MAC_LENGTH,
  type Part,
  partsOf,
} from './layout.ts';
import { bracketed } from './text.ts';
import { validateEvpn } from './validate.ts';

/** Values behind the brackets, by their word. */
interface Options {
  readonly rd?: string;
  readonly label?: string;
  readonly esi?: string;
  readonly gateway?: string;
}

/**
 * NLRI of an EVPN route of type 1 to 5 as {@link evpnText} writes it; `label`, `esi` and `gateway` may be left out.
 * @throws RangeError naming the text where it is no such route.
 */
export function parseEvpn(text: string): Uint8Array {
  const [brackets, ...words] = text.trim().split(/\s+/);
  const items = /^\[.*\]$/.test(brackets!) ? brackets!.slice(1, -1).split(']:[') : [];
  const options = readOptions(words, text);
  const type = Number(items[0]);
  const size = addressSize(type, items);
  if (size === undefined || options.rd === undefined) throw notARoute(text);
  const labels = (options.label ?? '0').split('/');
  const nlri = frame(type, size, labels.length);
  const parts = partsOf(nlri);
  if (parts === undefined) throw notARoute(text);
  const fill = (part: Part, bytes: Uint8Array | undefined): void => {
    if (bytes?.length !== part.length) throw notARoute(text);
    nlri.set(bytes, part.at);
  };
  const shown = bracketed(parts);
  if (shown.length !== items.length - 1) throw notARoute(text);
  for (const [i, part] of shown.entries()) fill(part, partBytes(part, items[i + 1]!));
  for (const part of parts) {
    if (part.kind === 'rd') fill(part, parseRd(options.rd));
    else if (part.kind === 'label') fill(part, number(labels.shift()!, part.length));
    else if (part.kind === 'gateway' && options.gateway !== undefined)
      fill(part, parseAddress(options.gateway));
    else if (part.kind === 'esi' && !part.key && options.esi !== undefined)
      fill(part, partBytes(part, options.esi));
  }
  if (validateEvpn(nlri) !== undefined) throw notARoute(text);
  return nlri;
}

function notARoute(text: string): RangeError {
  const expected =
    '"[2]:[TAG]:[48]:[MAC]:[BITS]:[IP] RD RD [label N] [esi ESI] [gateway IP]", or another type';
  return new RangeError(`not an EVPN route: ${JSON.stringify(text)} (expected ${expected})`);
}

function readOptions(words: readonly string[], text: string): Options {
  const options: { [word: string]: string } = {};
  for (let i = 0; i < words.length; i += 2) {
    const word = words[i]!.toLowerCase();
    const value = words[i + 1];
    if (!['rd', 'label', 'esi', 'gateway'].includes(word) || value === undefined || word in options) {
      throw notARoute(text);
    }
    options[word] = value;
  }
  return options;
}

/** Octets of the route's address, from what stands for it; `undefined` where the type has no such form. */
function addressSize(type: number, items: readonly string[]): number | undefined {
  if (type === AUTO_DISCOVERY) return 0;
  if (type === MAC_IP && items.length === 4) return 0;
  if (type === MAC_IP || (type >= INCLUSIVE_MULTICAST && type <= IP_PREFIX)) {
    return parseAddress(items.at(-1) ?? '')?.length;
  }
  return undefined;
}

/** An empty NLRI of the type with its length set. */
function frame(type: number, size: number, labels: number): Uint8Array {
  const lengths: { readonly [type: number]: number } = {
    [AUTO_DISCOVERY]: 22 + 3 * labels,
    [MAC_IP]: 30 + size + 3 * labels,
    [INCLUSIVE_MULTICAST]: 13 + size,
    [ETHERNET_SEGMENT]: 19 + size,
    [IP_PREFIX]: 23 + 2 * size + 3 * labels,
  };
  const nlri = new Uint8Array(HEAD + lengths[type]!);
  nlri[0] = type;
  nlri[1] = nlri.length - HEAD;
  return nlri;
}

/** Octets of one part of the key, or of an ESI; `undefined` where the text is none. */
function partBytes(part: Part, text: string): Uint8Array | undefined {
  switch (part.kind) {
    case 'mac':
      return hexPairs(text, MAC_LENGTH);
    case 'esi':
      return hexPairs(text, ESI_LENGTH);
    case 'tag':
    case 'bits':
      return number(text, part.length);
    default:
      return parseAddress(text);
  }
}

function hexPairs(text: string, octets: number): Uint8Array | undefined {
  return new RegExp(`^([0-9a-f]{2}:){${octets - 1}}[0-9a-f]{2}$`, 'i').test(text) ? fromHex(text) : undefined;
}

function number(text: string, octets: number): Uint8Array | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value < 256 ** octets)) return undefined;
  return Uint8Array.from({ length: octets }, (_, i) => Math.floor(value / 256 ** (octets - 1 - i)) & 0xff);
}
