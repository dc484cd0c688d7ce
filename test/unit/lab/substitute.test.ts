// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of lab files
import { describe, expect, test } from 'vitest';
import { substitute } from '../../../lab/file/substitute.ts';

const env = { A: 'alpha', EMPTY: '' };

describe('environment variables', () => {
  test.each([
    ['x: ${A}', 'x: alpha'],
    ['x: ${A:=d}', 'x: alpha'],
    ['x: ${B:=d}', 'x: d'],
    ['x: ${B:-d}', 'x: d'],
    ['x: ${EMPTY:=d}', 'x: d'],
    ['x: ${EMPTY}', 'x: '],
    ['x: $${A}', 'x: ${A}'],
    ['x: ${A}${A}', 'x: alphaalpha'],
    ['x: ${PODWIRE_ADDRESS} $HOME ${A%x}', 'x: ${PODWIRE_ADDRESS} $HOME ${A%x}'],
    ['# ${NOT_SET}\nx: 1', '# ${NOT_SET}\nx: 1'],
  ])('%j', (source, text) => {
    expect(substitute(source, env)).toMatchObject({ text, unset: [] });
  });

  test('a variable without value or default is named with its place', () => {
    expect(substitute('a: 1\nb: ${B}', env).unset).toEqual([{ offset: 8, name: 'B' }]);
  });

  test('offsets lead back to the written text', () => {
    const source = 'x: ${B:=a long default}, y: ${A} z';
    const { text, originalOffset } = substitute(source, env);
    expect(text).toBe('x: a long default, y: alpha z');
    expect(originalOffset(0)).toBe(0);
    expect(originalOffset(text.indexOf('long'))).toBe(source.indexOf('${B'));
    expect(originalOffset(text.indexOf('y:'))).toBe(source.indexOf('y:'));
    expect(originalOffset(text.indexOf('z'))).toBe(source.indexOf('z'));
  });
});
