import { describe, test } from 'vitest';
import { tool } from '../support/tools.ts';
import { checkTarget, SUITE_TIME } from './check.ts';
import { startBird } from './target.ts';

const needed = tool('bird');

describe.skipIf(needed.missing)(needed.title('BIRD'), () => {
  test(
    'differs from the requirements where it is known to',
    () => checkTarget('bird', startBird),
    SUITE_TIME,
  );
});
