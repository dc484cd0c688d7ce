// The suite against every speaker at the same time: it mostly waits for timers (the longest takes four minutes).
import { describe, expect, test } from 'vitest';
import { all, tool } from '../support/tools.ts';
import { checkTarget, SUITE_TIME } from './check.ts';
import { readExpected } from './expected.ts';
import { startBird, startFrr, startGobgp, startPodwire } from './target.ts';

const bird = tool('bird');
const frr = all(tool('bgpd'), tool('vtysh'));
const gobgp = all(tool('gobgpd'), tool('gobgp'));

describe.concurrent('BGP conformance suite', () => {
  test('podwire: no failure is known', () => {
    const bad = Object.entries(readExpected('podwire')).filter(
      ([, { verdict }]) => verdict !== 'not-applicable',
    );
    expect(bad).toEqual([]);
  });

  test(
    'podwire: meets every requirement that applies',
    () => checkTarget('podwire', startPodwire),
    SUITE_TIME,
  );

  test.skipIf(bird.missing)(
    bird.title('bird: differs where it is known to'),
    () => checkTarget('bird', startBird),
    SUITE_TIME,
  );

  test.skipIf(frr.missing)(
    frr.title('frr: differs where it is known to'),
    () => checkTarget('frr', startFrr),
    SUITE_TIME,
  );

  // Unknown message types and a second OPEN crash GoBGP 3.10, which would disturb other tests.
  test.skipIf(gobgp.missing)(
    gobgp.title('gobgp: differs where it is known to'),
    () => checkTarget('gobgp', startGobgp, ['HDR-4', 'FSM-14']),
    SUITE_TIME,
  );
});
