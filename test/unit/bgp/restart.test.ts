import { describe, expect, test } from 'vitest';
import type { Family } from '../../../protocol/bgp/family.ts';
import { SelectionDeferral } from '../../../protocol/bgp/restart/deferral.ts';
import { type RestartAction, RestartHelper } from '../../../protocol/bgp/restart/helper.ts';
import { PrefixLimits } from '../../../protocol/bgp/restart/max-prefixes.ts';
import type { Negotiated } from '../../../protocol/bgp/session/negotiated.ts';

const STALE_TIME = 360_000;
const V4: Family = 'ipv4-unicast';
const V6: Family = 'ipv6-unicast';

interface Said {
  readonly families?: readonly Family[];
  /** Seconds; absent: the peer knows nothing of restarts. */
  readonly restartTime?: number;
  readonly restarting?: boolean;
  /** Families with the F bit. */
  readonly forwarding?: readonly Family[];
  /** Long-lived stale times by family, seconds. */
  readonly longLived?: Partial<Record<Family, number>>;
}

/** What a peer's OPEN brought, as far as restarts are concerned. */
function negotiated(said: Said): Negotiated {
  const { families = [V4, V6], restartTime, restarting = false, forwarding = [], longLived } = said;
  const bit = (family: Family): boolean => forwarding.includes(family);
  return {
    families,
    ...(restartTime === undefined
      ? {}
      : {
          gracefulRestart: {
            restarting,
            notification: false,
            restartTime,
            families: families.map((family) => ({ family, forwarding: bit(family) })),
          },
        }),
    ...(longLived === undefined
      ? {}
      : {
          longLived: {
            families: (Object.entries(longLived) as [Family, number][]).map(([family, staleTime]) => ({
              family,
              staleTime,
              forwarding: bit(family),
            })),
          },
        }),
  } as unknown as Negotiated;
}

/** Actions as short texts. */
function texts(actions: readonly RestartAction[]): string[] {
  return actions.map((action) => {
    if (action.kind === 'suspend') return `suspend ${action.families.join(' ')}`;
    if (action.kind === 'drop') return 'drop';
    if (action.kind === 'arm') return `arm ${action.timer} ${action.delay}`;
    if (action.kind === 'cancel') return `cancel ${action.timer}`;
    return `${action.kind} ${action.family}`;
  });
}

describe('a peer that restarts', () => {
  test('that knows nothing of restarts loses its routes at once', () => {
    const helper = new RestartHelper(STALE_TIME);
    expect(texts(helper.down(negotiated({}), false))).toEqual(['drop']);
    expect(helper.waiting).toBe(false);
  });

  test('keeps them until its End-of-RIB, family by family', () => {
    const helper = new RestartHelper(STALE_TIME);
    expect(texts(helper.down(negotiated({ restartTime: 120 }), true))).toEqual([
      `suspend ${V4} ${V6}`,
      'arm restart 120000',
    ]);
    expect([helper.waiting, helper.families]).toEqual([true, [V4, V6]]);
    const back = negotiated({ restartTime: 120, restarting: true, forwarding: [V4, V6] });
    expect(texts(helper.established(back))).toEqual(['cancel restart', `arm stale ${STALE_TIME}`]);
    expect(texts(helper.endOfRib(V4))).toEqual([`purge ${V4}`]);
    expect(texts(helper.endOfRib(V4))).toEqual([]);
    expect(texts(helper.endOfRib(V6))).toEqual([`purge ${V6}`, 'cancel stale']);
    expect([helper.waiting, helper.families]).toEqual([false, []]);
  });

  test.each<[string, Said, string[]]>([
    ['without the F bit', { restartTime: 120, forwarding: [V6] }, [`purge ${V4}`]],
    ['without the capability', {}, [`purge ${V4}`, `purge ${V6}`]],
    ['without the family', { restartTime: 120, families: [V6], forwarding: [V6] }, [`purge ${V4}`]],
  ])('coming back %s loses what is stale', (_name, said, purged) => {
    const helper = new RestartHelper(STALE_TIME);
    helper.down(negotiated({ restartTime: 120 }), true);
    const actions = texts(helper.established(negotiated(said)));
    expect(actions.filter((action) => action.startsWith('purge'))).toEqual(purged);
  });

  test('staying away for too long loses them', () => {
    const helper = new RestartHelper(STALE_TIME);
    helper.down(negotiated({ restartTime: 120 }), true);
    expect(texts(helper.expired('restart'))).toEqual([
      `purge ${V4}`,
      `purge ${V6}`,
      'cancel restart',
      'drop',
    ]);
    expect(helper.waiting).toBe(false);
  });

  test('taking too long to its End-of-RIB loses what it did not confirm', () => {
    const helper = new RestartHelper(STALE_TIME);
    helper.down(negotiated({ restartTime: 120 }), true);
    helper.established(negotiated({ restartTime: 120, forwarding: [V4, V6] }));
    helper.endOfRib(V6);
    expect(texts(helper.expired('stale'))).toEqual([`purge ${V4}`]);
    expect(helper.families).toEqual([]);
  });

  test('restarting again before it was done loses what was stale before (RFC 4724 §4.2)', () => {
    const helper = new RestartHelper(STALE_TIME);
    helper.down(negotiated({ restartTime: 120 }), true);
    const back = negotiated({ restartTime: 60, forwarding: [V4, V6] });
    helper.established(back);
    const actions = texts(helper.down(back, true));
    expect(actions.filter((action) => !action.startsWith('cancel'))).toEqual([
      `purge ${V4}`,
      `purge ${V6}`,
      `suspend ${V4} ${V6}`,
      'arm restart 60000',
    ]);
  });

  test('is forgotten when it is removed meanwhile', () => {
    const helper = new RestartHelper(STALE_TIME);
    helper.down(negotiated({ restartTime: 120 }), true);
    expect(texts(helper.abandon()).at(-1)).toBe('drop');
    expect([helper.waiting, helper.families]).toEqual([false, []]);
  });
});

describe('long-lived graceful restart', () => {
  test('follows the restart time, each family with its own time', () => {
    const helper = new RestartHelper(STALE_TIME);
    helper.down(negotiated({ restartTime: 120, longLived: { [V4]: 3600 } }), true);
    expect(texts(helper.expired('restart'))).toEqual([
      `long-lived ${V4}`,
      `arm ${V4} 3600000`,
      `purge ${V6}`,
    ]);
    expect([helper.waiting, helper.families]).toEqual([true, [V4]]);
    expect(texts(helper.expired(V4))).toEqual([`cancel ${V4}`, `purge ${V4}`, 'cancel restart', 'drop']);
  });

  test('begins at once where the restart time is 0 (RFC 9494 §4.2)', () => {
    const helper = new RestartHelper(STALE_TIME);
    const actions = texts(
      helper.down(negotiated({ restartTime: 0, longLived: { [V4]: 60, [V6]: 60 } }), true),
    );
    expect(actions).toEqual([
      `suspend ${V4} ${V6}`,
      `long-lived ${V4}`,
      `arm ${V4} 60000`,
      `long-lived ${V6}`,
      `arm ${V6} 60000`,
    ]);
  });

  test('goes on while the peer sends its routes, and ends with its End-of-RIB', () => {
    const helper = new RestartHelper(STALE_TIME);
    const said: Said = { restartTime: 1, longLived: { [V4]: 60, [V6]: 60 }, forwarding: [V4] };
    helper.down(negotiated(said), true);
    helper.expired('restart');
    // IPv6 comes back without the F bit of the long-lived capability.
    expect(texts(helper.established(negotiated(said)))).toEqual([
      'cancel restart',
      `cancel ${V6}`,
      `purge ${V6}`,
      `arm stale ${STALE_TIME}`,
    ]);
    expect(texts(helper.endOfRib(V4))).toEqual([`cancel ${V4}`, `purge ${V4}`, 'cancel stale']);
  });
});

describe('selection deferral', () => {
  const peers = [
    { name: 'a', families: [V4, V6] },
    { name: 'b', families: [V4] },
  ];
  const known = negotiated({ restartTime: 120 });

  test('waits for the End-of-RIB of every peer, family by family', () => {
    const deferral = new SelectionDeferral(peers);
    expect(deferral.established('a', known)).toEqual([]);
    expect(deferral.established('b', negotiated({ restartTime: 120, families: [V4] }))).toEqual([]);
    expect(deferral.endOfRib('a', V4)).toEqual([]);
    expect(deferral.endOfRib('b', V4)).toEqual([V4]);
    expect(deferral.over).toBe(false);
    expect(deferral.endOfRib('a', V6)).toEqual([V6]);
    expect(deferral.over).toBe(true);
  });

  test.each<[string, Said]>([
    ['knows nothing of restarts', {}],
    ['restarts itself', { restartTime: 120, restarting: true }],
  ])('does not wait for a peer that %s', (_name, said) => {
    const deferral = new SelectionDeferral(peers);
    expect(deferral.established('a', negotiated(said))).toEqual([V6]);
    expect(deferral.families).toEqual([V4]);
  });

  test('waits for a peer that nobody knew of, from when its session comes up', () => {
    const deferral = new SelectionDeferral(peers);
    expect(deferral.established('c', negotiated({ restartTime: 120 }))).toEqual([]);
    expect([...deferral.gone('a'), ...deferral.gone('b')]).toEqual([]);
    expect(deferral.endOfRib('c', V6)).toEqual([V6]);
    expect(deferral.gone('c')).toEqual([V4]);
    expect(deferral.established('c', negotiated({ restartTime: 120 }))).toEqual([]);
    expect(deferral.over).toBe(true);
  });

  test('does not wait for a family that a session does not carry, nor for a removed peer', () => {
    const deferral = new SelectionDeferral(peers);
    expect(deferral.established('a', negotiated({ restartTime: 120, families: [V4] }))).toEqual([V6]);
    expect(deferral.gone('a')).toEqual([]);
    expect(deferral.gone('b')).toEqual([V4]);
  });

  test('ends with its timer', () => {
    const deferral = new SelectionDeferral(peers);
    expect(deferral.expired()).toEqual([V4, V6]);
    expect(deferral.over).toBe(true);
  });
});

describe('prefix limits', () => {
  test('tell each level once, and again after the count was below it', () => {
    const limits = new PrefixLimits([{ family: V4, limit: 4, warnAt: 3 }]);
    const kinds = (count: number): string[] => limits.check(() => count).map(({ kind }) => kind);
    expect([2, 3, 4, 5, 6, 4, 5, 2, 3].map(kinds)).toEqual([
      [],
      ['near'],
      [],
      ['exceeded'],
      [],
      [],
      ['exceeded'],
      [],
      ['near'],
    ]);
    limits.reset();
    expect(kinds(5)).toEqual(['exceeded']);
  });
});
