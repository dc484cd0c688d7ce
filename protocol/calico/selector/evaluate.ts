import { parseSelector, type Selector } from './parser.ts';

/** Labels of an object, `{ 'route-reflector': 'true' }`. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Whether `labels` satisfy the selector. A missing label fails `==`, `in`, `contains`, `starts with` and `ends with`,
 * but satisfies `!=` and `not in` (Calico `libcalico-go/lib/selector/parser/ast.go`).
 */
export function evaluateSelector(selector: Selector, labels: Labels): boolean {
  switch (selector.kind) {
    case 'all':
    case 'global':
      return true;
    case 'has':
      return labelOf(labels, selector.label) !== undefined;
    case 'compare':
      return compare(selector.operator, labelOf(labels, selector.label), selector.value);
    case 'set': {
      const value = labelOf(labels, selector.label);
      const member = value !== undefined && selector.values.includes(value);
      return selector.operator === 'in' ? member : !member;
    }
    case 'not':
      return !evaluateSelector(selector.operand, labels);
    case 'and':
      return selector.operands.every((operand) => evaluateSelector(operand, labels));
    case 'or':
      return selector.operands.some((operand) => evaluateSelector(operand, labels));
  }
}

/** Parses and evaluates at once. @throws SelectorError */
export function selectorMatches(selector: string, labels: Labels): boolean {
  return evaluateSelector(parseSelector(selector), labels);
}

function compare(
  operator: (Selector & { kind: 'compare' })['operator'],
  label: string | undefined,
  value: string,
): boolean {
  if (label === undefined) return operator === '!=';
  switch (operator) {
    case '==':
      return label === value;
    case '!=':
      return label !== value;
    case 'contains':
      return label.includes(value);
    case 'starts with':
      return label.startsWith(value);
    case 'ends with':
      return label.endsWith(value);
  }
}

/** Own properties only: a label called `constructor` is as absent as any other. */
function labelOf(labels: Labels, name: string): string | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}
