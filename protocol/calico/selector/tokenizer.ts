/**
 * Words of Calico's selector language (Calico `libcalico-go/lib/selector/tokenizer/tokenizer.go`). The words between
 * a label and its value (`in`, `not in`, `contains`, `starts with`, `ends with`) are operators only there, so a label
 * may be called `in`.
 */

export type Operator = '==' | '!=' | 'in' | 'not in' | 'contains' | 'starts with' | 'ends with';

export type Token = { /** Characters from the start of the selector. */ readonly offset: number } & (
  | { readonly kind: 'label' | 'string' | 'has'; readonly text: string }
  | { readonly kind: 'operator'; readonly operator: Operator }
  | { readonly kind: 'all' | 'global' | '(' | ')' | '{' | '}' | ',' | '!' | '&&' | '||' | 'end' }
);

/** A text that is no selector: what was expected at which character. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
  /** Characters from the start of the selector. */
  readonly offset: number;

  constructor(selector: string, offset: number, expected: string) {
    super(`selector ${JSON.stringify(selector)}, character ${offset + 1}: expected ${expected}`);
    this.offset = offset;
  }
}

/** What may follow a label, in words. */
export const OPERATORS = '==, !=, in, not in, contains, starts with or ends with';

const LABEL = /[a-zA-Z0-9_./-]{1,512}/y;
const SPACE = /[ \t]*/y;
const WORD_OPERATORS: readonly (readonly [RegExp, Operator])[] = [
  [/contains/y, 'contains'],
  [/starts[ \t]*with/y, 'starts with'],
  [/ends[ \t]*with/y, 'ends with'],
  [/not[ \t]*in/y, 'not in'],
  [/in/y, 'in'],
];
const FUNCTIONS = /(all|global|has)\([ \t]*/y;
const SYMBOLS = ['==', '!=', '&&', '||', '(', ')', '{', '}', ',', '!'] as const;

/** Splits a selector into tokens; the last is `end`. @throws SelectorError */
export function tokenize(selector: string): Token[] {
  const tokens: Token[] = [];
  let at = matchEnd(SPACE, selector, 0) ?? 0;
  while (at < selector.length) {
    const [token, end] = tokens.at(-1)?.kind === 'label' ? operatorAt(selector, at) : tokenAt(selector, at);
    tokens.push(token);
    at = matchEnd(SPACE, selector, end) ?? end;
  }
  tokens.push({ kind: 'end', offset: selector.length });
  return tokens;
}

function operatorAt(selector: string, offset: number): [Token, number] {
  for (const operator of ['==', '!='] as const) {
    if (selector.startsWith(operator, offset)) return [{ kind: 'operator', operator, offset }, offset + 2];
  }
  for (const [pattern, operator] of WORD_OPERATORS) {
    const end = matchEnd(pattern, selector, offset);
    if (end !== undefined) return [{ kind: 'operator', operator, offset }, end];
  }
  throw new SelectorError(selector, offset, OPERATORS);
}

function tokenAt(selector: string, offset: number): [Token, number] {
  const quote = selector[offset];
  if (quote === '"' || quote === "'") {
    const close = selector.indexOf(quote, offset + 1);
    if (close < 0)
      throw new SelectorError(
        selector,
        selector.length,
        `closing ${quote} of the text at character ${offset + 1}`,
      );
    return [{ kind: 'string', text: selector.slice(offset + 1, close), offset }, close + 1];
  }
  for (const symbol of SYMBOLS) {
    if (!selector.startsWith(symbol, offset)) continue;
    const token: Token =
      symbol === '==' || symbol === '!='
        ? { kind: 'operator', operator: symbol, offset }
        : { kind: symbol, offset };
    return [token, offset + symbol.length];
  }
  const argument = matchEnd(FUNCTIONS, selector, offset);
  if (argument !== undefined) return functionAt(selector, offset, argument);
  const end = matchEnd(LABEL, selector, offset);
  if (end === undefined) throw new SelectorError(selector, offset, 'a label, a function, ! or (');
  return [{ kind: 'label', text: selector.slice(offset, end), offset }, end];
}

/** `all()`, `global()` or `has(label)`, whose argument begins at `argument`. */
function functionAt(selector: string, offset: number, argument: number): [Token, number] {
  const name = selector.slice(offset, selector.indexOf('(', offset));
  const labelEnd = name === 'has' ? matchEnd(LABEL, selector, argument) : argument;
  if (labelEnd === undefined) throw new SelectorError(selector, argument, 'a label in has()');
  const close = matchEnd(SPACE, selector, labelEnd) ?? labelEnd;
  if (selector[close] !== ')') throw new SelectorError(selector, close, `) after ${name}(`);
  const token: Token =
    name === 'has'
      ? { kind: 'has', text: selector.slice(argument, labelEnd), offset }
      : { kind: name === 'all' ? 'all' : 'global', offset };
  return [token, close + 1];
}

function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
