/** Regular expressions on AS paths as FRR and its ancestors read them. */
import type { AsPath } from '../attribute/as-path.ts';
import { asPathText } from '../attribute/as-path-text.ts';

/** What `_` stands for outside brackets. */
const BOUNDARY = '(?:^|[ ,{}()\\[\\]]|$)';

const POSIX_CLASSES: Readonly<Record<string, string>> = { digit: '0-9', space: ' ', blank: ' ' };

/**
 * Compiles an expression: extended POSIX syntax, `_` for a boundary between AS numbers. It may match anywhere in the
 * path unless anchored.
 * @throws RangeError where it is no regular expression.
 */
export function compileAsPathRegex(expression: string): RegExp {
  if (expression === '') throw new RangeError('empty AS path expression, expected ^$ for the empty path');
  let source = '';
  let inBrackets = false;
  for (let i = 0; i < expression.length; i++) {
    const character = expression[i]!;
    if (character === '\\') source += character + (expression[++i] ?? '');
    else if (inBrackets) {
      const posix = /^\[:([a-z]+):\]/.exec(expression.slice(i));
      if (posix !== null) {
        source += POSIX_CLASSES[posix[1]!] ?? unknownClass(posix[0]);
        i += posix[0].length - 1;
      } else {
        inBrackets = character !== ']';
        source += character;
      }
    } else if (character === '_') source += BOUNDARY;
    else {
      inBrackets = character === '[';
      source += character;
    }
  }
  try {
    return new RegExp(source);
  } catch (error) {
    throw new RangeError(
      `not an AS path expression: ${JSON.stringify(expression)} (${(error as Error).message.replace(/^.*: /, '')})`,
    );
  }
}

function unknownClass(name: string): never {
  throw new RangeError(`character class ${name} is not known, expected [:digit:] or [:space:]`);
}

/** Text by path; paths are shared between the routes of an UPDATE and never change. */
const texts = new WeakMap<AsPath, string>();

/** The path as FRR prints it, which is what expressions are written for: `"65001 {65002,65003}"`. */
export function asPathRegexText(path: AsPath): string {
  let text = texts.get(path);
  if (text === undefined) {
    text = asPathText(path);
    texts.set(path, text);
  }
  return text;
}
