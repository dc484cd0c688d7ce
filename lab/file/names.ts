/** A lab's name: it becomes part of file names, host names and keys. At most 40 characters. */
export const LAB_NAME: RegExp = /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/;

/** What {@link LAB_NAME} wants, in words. */
export const LAB_NAME_RULE: string = 'at most 40 lower-case letters, digits and -, a letter first';

/** More names than this from one pattern is taken for a typing error. */
const MAX_NAMES = 5000;

/** A name pattern that cannot be expanded; the message says what and what was expected. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/**
 * Expands a name pattern: `host[1-3]` → host1 host2 host3, `h[08-10]` → h08 h09 h10, `r[1,4-5]` → r1 r4 r5,
 * `rack[1-2]-host[1-2]` → every combination, the last range running fastest. A name without brackets is itself.
 * @throws PatternError on an unclosed bracket, an empty or descending range, or over 5000 names.
 */
export function expandNames(pattern: string): readonly string[] {
  let names = [''];
  for (const part of splitPattern(pattern)) {
    const alternatives = typeof part === 'string' ? [part] : part;
    if (names.length * alternatives.length > MAX_NAMES) {
      throw new PatternError(`name pattern ${JSON.stringify(pattern)} gives more than ${MAX_NAMES} names`);
    }
    names = names.flatMap((name) => alternatives.map((alternative) => name + alternative));
  }
  return names;
}

function splitPattern(pattern: string): readonly (string | readonly string[])[] {
  const parts: (string | readonly string[])[] = [];
  let rest = pattern;
  for (;;) {
    const open = rest.search(/[[\]]/);
    if (open < 0) return [...parts, rest];
    const close = rest.indexOf(']', open);
    if (rest[open] === ']' || close < 0) throw malformed(pattern, 'an unmatched bracket');
    parts.push(rest.slice(0, open), expandRanges(rest.slice(open + 1, close), pattern));
    rest = rest.slice(close + 1);
  }
}

function expandRanges(text: string, pattern: string): readonly string[] {
  return text.split(',').flatMap((item) => {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(item);
    if (match === null) throw malformed(pattern, JSON.stringify(item.trim()));
    const [, first = '', last = first] = match;
    if (Number(last) < Number(first)) throw malformed(pattern, `the descending range ${first}-${last}`);
    if (Number(last) - Number(first) >= MAX_NAMES) {
      throw new PatternError(`name pattern ${JSON.stringify(pattern)} gives more than ${MAX_NAMES} names`);
    }
    const width = first.startsWith('0') ? first.length : 0;
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) =>
      String(Number(first) + i).padStart(width, '0'),
    );
  });
}

function malformed(pattern: string, what: string): PatternError {
  return new PatternError(
    `name pattern ${JSON.stringify(pattern)} has ${what}, expected a range such as host[1-3] or r[1,4-5]`,
  );
}
