import { expect, test } from 'vitest';
import { boundRegExpTime } from '../../../agents/io/regexp-time.ts';
import { compileAsPathRegex } from '../../../protocol/bgp/policy/as-path-regex.ts';

test('an expression that tracks back for ever is done with at once', () => {
  boundRegExpTime();
  const path = '65000 65001 65002 65003 65004 65005 65006 65007 65008 65009 65010';
  // By backtracking alone this is a matter of hours.
  expect(compileAsPathRegex('^([0-9]+ ?)+x').test(path)).toBe(false);
  expect(compileAsPathRegex('^([0-9]+ ?)+$').test(path)).toBe(true);
  expect(compileAsPathRegex('_65005_').test(path)).toBe(true);
});
