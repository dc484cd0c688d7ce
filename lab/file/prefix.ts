import { type Prefix, parsePrefix } from '../../protocol/ip/prefix.ts';

/** {@link parsePrefix} that wants a slash, and `undefined` where the text is no prefix or has host bits. */
export function tryPrefix(text: string): Prefix | undefined {
  if (!text.includes('/')) return undefined;
  try {
    return parsePrefix(text);
  } catch {
    return undefined;
  }
}
