/** What tests about the choice between routes, and about sessions that come back, share. */
import { readUint32 } from '../../../../protocol/bytes/uint.ts';
import type { AttributeOptions } from '../announce.ts';
import type { Peer } from '../peer.ts';
import type { PeerKind } from '../profile.ts';
import type { Route } from '../route.ts';
import type { EstablishOptions, Scene } from '../scene.ts';
import { Failed } from '../verdict.ts';
import { COMMUNITIES, communities } from '../wire/attributes.ts';

/** A route that takes part in a choice: who announces it, with what. */
export interface Candidate {
  readonly peer: Peer;
  readonly options?: AttributeOptions;
}

/** 64512:number, by which an observer tells whose route it was sent. */
function mark(number: number): number {
  return 64512 * 0x10000 + number;
}

/**
 * A session with a BGP identifier of our choice: the lower the rank, the lower the identifier. Identifiers of sessions
 * at other addresses differ, unless both give `same`.
 */
export async function ranked(
  t: Scene,
  kind: PeerKind,
  rank: number,
  { same = false, ...options }: EstablishOptions & { readonly same?: boolean } = {},
): Promise<Peer> {
  const identity = t.identity(kind);
  const bgpId = 0x0a_00_00_00 + (rank << 16) + (same ? 1 : identity.bgpId & 0xffff);
  return await t.establish(identity, { ...options, bgpId });
}

/**
 * Expects that of routes to one prefix the first one is chosen, whatever the order in which they are announced: every
 * rotation of them forwards and backwards, which for two or three routes is every order.
 */
export async function expectChosen(
  t: Scene,
  observer: Peer,
  [best, ...others]: readonly [Candidate, ...Candidate[]],
): Promise<void> {
  const all = [best, ...others].map((candidate, number) => ({ ...candidate, number }));
  for (const order of orders(all)) {
    const prefix = t.prefix();
    for (const { peer, options = {}, number } of order) {
      peer.announce(prefix, { ...options, extra: [...(options.extra ?? []), communities(mark(number))] });
      await t.barrier(peer, observer);
    }
    try {
      await observer.expectRoute(prefix, (route) => isMarked(route, 0));
    } catch (error) {
      const [route] = observer.routesTo(prefix);
      if (!(error instanceof Failed) || route === undefined) throw error;
      const chosen = all.find(({ number }) => isMarked(route, number));
      const told = order.map(({ peer }) => peer.identity.label).join(', ');
      t.fail(
        `expected the route of ${best.peer.identity.label} to be chosen (announced by ${told}), got that of ${chosen?.peer.identity.label ?? 'nobody'}`,
      );
    }
    for (const { peer } of order) peer.withdraw(prefix);
  }
}

function isMarked(route: Route, number: number): boolean {
  const value = route.attribute(COMMUNITIES)?.value;
  return value?.length === 4 && readUint32(value, 0) === mark(number);
}

function orders<T>(list: readonly T[]): T[][] {
  const rotations = list.map((_, i) => [...list.slice(i), ...list.slice(0, i)]);
  return list.length < 3 ? rotations : [...rotations, ...rotations.map((order) => order.toReversed())];
}
