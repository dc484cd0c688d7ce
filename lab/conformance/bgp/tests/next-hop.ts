/** NEXT_HOP as routes pass through: RFC 4271 §5.1.3. */
import { formatAddress } from '../../../../protocol/ip/prefix.ts';
import type { Need } from '../profile.ts';
import type { Requirement } from '../requirement.ts';
import { address, hex } from '../wire/bytes.ts';

const OWN_ALWAYS: Need = { kind: 'ebgp', features: ['third-party-off'] };

/** Whether two IPv4 addresses share a /24: may well be on one subnet. */
function mayShareSubnet(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === 4 && b.length === 4 && hex(a.subarray(0, 3)) === hex(b.subarray(0, 3));
}

export const NEXT_HOP_TESTS: readonly Requirement[] = [
  {
    id: 'NH-1',
    rfc: 'RFC 4271 5.1.3',
    level: 'should',
    title: 'Next hop of routes passed on',
    stimulus: 'an external route, seen by an internal peer and by an external one; an internal route, by one',
    expected:
      'unchanged for the internal peer; for external ones the own address, or, one hop away, one of the shared subnet',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp2' }, { kind: 'ibgp' }],
    async run(t) {
      await t.step('from an external to an internal peer', async () => {
        const source = await t.establish('ebgp');
        const observer = await t.establish('ibgp');
        const prefix = t.prefix();
        source.announce(prefix);
        const { nextHop, nextHopText } = await observer.expectRoute(prefix);
        const wanted = source.identity.nextHop;
        t.check(
          hex(nextHop) === hex(wanted),
          `expected next hop ${formatAddress(wanted)} as it was, got ${nextHopText}`,
        );
      });
      for (const kind of ['ebgp', 'ibgp'] as const) {
        await t.step(`from an ${kind === 'ebgp' ? 'external' : 'internal'} to an external peer`, async () => {
          const source = await t.establish(kind);
          const observer = await t.establish('ebgp2');
          const prefix = t.prefix();
          source.announce(prefix);
          const { nextHop, nextHopText } = await observer.expectRoute(prefix);
          const own = address(t.profile.target.address);
          const third =
            hex(nextHop) === hex(source.identity.nextHop) &&
            mayShareSubnet(nextHop, own) &&
            mayShareSubnet(nextHop, address(observer.identity.address));
          t.check(
            third || own.length !== 4 || hex(nextHop) === hex(own),
            `expected next hop ${t.profile.target.address}, got ${nextHopText}`,
          );
        });
      }
    },
  },
  {
    id: 'NH-2',
    rfc: 'RFC 4271 5.1.3',
    level: 'must',
    title: "A peer's own address, and the target's, as next hop",
    stimulus:
      'a route whose next hop is an internal peer that it would go to; routes whose next hop is the target itself',
    expected: 'not announced to that peer with that next hop; not installed',
    needs: [{ kind: 'ebgp' }, { kind: 'ibgp' }, { kind: 'ebgp2' }],
    async run(t) {
      await t.step("the peer's address", async () => {
        const source = await t.establish('ebgp');
        const peer = await t.establish('ibgp');
        const witness = await t.observer(source);
        const own = address(peer.identity.address);
        if (own.length !== 4) t.notApplicable('the peer has no IPv4 address');
        const prefix = t.prefix();
        source.announce(prefix, { nextHop: own });
        await t.barrier(source, witness);
        if (witness.routesTo(prefix).length === 0) {
          t.notApplicable('the target takes no addresses of its peers here as next hop at all');
        }
        await t.barrier(source, peer);
        const sent = peer.routesTo(prefix).find(({ nextHop }) => hex(nextHop) === hex(own));
        t.check(
          sent === undefined,
          `expected ${prefix} not to be sent to ${peer.identity.address} with that next hop, but it was`,
        );
      });
      for (const kind of ['ebgp', 'ibgp'] as const) {
        const from = kind === 'ebgp' ? 'an external' : 'an internal';
        await t.step(`the target's own address, from ${from} peer`, async () => {
          const source = await t.establish(kind);
          const observer = await t.establish(kind === 'ebgp' ? 'ibgp' : 'ebgp');
          const own = address(t.profile.target.address);
          if (own.length !== 4) t.notApplicable('the target has no IPv4 address');
          const prefix = t.prefix();
          source.announce(prefix, { nextHop: own });
          await t.barrier(source, observer);
          t.check(
            observer.historyOf(prefix).length === 0,
            `expected ${prefix} not to be used, but ${observer.identity.label} was sent it`,
          );
        });
      }
    },
  },
  {
    id: 'NH-3',
    rfc: 'RFC 4271 5.1.3',
    level: 'must',
    title: 'Third-party next hops switched off',
    stimulus: "a route whose next hop lies in the peer's subnet, to a peer without third-party next hops",
    expected: "the target's own address",
    needs: [{ kind: 'ebgp2' }, OWN_ALWAYS],
    async run(t) {
      const observer = await t.establish(OWN_ALWAYS);
      const source = await t.establish('ebgp2');
      const neighbour = address(observer.identity.address);
      if (neighbour.length !== 4) t.notApplicable('the peer has no IPv4 address');
      neighbour[3]! ^= 1;
      const prefix = t.prefix();
      // A target that takes no such next hop gets the usual one.
      const nextHop = t.profile.nextHops === undefined ? neighbour : source.identity.nextHop;
      source.announce(prefix, { nextHop });
      const { nextHopText } = await observer.expectRoute(prefix);
      t.check(
        nextHopText === t.profile.target.address,
        `expected next hop ${t.profile.target.address}, got ${nextHopText}`,
      );
    },
  },
];
