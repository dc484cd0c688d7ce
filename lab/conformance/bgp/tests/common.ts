/** Steps that tests of several groups share. */
import type { Identity } from '../identity.ts';
import type { Peer } from '../peer.ts';
import type { Scene } from '../scene.ts';
import { keepalive } from '../wire/build.ts';

/** The target accepted our OPEN: it answers with a KEEPALIVE, which we answer, so that it is Established. */
export async function confirmed(peer: Peer): Promise<void> {
  await peer.expectKeepalive();
  peer.send(keepalive());
}

/**
 * As {@link confirmed}, and the session carries routes: what the peer announces comes out at an observer. Without an
 * observer in the profile: KEEPALIVEs go on.
 */
export async function accepted(t: Scene, peer: Peer): Promise<void> {
  await confirmed(peer);
  peer.startKeepalives(t.profile.holdTime / 3);
  if (!t.hasObserver(peer.identity.kind)) {
    await peer.expectAlive();
    return;
  }
  await t.barrier(peer, await t.observer(peer));
}

/** What commands about a peer may name: `{address}`, and `{name}`, the address with underscores. */
export function commandValues({ address }: Identity): Readonly<Record<string, string>> {
  return { address, name: address.replaceAll(/[.:]/g, '_') };
}
