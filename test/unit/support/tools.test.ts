import { describe, expect, test } from 'vitest';
import { all, findTool, hasTool, requireTool, skippingForbidden, tool } from '../../support/tools.ts';

describe('needs of tests', () => {
  test('finds a program that every machine with Node has', () => {
    expect(findTool('sh')).toMatch(/^\/.*\/sh$/);
    expect(hasTool('sh')).toBe(true);
    expect(requireTool('sh')).toBe(findTool('sh'));
    expect(tool('sh')).toMatchObject({ missing: false, reason: '', name: 'sh' });
    expect(tool('sh').title('a shell')).toBe('a shell');
  });

  test('a missing program is an error in CI and a reason elsewhere', () => {
    expect(hasTool('no-such-program')).toBe(false);
    if (skippingForbidden) {
      expect(() => tool('no-such-program')).toThrow('needs no-such-program: apt-get install no-such-program');
      expect(() => requireTool('no-such-program')).toThrow('needs no-such-program');
    } else {
      const missing = tool('no-such-program');
      expect(missing).toMatchObject({ missing: true, path: '' });
      expect(missing.title('x')).toBe('x [skipped: needs no-such-program: apt-get install no-such-program]');
      expect(all(tool('sh'), missing)).toMatchObject({ missing: true, reason: missing.reason });
    }
  });

  test('needs that are all there are no reason to skip', () => {
    expect(all(tool('sh'), tool('sh')).missing).toBe(false);
  });
});
