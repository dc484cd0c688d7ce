import { describe, expect, test } from 'vitest';
import { expandNames, PatternError } from '../../../lab/file/names.ts';
import { suggest } from '../../../lab/file/suggest.ts';

describe('name patterns', () => {
  test.each([
    ['host', ['host']],
    ['host[1-3]', ['host1', 'host2', 'host3']],
    ['h[08-11]', ['h08', 'h09', 'h10', 'h11']],
    ['h[8-11]', ['h8', 'h9', 'h10', 'h11']],
    ['r[1,4-5]', ['r1', 'r4', 'r5']],
    ['rack[1-2]-h[1-2]', ['rack1-h1', 'rack1-h2', 'rack2-h1', 'rack2-h2']],
    ['h[7]x', ['h7x']],
  ])('%s', (pattern, names) => {
    expect(expandNames(pattern)).toEqual(names);
  });

  test.each([
    ['h[3-1]', 'the descending range 3-1'],
    ['h[1-2', 'an unmatched bracket'],
    ['h1-2]', 'an unmatched bracket'],
    ['h[]', '""'],
    ['h[a-c]', '"a-c"'],
    ['h[1-99999]', 'more than 5000 names'],
    ['h[1-100]x[1-100]', 'more than 5000 names'],
  ])('%s is refused', (pattern, message) => {
    expect(() => expandNames(pattern)).toThrow(PatternError);
    expect(() => expandNames(pattern)).toThrow(message);
  });
});

describe('suggestions', () => {
  test.each([
    ['nodez', 'nodes'],
    ['lables', 'labels'],
    ['hots1', 'host1'],
    ['IPPol', 'IPPool'],
    ['xyz', undefined],
  ])('%s → %s', (word, expected) => {
    expect(suggest(word, ['nodes', 'labels', 'host1', 'host22', 'IPPool'])).toBe(expected);
  });
});
