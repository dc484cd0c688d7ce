/** Capabilities: RFC 5492, RFC 4760 §8, RFC 6793 §4, RFC 7911 §4, RFC 9234 §4, RFC 4724 §3. */
import { usualCapabilities } from '../open.ts';
import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { notification } from '../wire/build.ts';
import {
  addPath,
  CAP_ADD_PATH,
  CAP_FOUR_OCTET_AS,
  CAP_GRACEFUL_RESTART,
  CAP_MULTIPROTOCOL,
  CAP_ROLE,
  capabilities,
  capability,
  fourOctetAs,
  gracefulRestart,
  IPV4_UNICAST,
  IPV6_UNICAST,
  multiprotocol,
  role,
} from '../wire/capabilities.ts';
import { accepted, confirmed } from './common.ts';

const AS_TRANS = 23456;
const ROLE_CUSTOMER = 3;
const ROLE_PEER = 4;

const REQUIRED: Need = { kind: 'ebgp', features: ['required-capability'] };
const DIALS: Need = { kind: 'ebgp', features: ['dials'] };
const PROVIDER: Need = { kind: 'ebgp', features: ['role-provider'] };
const STRICT: Need = { kind: 'ebgp', features: ['role-strict'] };

/** Whether the target offers a family in its OPEN; IPv4 unicast goes without saying (RFC 4760 §8). */
function offers(peer: Peer, { afi, safi }: { afi: number; safi: number }): boolean {
  return peer.open!.capabilities.some(
    ({ code, value }) =>
      code === CAP_MULTIPROTOCOL && value.length === 4 && value[1] === afi && value[3] === safi,
  );
}

/** Sends an OPEN with a role (and perhaps another) on a connection of a peer for which the target has a role. */
async function withRoles(t: Scene, need: Need, ...roles: readonly number[]): Promise<Peer> {
  const peer = await t.connect(need);
  if (!peer.targetHas(CAP_ROLE)) t.notApplicable('the target sent no role capability');
  peer.send(t.openOf(peer.identity, { capabilities: roles.map(role) }));
  return peer;
}

export const CAPABILITY_TESTS: readonly Requirement[] = [
  {
    id: 'CAP-1',
    rfc: 'RFC 5492 3, 5',
    level: 'must',
    title: 'Unknown capabilities',
    stimulus: 'OPEN with capabilities of code 62, 200 and 255, empty and with 40 octets',
    expected: 'they are ignored, the session comes up',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const peer = await t.connect('ebgp');
      const unknown = [capability(62), capability(200, new Uint8Array(40).fill(7)), capability(255, [1])];
      peer.send(t.openOf(peer.identity, { capabilities: unknown }));
      await accepted(t, peer);
    },
  },
  {
    id: 'CAP-2',
    rfc: 'RFC 5492 4',
    level: 'must',
    title: 'Capabilities in several parameters, and repeated',
    stimulus: 'every capability in an optional parameter of its own; every capability twice',
    expected: 'the same outcome as with a single list: the session comes up and carries routes',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await t.step('one parameter for each', async () => {
        const peer = await t.connect('ebgp');
        const list = usualCapabilities(t.profile, peer.identity.asn);
        peer.send(t.openOf(peer.identity, { parameters: list.map((one) => capabilities(one)) }));
        await accepted(t, peer);
      });
      await t.step('each of them twice', async () => {
        const peer = await t.connect('ebgp');
        const list = usualCapabilities(t.profile, peer.identity.asn);
        peer.send(t.openOf(peer.identity, { parameters: [capabilities(...list, ...list)] }));
        await accepted(t, peer);
      });
    },
  },
  {
    id: 'CAP-3',
    rfc: 'RFC 5492 3',
    level: 'must',
    title: 'A capability that the target insists on is missing',
    stimulus: 'OPEN without any capability but 65 to a target that requires one',
    expected: 'NOTIFICATION 2/7 whose data lists the capability, and close',
    needs: [REQUIRED],
    async run(t) {
      const peer = await t.connect(REQUIRED);
      peer.send(t.openOf(peer.identity, { parameters: [capabilities(fourOctetAs(peer.identity.asn))] }));
      const { data } = await peer.expectReset(2, 7);
      const wanted = peer.identity.settings.requiredCapability;
      const listed: number[] = [];
      for (let at = 0; at + 2 <= data.length; at += 2 + data[at + 1]!) listed.push(data[at]!);
      t.check(listed.length > 0, 'expected data with the missing capability, got none');
      if (wanted !== undefined) {
        t.check(
          listed.includes(wanted),
          `expected capability ${wanted} in the data, got ${listed.join(', ')}`,
        );
      }
    },
  },
  {
    id: 'CAP-4',
    rfc: 'RFC 5492 3',
    level: 'should',
    title: "The peer answers the target's OPEN with Unsupported Optional Parameter",
    stimulus: 'NOTIFICATION 2/4 to the OPEN of a target that dialled',
    expected: 'the target dials again and sends an OPEN without capabilities',
    needs: [DIALS],
    seconds: 10,
    async run(t) {
      const listener = await t.listen(DIALS);
      const first = await listener.accept();
      await first.expectOpen();
      t.check(first.open!.capabilities.length > 0, 'expected an OPEN with capabilities at first');
      first.send(notification(2, 4));
      await first.expectClose();
      const second = await listener.accept(60_000);
      const { capabilities: list } = await second.expectOpen();
      t.check(list.length === 0, `expected an OPEN without capabilities, got ${list.length} of them`);
    },
  },
  {
    id: 'CAP-5',
    rfc: 'RFC 4760 8',
    level: 'must',
    title: 'Family that only one side offers; reserved octet of the capability',
    stimulus:
      'OPEN with IPv4 unicast alone to a target that has IPv6 routes; reserved octet 255 in the IPv6 capability',
    expected:
      'no IPv6 routes are sent in the first case; the reserved octet is ignored, so that they are in the second',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const both = { families: [IPV4_UNICAST, IPV6_UNICAST] };
      await t.step('family not offered by us', async () => {
        const source = await t.establish('ebgp', both);
        if (!offers(source, IPV6_UNICAST)) t.notApplicable('the target does not offer IPv6 unicast');
        const observer = await t.observer(source, { families: [IPV4_UNICAST] });
        const prefix = t.prefix6();
        source.announce(prefix);
        await t.barrier(source, observer);
        t.check(observer.routesTo(prefix).length === 0, `expected no route to ${prefix}, got one`);
      });
      await t.step('reserved octet 255', async () => {
        const source = await t.establish('ebgp', both);
        if (!offers(source, IPV6_UNICAST)) t.notApplicable('the target does not offer IPv6 unicast');
        const observer = await t.observer(source, {
          families: [IPV4_UNICAST],
          capabilities: [multiprotocol(IPV6_UNICAST, 255)],
        });
        const prefix = t.prefix6();
        source.announce(prefix);
        await observer.expectRoute(prefix);
      });
    },
  },
  {
    id: 'CAP-6',
    rfc: 'RFC 6793 4.1, 4.2.1',
    level: 'must',
    title: '4-octet AS number capability',
    stimulus:
      'OPEN with AS_TRANS in the field and our AS in capability 65; the OPEN of a target with an AS above 65535',
    expected: 'the AS of the capability counts, the session comes up; the target sends 23456 in the field',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await t.step('AS_TRANS in the field', async () => {
        const peer = await t.connect('ebgp');
        peer.send(t.openOf(peer.identity, { myAs: AS_TRANS }));
        await accepted(t, peer);
      });
      await t.step("the target's OPEN", async () => {
        const { open } = await t.connect('ebgp');
        const four = open!.capabilities.some(({ code }) => code === CAP_FOUR_OCTET_AS);
        const expected = t.profile.confederation ?? t.profile.asn;
        t.check(open!.asn === expected, `expected AS ${expected}, got ${open!.asn}`);
        if (expected <= 0xffff) {
          t.check(open!.myAs === expected, `expected AS ${expected} in the field, got ${open!.myAs}`);
          return;
        }
        t.check(four, 'expected capability 65');
        t.check(open!.myAs === AS_TRANS, `expected 23456 in the field, got ${open!.myAs}`);
      });
    },
  },
  {
    id: 'CAP-7',
    rfc: 'RFC 7911 4',
    level: 'should',
    title: 'ADD-PATH with a send/receive value that is none',
    stimulus: 'ADD-PATH capability for IPv4 unicast with send/receive 0, with 4, with 255',
    expected: 'the tuple is ignored: the session comes up, and routes have no path identifiers',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      for (const sendReceive of [0, 4, 255]) {
        await t.step(`send/receive ${sendReceive}`, async () => {
          const source = await t.establish('ebgp');
          if (!source.targetHas(CAP_ADD_PATH)) t.notApplicable('the target does not offer ADD-PATH');
          const observer = await t.observer(source, {
            capabilities: [addPath({ ...IPV4_UNICAST, sendReceive })],
          });
          // A path of its own, so that the UPDATE has no other prefix.
          const prefix = t.prefix();
          source.announce(prefix, { through: [64999] });
          await observer.expectRoute(prefix);
          const { at } = observer.historyOf(prefix)[0]!;
          const together = observer.history.filter((event) => event.at === at);
          // Read without path identifiers, those that are there look like default routes.
          t.check(together.length === 1, `expected ${prefix} alone, got ${together.length} prefixes`);
        });
      }
    },
  },
  {
    id: 'CAP-8',
    rfc: 'RFC 9234 4.2',
    level: 'must',
    title: 'BGP roles that do not go together',
    stimulus:
      'to a target with the role provider: role peer; customer and then peer; no role; no role to a target in strict mode; role customer',
    expected: 'NOTIFICATION 2/11; 2/11; the session comes up; 2/11; the session comes up',
    needs: [PROVIDER, STRICT],
    async run(t) {
      await t.step('role peer', async () => {
        await (await withRoles(t, PROVIDER, ROLE_PEER)).expectReset(2, 11);
      });
      await t.step('two roles that differ', async () => {
        await (await withRoles(t, PROVIDER, ROLE_CUSTOMER, ROLE_PEER)).expectReset(2, 11);
      });
      await t.step('no role', async () => {
        await confirmed(await withRoles(t, PROVIDER));
      });
      await t.step('no role, strict mode', async () => {
        await (await withRoles(t, STRICT)).expectReset(2, 11);
      });
      await t.step('role customer', async () => {
        await confirmed(await withRoles(t, PROVIDER, ROLE_CUSTOMER));
      });
      await t.step('role customer twice', async () => {
        await confirmed(await withRoles(t, PROVIDER, ROLE_CUSTOMER, ROLE_CUSTOMER));
      });
    },
  },
  {
    id: 'CAP-9',
    rfc: 'RFC 4724 3',
    level: 'must',
    title: 'Two graceful restart capabilities',
    stimulus:
      'one with forwarding state for IPv4 unicast and one without families, in both orders; then the TCP connection is lost',
    expected: 'the last one counts: routes are withdrawn where it has no families, and kept where it has',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const full = gracefulRestart({ restartTime: 60 }, { ...IPV4_UNICAST, forwarding: true });
      const none = gracefulRestart({ restartTime: 60 });
      const lose = async (list: readonly Uint8Array[]): Promise<readonly [Peer, string]> => {
        const peer = await t.establish('ebgp', { capabilities: list });
        if (!peer.targetHas(CAP_GRACEFUL_RESTART))
          t.notApplicable('the target does not offer graceful restart');
        const observer = await t.observer(peer);
        const prefix = t.prefix();
        peer.announce(prefix);
        await observer.expectRoute(prefix);
        peer.reset();
        return [observer, prefix];
      };
      await t.step('the last one without families', async () => {
        const [observer, prefix] = await lose([full, none]);
        await observer.expectNoRoute(prefix);
      });
      await t.step('the last one with IPv4 unicast', async () => {
        const [observer, prefix] = await lose([none, full]);
        await t.barrier(await t.establish('ebgp'), observer);
        t.check(
          observer.historyOf(prefix).every(({ what }) => what === 'announced'),
          `expected ${prefix} to be kept, but it was withdrawn`,
        );
      });
    },
  },
];
