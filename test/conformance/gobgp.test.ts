import { describe, test } from 'vitest';
import { all, tool } from '../support/tools.ts';
import { checkTarget, SUITE_TIME } from './check.ts';
import { startGobgp } from './target.ts';

const needed = all(tool('gobgpd'), tool('gobgp'));

describe.skipIf(needed.missing)(needed.title('GoBGP'), () => {
  test(
    'differs from the requirements where it is known to',
    () => checkTarget('gobgp', startGobgp, ['HDR']),
    SUITE_TIME,
  );
});
