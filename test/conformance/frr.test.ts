import { describe, test } from 'vitest';
import { all, tool } from '../support/tools.ts';
import { checkTarget, SUITE_TIME } from './check.ts';
import { startFrr } from './target.ts';

const needed = all(tool('bgpd'), tool('vtysh'));

describe.skipIf(needed.missing)(needed.title('FRR'), () => {
  test('differs from the requirements where it is known to', () => checkTarget('frr', startFrr), SUITE_TIME);
});
