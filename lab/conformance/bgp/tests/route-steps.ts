/** Steps about what one UPDATE does to routes and to the session that it came over: RFC 7606 §2 and its outcomes. */
import { describeNotification } from '../../../../protocol/bgp/message/notification.ts';
import type { AttributeOptions } from '../announce.ts';
import type { Peer } from '../peer.ts';
import type { Route } from '../route.ts';
import type { EstablishOptions, Scene, Who } from '../scene.ts';
import { Failed } from '../verdict.ts';
import { attribute, OPTIONAL, TRANSITIVE } from '../wire/attributes.ts';
import { update } from '../wire/build.ts';
import { nlri } from '../wire/bytes.ts';
import { type AfiSafi, CAP_MULTIPROTOCOL, IPV4_UNICAST, IPV6_UNICAST } from '../wire/capabilities.ts';

/** An attribute type that IANA has not assigned. */
export const UNASSIGNED = 213;

/** The two sessions of a step: one over which the stimulus goes, and one that sees what the target makes of it. */
export interface Sides {
  /** Default `'ebgp'`. */
  readonly source?: Who;
  /** Default: any peer that sees what the source announces. */
  readonly observer?: Who;
  readonly sourceOptions?: EstablishOptions;
  readonly observerOptions?: EstablishOptions;
}

export interface Pair {
  readonly source: Peer;
  readonly observer: Peer;
}

/** IPv4 and IPv6 on both sessions. */
export const BOTH_FAMILIES: Sides = {
  sourceOptions: { families: [IPV4_UNICAST, IPV6_UNICAST] },
  observerOptions: { families: [IPV4_UNICAST, IPV6_UNICAST] },
};

/** Makes the octets to be sent, for a route to `prefix` where it holds one. */
export type Stimulus = (source: Peer, prefix: string) => Uint8Array;

/** Both sessions, Established. */
export async function pairOf(t: Scene, sides: Sides = {}): Promise<Pair> {
  const source = await t.establish(sides.source ?? 'ebgp', sides.sourceOptions);
  const observer =
    sides.observer === undefined
      ? await t.observer(source, sides.observerOptions)
      : await t.establish(sides.observer, sides.observerOptions);
  return { source, observer };
}

/** As {@link pairOf} with IPv6. @throws NotApplicable where the target does not offer it. */
export async function ipv6PairOf(t: Scene, sides: Sides = {}): Promise<Pair> {
  const pair = await pairOf(t, { ...BOTH_FAMILIES, ...sides });
  requireFamily(t, pair, IPV6_UNICAST, 'IPv6 unicast');
  return pair;
}

/** @throws NotApplicable where the target offers a family to one of the two not. */
export function requireFamily(t: Scene, { source, observer }: Pair, family: AfiSafi, name: string): void {
  if (!offers(source, family) || !offers(observer, family)) {
    t.notApplicable(`the target does not offer ${name}`);
  }
}

function offers({ open }: Peer, { afi, safi }: AfiSafi): boolean {
  return (
    open?.capabilities.some(
      ({ code, value }) =>
        code === CAP_MULTIPROTOCOL && value[0] === afi >> 8 && value[1] === (afi & 255) && value[3] === safi,
    ) === true
  );
}

/** An UPDATE that announces an IPv4 prefix with plausible attributes, changed as the options say. */
export function announcement(source: Peer, prefix: string, options: AttributeOptions = {}): Uint8Array {
  return update({ attributes: source.attributes(options), nlri: [nlri(prefix)] });
}

/** An UPDATE that announces an IPv4 prefix with exactly these attributes. */
export function announcementOf(prefix: string, attributes: readonly Uint8Array[]): Uint8Array {
  return update({ attributes, nlri: [nlri(prefix)] });
}

/**
 * What becomes of a session: `'alive'` when all that was sent over it has been handled, `'closed'` when it ended.
 * @throws Failed where neither can be seen in time.
 */
export async function fate(t: Scene, { source, observer }: Pair): Promise<'alive' | 'closed'> {
  const closed = source.expectClose(4 * t.reactionTime).then(() => 'closed' as const);
  try {
    return await Promise.race([closed, t.barrier(source, observer).then(() => 'alive' as const)]);
  } catch (error) {
    if (source.closed !== undefined) return 'closed';
    throw error;
  }
}

/** The session stays up, and what was sent over it has been handled. @throws Failed naming the NOTIFICATION otherwise. */
export async function survives(t: Scene, pair: Pair): Promise<void> {
  if ((await fate(t, pair)) === 'closed') {
    throw new Failed(`expected the session to stay up, but it ended (${lastWord(pair.source)})`);
  }
}

/** `"its NOTIFICATION was 3/1 ..."`. */
export function lastWord(peer: Peer): string {
  const last = peer.received.findLast(({ body }) => body.kind === 'notification')?.body;
  return last?.kind === 'notification'
    ? `its NOTIFICATION was ${describeNotification(last)}`
    : 'without a NOTIFICATION';
}

/** Step: a route that was there goes when the stimulus for the same prefix comes, and the session stays. */
export async function treatedAsWithdraw(
  t: Scene,
  name: string,
  stimulus: Stimulus,
  sides: Sides = {},
): Promise<void> {
  await t.step(name, async () => {
    const pair = await pairOf(t, sides);
    await withdrawnBy(t, pair, t.prefix(), stimulus);
  });
}

/** The body of {@link treatedAsWithdraw}, for sessions and a prefix that are there. */
export async function withdrawnBy(t: Scene, pair: Pair, prefix: string, stimulus: Stimulus): Promise<void> {
  const { source, observer } = pair;
  source.announce(prefix);
  await observer.expectRoute(prefix);
  source.send(stimulus(source, prefix));
  await observer.expectNoRoute(prefix);
  await survives(t, pair);
  t.check(observer.routesTo(prefix).length === 0, `expected ${prefix} to stay withdrawn, but it came back`);
}

/** Step: the route in the stimulus comes out at the observer, `check` finds nothing wrong with it, the session stays. */
export async function routeArrives(
  t: Scene,
  name: string,
  stimulus: Stimulus,
  check: (route: Route, pair: Pair) => void = () => undefined,
  sides: Sides = {},
): Promise<void> {
  await t.step(name, async () => {
    const pair = await pairOf(t, sides);
    const prefix = t.prefix();
    pair.source.send(stimulus(pair.source, prefix));
    check(await pair.observer.expectRoute(prefix), pair);
    await survives(t, pair);
  });
}

/** Step: the route in the stimulus arrives without the attribute of a type (RFC 7606 §2, "attribute discard"). */
export async function attributeDiscarded(
  t: Scene,
  name: string,
  type: number,
  stimulus: Stimulus,
  sides: Sides = {},
): Promise<void> {
  await routeArrives(
    t,
    name,
    stimulus,
    (route) => t.check(!route.has(type), `expected no attribute of type ${type}, got one`),
    sides,
  );
}

/** Step: the target answers with a NOTIFICATION (subcode undefined: any) and closes. */
export async function sessionReset(
  t: Scene,
  name: string,
  stimulus: Stimulus,
  [code, subcode, data]: readonly [code: number, subcode?: number, data?: Uint8Array],
  options: EstablishOptions = {},
): Promise<void> {
  await t.step(name, async () => {
    const source = await t.establish('ebgp', options);
    source.send(stimulus(source, t.prefix()));
    await source.expectReset(code, subcode, data);
  });
}

/**
 * Returns when the target knows an optional transitive attribute: otherwise it sets the Partial bit when it passes it on
 * (RFC 4271 §5).
 * @param good a well-formed attribute of the type.
 * @throws NotApplicable where the target does not know it, or does not set the Partial bit where it should.
 */
export async function requireKnown(t: Scene, name: string, good: Uint8Array): Promise<void> {
  const { source, observer } = await pairOf(t);
  const isPassedOnAsPartial = async (one: Uint8Array): Promise<boolean> => {
    const prefix = t.prefix();
    source.announce(prefix, { extra: [one] });
    return (await observer.expectRoute(prefix)).partial(one[1]!);
  };
  if (await isPassedOnAsPartial(good)) {
    t.notApplicable(`the target does not know the attribute ${name}: it passes it on as partial`);
  }
  if (!(await isPassedOnAsPartial(attribute(OPTIONAL | TRANSITIVE, UNASSIGNED, [1, 2, 3])))) {
    t.notApplicable(
      `whether the target knows the attribute ${name} cannot be seen: it passes unknown ones on without the Partial bit`,
    );
  }
}
