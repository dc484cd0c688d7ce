/** Connection collisions: RFC 4271 §6.8, RFC 6286 §2.3, RFC 4724 §5. */
import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { CAP_GRACEFUL_RESTART, gracefulRestart, IPV4_UNICAST } from '../wire/capabilities.ts';
import { confirmed } from './common.ts';

const DIALS: Need = { kind: 'ebgp', features: ['dials'] };

/** Two connections with one peer: one that the target dialled, one that we dialled; its OPEN came on both. */
async function collide(t: Scene): Promise<{ readonly theirs: Peer; readonly ours: Peer }> {
  const listener = await t.listen(DIALS);
  const theirs = await listener.accept(60_000);
  await theirs.expectOpen();
  const ours = await t.dial(listener.identity);
  try {
    await ours.expectOpen();
  } catch (error) {
    t.inconclusive(
      `the target did not take a second connection while one was in OpenSent: ${(error as Error).message}`,
    );
  }
  return { theirs, ours };
}

/** Sends our OPEN on both connections, and expects that one survives and the other is closed with 6/7. */
async function resolve(
  t: Scene,
  bgpId: (targetId: number) => number,
  survives: (ourAsn: number) => 'theirs' | 'ours',
): Promise<void> {
  const pair = await collide(t);
  const survivor = survives(pair.ours.identity.asn);
  const id = bgpId(pair.theirs.open!.bgpId);
  for (const peer of [pair.theirs, pair.ours]) peer.send(t.openOf(peer.identity, { bgpId: id }));
  const [kept, lost] = survivor === 'theirs' ? [pair.theirs, pair.ours] : [pair.ours, pair.theirs];
  await lost.expectReset(6, 7);
  await kept.expectKeepalive();
  t.check(kept.closed === undefined, 'expected the other connection to stay, but it ended');
}

export const COLLISION_TESTS: readonly Requirement[] = [
  {
    id: 'COL-1',
    rfc: 'RFC 4271 6.8',
    level: 'must',
    title: 'Simultaneous connections, different identifiers',
    stimulus:
      "OPENs on a connection of each side, with an identifier above and below the target's, compared unsigned",
    expected:
      'above: the connection that we dialled stays; below: that of the target; the other one is closed with NOTIFICATION 6/7',
    needs: [DIALS],
    seconds: 10,
    async run(t) {
      await t.step('our identifier is higher', () =>
        resolve(
          t,
          () => 0xfffffffe,
          () => 'ours',
        ),
      );
      await t.step('our identifier is lower', () =>
        resolve(
          t,
          () => 1,
          () => 'theirs',
        ),
      );
    },
  },
  {
    id: 'COL-2',
    rfc: 'RFC 6286 2.3',
    level: 'must',
    title: 'Simultaneous connections, equal identifiers, external peer',
    stimulus: "OPENs on a connection of each side, with the target's identifier",
    expected:
      'the connection dialled by the side with the larger AS stays; the other one is closed with NOTIFICATION 6/7',
    needs: [DIALS],
    seconds: 10,
    async run(t) {
      const larger = (ourAsn: number) => (ourAsn > t.profile.asn ? ('ours' as const) : ('theirs' as const));
      await resolve(t, (targetId) => targetId, larger);
    },
  },
  {
    id: 'COL-3',
    rfc: 'RFC 4271 6.8',
    level: 'must',
    title: 'New connection while one is Established',
    stimulus: 'a second connection of an established peer, with an OPEN',
    expected: 'the new one is closed, the old one stays',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      const peer = await t.establish('ebgp');
      let second: Peer;
      try {
        second = await t.dial(peer.identity);
      } catch {
        t.note('the second connection was refused');
        await peer.expectAlive();
        return;
      }
      second.send(t.openOf(second.identity));
      await second.expectClose();
      await peer.expectAlive();
    },
  },
  {
    id: 'COL-4',
    rfc: 'RFC 4724 4.2, 5',
    level: 'must',
    title: 'New connection while one is Established, with graceful restart',
    stimulus: 'a second connection of an established peer that has graceful restart with families',
    expected:
      'the old one is closed without NOTIFICATION, the new one goes on, and the routes are kept meanwhile',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const restart = gracefulRestart(
        { restartTime: 60, restarting: true },
        { ...IPV4_UNICAST, forwarding: true },
      );
      const first = await t.establish('ebgp', { capabilities: [restart] });
      if (!first.targetHas(CAP_GRACEFUL_RESTART))
        t.notApplicable('the target does not offer graceful restart');
      const observer = await t.observer(first);
      const prefix = t.prefix();
      first.announce(prefix);
      await observer.expectRoute(prefix);
      const second = await t.dial(first.identity);
      await first.expectClose();
      t.check(
        !first.received.some(({ body }) => body.kind === 'notification'),
        'expected the old connection to be closed without NOTIFICATION, got one',
      );
      await second.expectOpen();
      second.send(t.openOf(second.identity, { capabilities: [restart] }));
      await confirmed(second);
      second.startKeepalives(t.profile.holdTime / 3);
      await t.barrier(second, observer);
      t.check(
        observer.historyOf(prefix).every(({ what }) => what === 'announced'),
        `expected ${prefix} to be kept, but it was withdrawn`,
      );
    },
  },
  {
    id: 'COL-5',
    rfc: 'RFC 4271 6.8',
    level: 'must',
    title: 'Connection while the target is in Connect or Active',
    stimulus: 'a connection of a peer that the target dials in vain',
    expected: 'no collision: the session comes up',
    needs: [DIALS],
    async run(t) {
      // Nobody listens at the address of the peer, so that every dial of the target is refused.
      const peer = await t.connect(DIALS);
      peer.send(t.openOf(peer.identity));
      await peer.expectKeepalive();
    },
  },
];
