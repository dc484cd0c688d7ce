import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { attribute, COMMUNITIES, communities, OPTIONAL } from '../wire/attributes.ts';
import { KEEPALIVE, message, OPEN, ROUTE_REFRESH, update } from '../wire/build.ts';
import { bytes, nlri, u16 } from '../wire/bytes.ts';
import { CAP_ENHANCED_ROUTE_REFRESH, enhancedRouteRefresh, extendedMessage } from '../wire/capabilities.ts';
import { pairOf, type Sides, survives, UNASSIGNED } from './route-steps.ts';

const MAX = 4096;
const EXTENDED_MAX = 65535;
const SHORT: Need = { kind: 'ebgp', features: ['no-extended-message'] };
const ABLE = { capabilities: [extendedMessage()] };

/** @throws NotApplicable unless the target offers extended messages. */
function requireExtended(t: Scene, peer: Peer): void {
  if (!peer.targetTakesExtended) t.notApplicable('the target does not offer extended messages');
}

/** An UPDATE of 65535 octets for one prefix: an attribute that the target drops fills it. */
function fullUpdate(peer: Peer, prefix: string): Uint8Array {
  const bare = update({ attributes: peer.attributes(), nlri: [nlri(prefix)] }).length;
  const filler = attribute(OPTIONAL, UNASSIGNED, new Uint8Array(EXTENDED_MAX - bare - 4));
  return update({ attributes: peer.attributes({ extra: [filler] }), nlri: [nlri(prefix)] });
}

/** So many communities, 64900:0 upwards. */
function manyCommunities(count: number): Uint8Array {
  return communities(...Array.from({ length: count }, (_, i) => 64900 * 65536 + i));
}

export const EXTENDED_MESSAGE_TESTS: readonly Requirement[] = [
  {
    id: 'XM-1',
    rfc: 'RFC 8654 4, 6',
    level: 'must',
    title: 'Extended messages to a target that offered them',
    stimulus:
      'an UPDATE of 65535 octets, most of them an attribute; one with the same prefix over and over; OPEN and KEEPALIVE of 4097 octets',
    expected: 'the UPDATEs are accepted; NOTIFICATION 1/2 with the length, and close, for the others',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await t.step('UPDATE of 65535 octets', async () => {
        const pair = await pairOf(t, { sourceOptions: ABLE });
        const { source, observer } = pair;
        requireExtended(t, source);
        const prefix = t.prefix();
        const full = fullUpdate(source, prefix);
        t.check(full.length === EXTENDED_MAX, `the tester made ${full.length} octets`);
        source.send(full);
        await observer.expectRoute(prefix);
        await survives(t, pair);
      });
      await t.step('UPDATE full of NLRI', async () => {
        const pair = await pairOf(t, { sourceOptions: ABLE });
        const { source, observer } = pair;
        requireExtended(t, source);
        const prefix = t.prefix();
        const one = nlri(prefix);
        const attributes = source.attributes();
        const room = EXTENDED_MAX - update({ attributes }).length;
        const list = Array.from({ length: Math.floor(room / one.length) }, () => one);
        source.send(update({ attributes, nlri: list }));
        await observer.expectRoute(prefix);
        await survives(t, pair);
      });
      await t.step('OPEN of 4097 octets', async () => {
        const peer = await t.connect('ebgp');
        requireExtended(t, peer);
        peer.send(message(OPEN, new Uint8Array(MAX + 1 - 19)));
        await peer.expectReset(1, 2, u16(MAX + 1));
      });
      await t.step('KEEPALIVE of 4097 octets', async () => {
        const peer = await t.establish('ebgp', ABLE);
        requireExtended(t, peer);
        peer.send(message(KEEPALIVE, new Uint8Array(MAX + 1 - 19)));
        await peer.expectReset(1, 2, u16(MAX + 1));
      });
    },
  },
  {
    id: 'XM-2',
    rfc: 'RFC 8654 4, 5',
    level: 'must',
    title: 'Extended messages to a target that did not offer them',
    stimulus:
      'a valid UPDATE of 4097 octets, from a peer that offered extended messages and from one that did not',
    expected: 'NOTIFICATION 1/2 with the length, and close: no leniency',
    needs: [SHORT],
    async run(t) {
      for (const [name, options] of [
        ['the peer offered them', ABLE],
        ['neither did', {}],
      ] as const) {
        await t.step(name, async () => {
          const peer = await t.establish(t.has(SHORT) ? SHORT : 'ebgp', options);
          if (peer.targetTakesExtended) t.notApplicable('the target offers extended messages');
          const bare = update({ attributes: peer.attributes(), nlri: [nlri(t.prefix())] });
          const filler = attribute(OPTIONAL, UNASSIGNED, new Uint8Array(MAX + 1 - bare.length - 4));
          const attributes = peer.attributes({ extra: [filler] });
          peer.send(update({ attributes, nlri: [nlri(t.prefix())] }));
          await peer.expectReset(1, 2, u16(MAX + 1));
        });
      }
    },
  },
  {
    id: 'XM-3',
    rfc: 'RFC 8654 4, 5',
    level: 'must',
    title: 'What does not fit into 4096 octets',
    stimulus:
      'a route that a plain peer and an able one were sent becomes one with 1500 communities; a BoRR (RFC 7313) of 4096 octets from a plain peer, which NOTIFICATION 7/1 should carry back whole',
    expected:
      'the able peer is sent it whole; for the plain one it is withdrawn, or sent without what made it long (attributes that may be discarded); NOTIFICATION of at most 4096 octets',
    needs: [{ kind: 'ebgp' }, OBSERVER, OBSERVER],
    async run(t) {
      await t.step('route with 1500 communities, able peer', async () => {
        await longRoute(t, { sourceOptions: ABLE, observerOptions: ABLE }, async (observer, prefix) => {
          const route = await observer.expectRoute(prefix, (one) => one.has(COMMUNITIES));
          const length = route.attribute(COMMUNITIES)!.value.length;
          t.check(length === 6000, `expected 6000 octets of communities, got ${length}`);
        });
      });
      await t.step('route with 1500 communities, plain peer', async () => {
        await longRoute(t, { sourceOptions: ABLE }, async (observer, prefix) => {
          await observer.expectNoRoute(prefix);
          const longest = Math.max(...observer.received.map(({ octets }) => octets.length));
          t.check(longest <= MAX, `expected no message of more than 4096 octets, got one of ${longest}`);
        });
      });
      await t.step('NOTIFICATION to a plain peer', async () => {
        const peer = await t.establish('ebgp', { capabilities: [enhancedRouteRefresh()] });
        if (!peer.targetHas(CAP_ENHANCED_ROUTE_REFRESH)) {
          t.notApplicable('the target does not offer enhanced route refresh');
        }
        // BoRR with a body that should have 4 octets.
        peer.send(message(ROUTE_REFRESH, bytes(0, 1, 1, 1, new Uint8Array(MAX - 19 - 4))));
        await peer.expectReset(7, 1);
        const { octets } = peer.received.findLast(({ body }) => body.kind === 'notification')!;
        t.check(octets.length <= MAX, `expected at most 4096 octets, got ${octets.length}`);
      });
    },
  },
];

/** A short route that comes out at the observer and then gets 1500 communities; `look` at what becomes of it. */
async function longRoute(
  t: Scene,
  sides: Sides,
  look: (observer: Peer, prefix: string) => Promise<void>,
): Promise<void> {
  const pair = await pairOf(t, sides);
  const { source, observer } = pair;
  requireExtended(t, source);
  const prefix = t.prefix();
  source.announce(prefix);
  await observer.expectRoute(prefix);
  source.announce(prefix, { extra: [manyCommunities(1500)] });
  await look(observer, prefix);
  await survives(t, pair);
}
