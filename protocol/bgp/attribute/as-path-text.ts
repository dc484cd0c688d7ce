/** AS paths as people write and read them, in the notation of FRR: `65001 65002 {65003,65004} (65005 65006) [65007]`. */
import type { AsPath, AsPathSegment, SegmentKind } from './as-path.ts';

/** What stands before, between and after the AS numbers of a segment (FRR, `aspath_make_str_count`). */
const NOTATION: Readonly<Record<SegmentKind, readonly [string, string, string]>> = {
  sequence: ['', ' ', ''],
  set: ['{', ',', '}'],
  'confed-sequence': ['(', ' ', ')'],
  'confed-set': ['[', ',', ']'],
};

/** `"64512 {1,2}"`: sets in braces, confederation segments in parentheses and brackets. */
export function asPathText(path: AsPath): string {
  return path
    .map(({ kind, asns }) => {
      const [open, separator, close] = NOTATION[kind];
      return `${open}${asns.join(separator)}${close}`;
    })
    .join(' ');
}

/**
 * The path that a text like `"64512 {1,2} (65001)"` says; AS numbers within brackets may be separated by spaces or commas.
 * Sequences that stand side by side become one.
 * @throws RangeError naming the text where it is no AS path.
 */
export function parseAsPath(text: string): AsPath {
  const segments: { kind: SegmentKind; asns: number[] }[] = [];
  const pattern = /\s*(?:(\d+)|\{([^{}]*)\}|\(([^()]*)\)|\[([^[\]]*)\])(?=[\s{([]|$)/y;
  let at = 0;
  while (text.slice(at).trim() !== '') {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) throw new RangeError(`not an AS path: ${JSON.stringify(text)}`);
    at = pattern.lastIndex;
    const [, plain, set, confedSequence, confedSet] = match;
    const last = segments.at(-1);
    if (plain !== undefined && last?.kind === 'sequence') last.asns.push(asnOf(plain, text));
    else if (plain !== undefined) segments.push({ kind: 'sequence', asns: [asnOf(plain, text)] });
    else if (set !== undefined) segments.push(bracketed('set', set, text));
    else if (confedSequence !== undefined) segments.push(bracketed('confed-sequence', confedSequence, text));
    else segments.push(bracketed('confed-set', confedSet!, text));
  }
  return segments;
}

function bracketed(kind: SegmentKind, inside: string, text: string): { kind: SegmentKind; asns: number[] } {
  const asns = inside.split(/[\s,]+/).filter((part) => part !== '');
  const segment: AsPathSegment = { kind, asns: asns.map((part) => asnOf(part, text)) };
  if (segment.asns.length === 0)
    throw new RangeError(`not an AS path: ${JSON.stringify(text)} (empty segment)`);
  return { kind, asns: [...segment.asns] };
}

function asnOf(digits: string, text: string): number {
  const asn = /^\d{1,10}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(asn >= 1 && asn <= 0xffffffff)) {
    throw new RangeError(`not an AS path: ${JSON.stringify(text)} (AS numbers are 1 to 4294967295)`);
  }
  return asn;
}
