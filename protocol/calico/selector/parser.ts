import { OPERATORS, type Operator, SelectorError, type Token, tokenize } from './tokenizer.ts';

/** Syntax tree of a selector (Calico `libcalico-go/lib/selector/parser/ast.go`). */
export type Selector =
  | { readonly kind: 'all' }
  | { readonly kind: 'global' }
  | { readonly kind: 'has'; readonly label: string }
  | {
      readonly kind: 'compare';
      readonly label: string;
      readonly operator: Exclude<Operator, 'in' | 'not in'>;
      readonly value: string;
    }
  | {
      readonly kind: 'set';
      readonly label: string;
      readonly operator: 'in' | 'not in';
      readonly values: readonly string[];
    }
  | { readonly kind: 'not'; readonly operand: Selector }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Selector[] };

/**
 * Parses a selector; the empty text selects everything. `||` binds weaker than `&&`, `!` strongest.
 * @throws SelectorError with the offset of the fault.
 */
export function parseSelector(text: string): Selector {
  const parser = new Parser(text);
  return parser.selector();
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  selector(): Selector {
    if (this.#accept('end')) return { kind: 'all' };
    const root = this.#chain('||');
    if (!this.#accept('end')) this.#fail('&&, || or the end');
    return root;
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  #fail(expected: string): never {
    throw new SelectorError(this.#text, this.#next.offset, expected);
  }

  #accept(kind: Token['kind']): boolean {
    if (this.#next.kind !== kind) return false;
    this.#at++;
    return true;
  }

  #chain(separator: '&&' | '||'): Selector {
    const operands: Selector[] = [];
    do operands.push(separator === '||' ? this.#chain('&&') : this.#operation());
    while (this.#accept(separator));
    return operands.length === 1 ? operands[0]! : { kind: separator === '||' ? 'or' : 'and', operands };
  }

  #operation(): Selector {
    let negated = false;
    while (this.#accept('!')) negated = !negated;
    const operand = this.#primary();
    return negated ? { kind: 'not', operand } : operand;
  }

  #primary(): Selector {
    const token = this.#next;
    switch (token.kind) {
      case 'all':
      case 'global':
        this.#at++;
        return { kind: token.kind };
      case 'has':
        this.#at++;
        return { kind: 'has', label: token.text };
      case 'label':
        this.#at++;
        return this.#comparison(token.text);
      case '(': {
        this.#at++;
        const inner = this.#chain('||');
        if (!this.#accept(')')) this.#fail(')');
        return inner;
      }
      default:
        return this.#fail('a label, has(), all(), global(), ! or (');
    }
  }

  #comparison(label: string): Selector {
    const token = this.#next;
    if (token.kind !== 'operator') this.#fail(OPERATORS);
    this.#at++;
    const { operator } = token;
    if (operator === 'in' || operator === 'not in')
      return { kind: 'set', label, operator, values: this.#set() };
    const value = this.#next;
    if (value.kind !== 'string') this.#fail(`a quoted text after ${operator}`);
    this.#at++;
    return { kind: 'compare', label, operator, value: value.text };
  }

  /** `{'a', 'b'}`; may be empty or end with a comma. */
  #set(): string[] {
    if (!this.#accept('{')) this.#fail('{');
    const values: string[] = [];
    for (let value = this.#next; value.kind === 'string'; value = this.#next) {
      values.push(value.text);
      this.#at++;
      if (!this.#accept(',')) break;
    }
    if (!this.#accept('}')) this.#fail('a quoted text or }');
    return values;
  }
}
