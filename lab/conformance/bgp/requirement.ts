/**
 * One requirement of the suite: `tests/*.ts` export arrays of these, `suite.ts` gathers them.
 *
 * ## How to write one
 *
 *     export const ORIGIN_TESTS: readonly Requirement[] = [
 *       {
 *         id: 'ATT-1',
 *         rfc: 'RFC 7606 7.1',
 *         level: 'must',
 *         title: 'Malformed ORIGIN',
 *         stimulus: 'ORIGIN with length 2; ORIGIN with value 3',
 *         expected: 'the routes are treated as withdrawn, the session stays',
 *         needs: [{ kind: 'ebgp' }, OBSERVER],
 *         async run(t) {
 *           await t.step('length 2', async () => {
 *             const peer = await t.establish('ebgp');
 *             const observer = await t.observer(peer);
 *             const prefix = t.prefix();
 *             peer.announce(prefix);
 *             await observer.expectRoute(prefix);                        // first a good one
 *             peer.announce(prefix, { extra: [attribute(0x40, 1, [0, 0])] });
 *             await observer.expectNoRoute(prefix);                      // then it goes
 *             await t.barrier(peer, observer);                           // and the session lives
 *           });
 *         },
 *       },
 *     ];
 *
 * - `t` (a {@link Scene}) gives peers, prefixes of the test's own, steps, barriers. Tests run beside each other against
 *   one target: never look at prefixes that are not your own, never reuse an address, never count on a quiet target.
 * - Build stimuli with `wire/build.ts`, `wire/attributes.ts`, `wire/capabilities.ts`; `peer.send` takes any octets.
 * - A reaction: `peer.expectReset(3, 1)`, `peer.expectNotification`, `peer.expectClose`, `observer.expectRoute(prefix)`.
 * - That something does **not** happen is shown by a later answer, not by waiting: `t.barrier(source, observer)` returns
 *   when two routes that `source` announced one after the other have come out at `observer`; then look at
 *   `observer.routesTo(prefix)` and `peer.closed` and use `t.check(condition, 'what was expected')`. Without an observer
 *   `peer.expectAlive()` waits for KEEPALIVEs.
 * - What a precondition lacks is no failure: `t.notApplicable('the target did not offer ADD-PATH')`. A session that does
 *   not come up in `t.establish` is inconclusive by itself. What the target must be configured for is a feature of a
 *   profile's peer (`profile.ts`): `t.establish({ kind: 'ebgp', features: ['mrai'] })`; list it in `needs` as well.
 * - A requirement with several stimuli runs every one as a step of its own: one that fails does not hide the others.
 */
import type { Need } from './profile.ts';
import type { Scene } from './scene.ts';

/** How strong the RFC's word is: MUST, SHOULD, or a choice that it leaves to implementations. */
export type Level = 'must' | 'should' | 'local';

export interface Requirement {
  /** `"HDR-1"`. */
  readonly id: string;
  /** `"RFC 4271 6.1"`. */
  readonly rfc: string;
  readonly level: Level;
  readonly title: string;
  readonly stimulus: string;
  readonly expected: string;
  /** Peers that it uses at once; {@link OBSERVER} stands for any peer that sees what the first one announces. */
  readonly needs: readonly (Need | typeof OBSERVER)[];
  /** Seconds that it takes with timers of the protocol; long ones are started first. */
  readonly seconds?: number;
  /** Runs alone, because it does something to the whole target or needs it quiet. */
  readonly exclusive?: boolean;
  run(t: Scene): Promise<void>;
}

/** Any peer to which the target passes on what the first peer of the needs announces. */
export const OBSERVER = 'observer';
