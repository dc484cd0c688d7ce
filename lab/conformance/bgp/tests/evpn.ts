/** EVPN routes: RFC 7432, RFC 9136. */
import { randomBytes } from 'node:crypto';
import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import type { Requirement } from '../requirement.ts';
import type { RouteEvent } from '../route.ts';
import type { Scene } from '../scene.ts';
import { addressBelow } from '../target-config/resolvable.ts';
import { extendedCommunities, mpReach, mpUnreach, NEXT_HOP } from '../wire/attributes.ts';
import { update } from '../wire/build.ts';
import { address, bytes, hex, u16, u32 } from '../wire/bytes.ts';
import { CAP_MULTIPROTOCOL, IPV4_UNICAST, L2VPN_EVPN } from '../wire/capabilities.ts';

const SOURCE: Need = { kind: 'ebgp', features: ['evpn'] };
const OBSERVER: Need = { kind: 'ebgp2', features: ['evpn'] };
const OFFER = { families: [IPV4_UNICAST, L2VPN_EVPN] };
const MAC_IP = 2;
const IP_PREFIX = 5;
const ROUTE_TARGET = bytes(0, 2, u16(64900), u32(100));
const ROUTE_TARGET_TEXT = '64900:100';
const VXLAN = bytes(3, 0x0c, 0, 0, 0, 0, u16(8));
const ROUTER_MAC = bytes(6, 3, 2, 0, 0, 0, 0, 9);
const NO_ESI = new Uint8Array(10);
const SOME_ESI = bytes(0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99);

/** Extended community with the sequence number of RFC 7432 §7.7. */
function macMobility(sequenceNumber: number): Uint8Array {
  return bytes(6, 0, 0, 0, u32(sequenceNumber));
}

async function evpnSession(t: Scene, need: Need): Promise<Peer> {
  const peer = await t.connect(need);
  const offered = peer.open!.capabilities.some(
    ({ code, value }) =>
      code === CAP_MULTIPROTOCOL && value[1] === L2VPN_EVPN.afi && value[3] === L2VPN_EVPN.safi,
  );
  if (!offered) t.notApplicable('the target does not offer EVPN');
  return await t.bringUp(peer, OFFER);
}

/** Route distinguisher (RFC 4364 §4.2, type 1) of the peer's own. */
function distinguisher({ identity }: Peer): Uint8Array {
  return bytes(u16(1), u32(identity.bgpId), u16(7));
}

/** A locally administered MAC address that no other test uses. */
function freshMac(): Uint8Array {
  return bytes(2, randomBytes(5));
}

/** MAC/IP advertisement without an IP address (RFC 7432 §7.2). */
function macRoute(rd: Uint8Array, mac: Uint8Array, label: number, esi: Uint8Array = NO_ESI): Uint8Array {
  const body = bytes(rd, esi, u32(0), 48, mac, 0, u32(label).subarray(1));
  return bytes(MAC_IP, body.length, body);
}

/** IPv4 prefix route (RFC 9136 §3.1). */
function prefixRoute(rd: Uint8Array, prefix: string, label: number, gateway = '0.0.0.0'): Uint8Array {
  const [network, length] = prefix.split('/');
  const body = bytes(
    rd,
    NO_ESI,
    u32(0),
    Number(length),
    address(network!),
    address(gateway),
    u32(label).subarray(1),
  );
  return bytes(IP_PREFIX, body.length, body);
}

function announce(peer: Peer, routes: readonly Uint8Array[], ...more: readonly Uint8Array[]): void {
  const attributes = peer.attributes({
    omit: [NEXT_HOP],
    extra: [extendedCommunities(ROUTE_TARGET, VXLAN, ...more)],
  });
  peer.send(update({ attributes: [mpReach(L2VPN_EVPN, peer.identity.nextHop, routes), ...attributes] }));
}

function withdraw(peer: Peer, route: Uint8Array): void {
  peer.send(update({ attributes: [mpUnreach(L2VPN_EVPN, [route])] }));
}

/** What a route is called in {@link Peer.routes}. */
function named(route: Uint8Array): string {
  return `${L2VPN_EVPN.afi}/${L2VPN_EVPN.safi} ${hex(route)}`;
}

/** As {@link Scene.barrier} with EVPN routes. */
async function barrier(source: Peer, observer: Peer): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const marker = macRoute(distinguisher(source), freshMac(), 100);
    announce(source, [marker]);
    await observer.expectRoute(named(marker));
    withdraw(source, marker);
  }
}

/** What was last said about MAC/IP routes with a MAC address, whatever their ESI and labels. */
function lastAbout(observer: Peer, mac: Uint8Array): RouteEvent | undefined {
  const digits = hex(bytes(48, mac));
  // Type, length, distinguisher, ESI and tag stand before it: 24 octets.
  const start = named(new Uint8Array(0)).length + 48;
  return observer.history.findLast(({ prefix }) => prefix.startsWith(digits, start));
}

/** The key in the name of a MAC/IP route, as {@link named} has it: without ESI and label (RFC 7432 §7.2). */
function keyOf(name: string): string {
  // Type, length and distinguisher stand before the ESI: 10 octets of 2 digits.
  const esi = named(new Uint8Array(0)).length + 20;
  return name.slice(0, esi) + name.slice(esi + 20, -6);
}

export const EVPN_TESTS: readonly Requirement[] = [
  {
    id: 'EVP-1',
    rfc: 'RFC 7432 7.2',
    level: 'must',
    title: 'What makes two MAC/IP routes the same',
    stimulus:
      'a MAC/IP route announced again with another label, with another ESI; then withdrawn once, as it was first',
    expected: 'the second one replaces the first, so that nothing is left after the withdrawal',
    needs: [SOURCE, OBSERVER, OBSERVER],
    async run(t) {
      for (const [name, esi, label] of [
        ['another label', NO_ESI, 200],
        ['another ESI', SOME_ESI, 100],
      ] as const) {
        await t.step(name, async () => {
          const source = await evpnSession(t, SOURCE);
          const observer = await evpnSession(t, OBSERVER);
          const mac = freshMac();
          const first = macRoute(distinguisher(source), mac, 100);
          const second = macRoute(distinguisher(source), mac, label, esi);
          announce(source, [first]);
          await observer.expectRoute(named(first));
          announce(source, [second]);
          await observer.expectRoute(named(second));
          withdraw(source, first);
          await barrier(source, observer);
          const last = lastAbout(observer, mac);
          t.check(last?.what === 'withdrawn', 'expected the route to be withdrawn, but one was left');
          const later = await evpnSession(t, OBSERVER);
          await barrier(source, later);
          t.check(
            lastAbout(later, mac) === undefined,
            'expected no route to be left, but a new peer was sent one',
          );
        });
      }
    },
  },
  {
    id: 'EVP-2',
    rfc: 'RFC 7432 15',
    level: 'must',
    title: 'A MAC address moves',
    stimulus:
      "a MAC address that the target advertises as its own, from another PE with a higher sequence number; with the same one and an address lower than the target's",
    expected: 'the target withdraws its route in both cases',
    needs: [SOURCE, OBSERVER],
    async run(t) {
      const moved = async (sequenceNumber: number, nextHop?: Uint8Array): Promise<void> => {
        const source = await evpnSession(t, SOURCE);
        const observer = await evpnSession(t, OBSERVER);
        const mac = freshMac();
        const text = Array.from(mac, (octet) => hex(bytes(octet))).join(':');
        await t.command('originate-mac', { mac: text, routeTarget: ROUTE_TARGET_TEXT });
        const own = await observer.expect('a MAC/IP route of the target', () => {
          const event = lastAbout(observer, mac);
          return event?.what === 'announced' && event.prefix;
        });
        const route = macRoute(distinguisher(source), mac, 100);
        const attributes = source.attributes({
          omit: [NEXT_HOP],
          extra: [extendedCommunities(ROUTE_TARGET, VXLAN, macMobility(sequenceNumber))],
        });
        const reach = mpReach(L2VPN_EVPN, nextHop ?? source.identity.nextHop, [route]);
        source.send(update({ attributes: [reach, ...attributes] }));
        await observer.expectRoute(named(route));
        await observer.expect("the target's own route to be withdrawn", () => {
          const last = observer.history.findLast(({ prefix }) => keyOf(prefix) === keyOf(own));
          return last?.what === 'withdrawn';
        });
      };
      await t.step('higher sequence number', () => moved(1));
      await t.step('equal sequence number, lower address', async () => {
        const own = address(t.profile.target.address);
        if (own.length !== 4) t.notApplicable('the target has no IPv4 address');
        await moved(0, address(addressBelow(t.profile)));
      });
    },
  },
  {
    id: 'EVP-3',
    rfc: 'RFC 9136 3.1, 3.2',
    level: 'must',
    title: 'IP prefix routes with errors',
    stimulus:
      'IP prefix routes of 33 and of 35 octets; with label 0 and no overlay index; with label 0 and a gateway, a router MAC',
    expected: 'the first three are treated as withdrawn, the session stays; the others are passed on',
    needs: [SOURCE, OBSERVER],
    async run(t) {
      const pair = async (): Promise<{ source: Peer; observer: Peer; rd: Uint8Array; prefix: string }> => {
        const source = await evpnSession(t, SOURCE);
        const observer = await evpnSession(t, OBSERVER);
        return { source, observer, rd: distinguisher(source), prefix: t.prefix() };
      };
      for (const length of [33, 35]) {
        await t.step(`length ${length}`, async () => {
          const { source, observer, rd, prefix } = await pair();
          const good = prefixRoute(rd, prefix, 100);
          announce(source, [good]);
          await observer.expectRoute(named(good));
          const other = prefixRoute(rd, t.prefix(), 100);
          const bad = bytes(IP_PREFIX, length, bytes(other, 0).subarray(2, 2 + length));
          announce(source, [bad]);
          await barrier(source, observer);
          t.check(
            observer.historyOf(named(bad)).length === 0,
            'expected the route to be dropped, but it was passed on',
          );
        });
      }
      await t.step('label 0 without overlay index', async () => {
        const { source, observer, rd, prefix } = await pair();
        const good = prefixRoute(rd, prefix, 100);
        announce(source, [good]);
        await observer.expectRoute(named(good));
        const bad = prefixRoute(rd, prefix, 0);
        announce(source, [bad]);
        await barrier(source, observer);
        t.check(
          observer.historyOf(named(bad)).every(({ what }) => what === 'withdrawn'),
          'expected the route to be dropped, but it was passed on',
        );
        const said = observer.history.filter(
          ({ prefix: name }) => name.slice(0, -6) === named(good).slice(0, -6),
        );
        t.check(
          said.at(-1)?.what === 'withdrawn',
          'expected the route before it to be withdrawn, but it was not',
        );
      });
      await t.step('label 0 with a gateway', async () => {
        const { source, observer, rd, prefix } = await pair();
        const route = prefixRoute(rd, prefix, 0, '192.0.2.77');
        announce(source, [route]);
        await observer.expectRoute(named(route));
      });
      await t.step('label 0 with a router MAC', async () => {
        const { source, observer, rd, prefix } = await pair();
        const route = prefixRoute(rd, prefix, 0);
        announce(source, [route], ROUTER_MAC);
        await observer.expectRoute(named(route));
      });
    },
  },
];
