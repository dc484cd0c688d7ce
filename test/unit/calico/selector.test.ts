import { describe, expect, test } from 'vitest';
import { selectorMatches } from '../../../protocol/calico/selector/evaluate.ts';
import { parseSelector } from '../../../protocol/calico/selector/parser.ts';
import { SelectorError } from '../../../protocol/calico/selector/tokenizer.ts';

const labels = { 'route-reflector': 'true', 'kubernetes.io/hostname': 'node-1', tier: 'front end', in: 'x' };

describe('evaluation', () => {
  test.each([
    ['', true],
    [' \t', true],
    ['all()', true],
    ['all( )', true],
    ['global()', true],
    ["route-reflector == 'true'", true],
    ['route-reflector=="true"', true],
    ["route-reflector != 'true'", false],
    ["kubernetes.io/hostname == 'node-2'", false],
    ['has(tier)', true],
    ['has( tier )', true],
    ['!has(tier)', false],
    ['! ! has(tier)', true],
    ["tier in {'back', 'front end'}", true],
    ["tier in {'back',}", false],
    ['tier in {}', false],
    ['tier not in {}', true],
    ["tier not in {'front end'}", false],
    ["tier notin{'back'}", true],
    ["tier contains 'nt e'", true],
    ["tier starts with 'front'", true],
    ["tier startswith 'end'", false],
    ["tier ends \t with 'end'", true],
    // A label may be called like an operator.
    ["in in {'x'}", true],
    ['has(in)', true],
    // && binds stronger than ||, ! strongest.
    ["has(tier) || has(none) && tier == 'no'", true],
    ["(has(tier) || has(none)) && tier == 'no'", false],
    ["!has(none) && tier == 'front end'", true],
    ["!(has(tier) && route-reflector == 'true')", false],
  ])('%s', (selector, expected) => {
    expect(selectorMatches(selector, labels)).toBe(expected);
  });

  test.each([
    ["missing == 'a'", false],
    ["missing in {'a'}", false],
    ["missing contains ''", false],
    ["missing starts with ''", false],
    ["missing ends with ''", false],
    ["missing != 'a'", true],
    ["missing not in {'a'}", true],
    ['has(constructor)', false],
  ])('a missing label: %s', (selector, expected) => {
    expect(selectorMatches(selector, labels)).toBe(expected);
  });
});

test('the tree', () => {
  expect(parseSelector("!has(a) && b in {'x'} || c starts with 'y'")).toEqual({
    kind: 'or',
    operands: [
      {
        kind: 'and',
        operands: [
          { kind: 'not', operand: { kind: 'has', label: 'a' } },
          { kind: 'set', label: 'b', operator: 'in', values: ['x'] },
        ],
      },
      { kind: 'compare', label: 'c', operator: 'starts with', value: 'y' },
    ],
  });
});

describe('errors name the place', () => {
  test.each([
    ['a', 1, 'expected ==, !=, in, not in, contains'],
    ["a = 'b'", 2, 'expected =='],
    ['a == b', 5, 'expected a quoted text after =='],
    ["a == 'b", 7, "expected closing ' of the text at character 6"],
    ["a in 'b'", 5, 'expected {'],
    ["a in {'b'", 9, 'expected a quoted text or }'],
    ['has(', 4, 'expected a label in has()'],
    ['has(a', 5, 'expected ) after has('],
    ['all(x)', 4, 'expected ) after all('],
    ["(a == 'b'", 9, 'expected )'],
    ["a == 'b' c == 'd'", 9, 'expected &&, || or the end'],
    ["a == 'b' &&", 11, 'expected a label, has()'],
    ['& ', 0, 'expected a label, a function, ! or ('],
    ['!', 1, 'expected a label, has()'],
  ])('%s', (selector, offset, message) => {
    const error = (() => {
      try {
        return parseSelector(selector);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(SelectorError);
    expect((error as SelectorError).offset).toBe(offset);
    expect((error as SelectorError).message).toContain(message);
  });
});
