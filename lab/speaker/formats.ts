/** What some texts of a speaker's file have to look like, by the name that the JSON Schema has for it (`format`). */
import { parseAddress } from '../../protocol/ip/prefix.ts';
import { tryPrefix } from '../file/prefix.ts';
import { isFilePattern } from '../mrt/file-name.ts';

/** Names of the formats. */
export type Format = 'ip-address' | 'dotted-quad' | 'prefix' | 'file-pattern';

export const FORMATS: Readonly<Record<Format, (text: string) => boolean>> = {
  /** IPv4 or IPv6. */
  'ip-address': (text) => parseAddress(text) !== undefined,
  /** A BGP identifier or a next hop: any but 0.0.0.0. */
  'dotted-quad': (text) => text !== '0.0.0.0' && parseAddress(text)?.length === 4,
  /** Without host bits. */
  prefix: (text) => tryPrefix(text) !== undefined,
  /** The name of a file that is dumped, with the time in it. */
  'file-pattern': (text) => text !== '' && isFilePattern(text),
};
