/** Graceful restart: RFC 4724, RFC 8538, RFC 9494. The tester restarts; only GR-5 restarts the target. */
import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import type { Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { COMMUNITIES, communities } from '../wire/attributes.ts';
import { message, notification, UPDATE, update } from '../wire/build.ts';
import { bytes, hex } from '../wire/bytes.ts';
import {
  type AfiSafi,
  CAP_GRACEFUL_RESTART,
  CAP_LONG_LIVED_GRACEFUL_RESTART,
  gracefulRestart,
  IPV4_UNICAST,
  IPV6_UNICAST,
  L2VPN_EVPN,
  longLivedGracefulRestart,
} from '../wire/capabilities.ts';

/** Long enough to come back on a busy machine, seconds. */
const LONG = 60;
/** To see it pass, seconds. */
const SHORT = 4;
const LLGR_STALE = 0xffff0006;
const NO_LLGR = 0xffff0007;
const FORWARDING = { ...IPV4_UNICAST, forwarding: true };
const LONG_LIVED = longLivedGracefulRestart({ ...IPV4_UNICAST, staleTime: 120, forwarding: true });

/** Peers that the target knows one by one. */
const CONFIGURED: Need = { kind: 'ebgp', features: ['dials', 'graceful-restart'] };
const CONFIGURED_OBSERVER: Need = { kind: 'ibgp', features: ['dials', 'graceful-restart'] };

interface Restart {
  readonly restartTime?: number;
  readonly restarting?: boolean;
  readonly notification?: boolean;
  /** Default: IPv4 unicast with forwarding state. */
  readonly families?: readonly (AfiSafi & { readonly forwarding?: boolean })[];
  readonly more?: readonly Uint8Array[];
}

/** Options of a session with graceful restart. */
function restart({ restartTime = LONG, families = [FORWARDING], more = [], ...flags }: Restart = {}): {
  readonly families: readonly AfiSafi[];
  readonly capabilities: readonly Uint8Array[];
} {
  return {
    families: [IPV4_UNICAST],
    capabilities: [gracefulRestart({ restartTime, ...flags }, ...families), ...more],
  };
}

function requireRestart(t: Scene, peer: Peer): void {
  const value = peer.open!.capabilities.find(({ code }) => code === CAP_GRACEFUL_RESTART)?.value;
  if (value === undefined) t.notApplicable('the target does not offer graceful restart');
}

/** Whether the target has the N bit (RFC 8538 §2). */
function hasNotificationBit(peer: Peer): boolean {
  const value = peer.open!.capabilities.find(({ code }) => code === CAP_GRACEFUL_RESTART)?.value;
  return ((value?.[0] ?? 0) & 0x40) !== 0;
}

interface Helped {
  readonly source: Peer;
  readonly observer: Peer;
  readonly first: string;
  readonly second: string;
}

/** A peer with graceful restart that has announced two prefixes and ended with End-of-RIB, and an observer of them. */
async function helped(
  t: Scene,
  options: Restart = {},
  observing: Parameters<Scene['observer']>[1] = {},
): Promise<Helped> {
  const source = await t.establish('ebgp', restart(options));
  requireRestart(t, source);
  const observer = await t.observer(source, observing);
  const [first, second] = [t.prefix(), t.prefix()];
  source.announce([first, second]);
  source.send(update());
  await observer.expectRoute(first);
  await observer.expectRoute(second);
  return { source, observer, first, second };
}

/** The target has seen the end of `source`: an address that comes back is served as a new session. */
async function comeBack(t: Scene, { source }: Helped, options: Restart): Promise<Peer> {
  return await t.establish(source.identity, restart({ restarting: true, ...options }));
}

function everWithdrawn(observer: Peer, prefix: string): boolean {
  return observer.historyOf(prefix).some(({ what }) => what === 'withdrawn');
}

/** `prefix` has stayed, seen by `observer` after a new session of another peer has carried routes to it. */
async function expectKept(t: Scene, observer: Peer, ...prefixes: readonly string[]): Promise<void> {
  await t.barrier(await t.establish('ebgp'), observer);
  for (const prefix of prefixes) {
    t.check(!everWithdrawn(observer, prefix), `expected ${prefix} to be kept, but it was withdrawn`);
  }
}

function communitiesText(route: {
  attribute(type: number): { readonly value: Uint8Array } | undefined;
}): string {
  return hex(route.attribute(COMMUNITIES)?.value ?? new Uint8Array(0));
}

export const GRACEFUL_RESTART_TESTS: readonly Requirement[] = [
  {
    id: 'GR-1',
    rfc: 'RFC 4724 2, 4',
    level: 'must',
    title: 'End-of-RIB',
    stimulus:
      'a session with graceful restart for every family that the target offers, with a route to be sent',
    expected:
      'after the routes an UPDATE of 23 octets for IPv4 unicast, one with an empty MP_UNREACH_NLRI for each other family, even where there is nothing to send',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      const source = await t.establish('ebgp');
      const witness = await t.observer(source);
      const prefix = t.prefix();
      source.announce(prefix);
      await witness.expectRoute(prefix);
      const peer = await t.connect('ebgp2');
      requireRestart(t, peer);
      const families = [IPV4_UNICAST, IPV6_UNICAST, L2VPN_EVPN].filter(({ afi, safi }) =>
        peer.open!.capabilities.some(
          ({ code, value }) => code === 1 && value[1] === afi && value[3] === safi,
        ),
      );
      await t.bringUp(peer, {
        families,
        capabilities: [gracefulRestart({ restartTime: LONG }, ...families)],
      });
      for (const { afi, safi } of families) {
        await peer.expect(`an End-of-RIB of family ${afi}/${safi}`, () =>
          peer.received.some(
            ({ body }) => body.kind === 'update' && body.endOfRib?.afi === afi && body.endOfRib.safi === safi,
          ),
        );
      }
      const position = (match: (message: Peer['received'][number]) => boolean): number =>
        peer.received.findIndex(match);
      const end = position(({ body }) => body.kind === 'update' && body.endOfRib?.afi === 1);
      const route = position(
        ({ body }) => body.kind === 'update' && body.announced.some((one) => one.prefix === prefix),
      );
      t.check(route >= 0 && route < end, `expected ${prefix} before the End-of-RIB, got it after`);
      t.check(peer.received[end]!.octets.length === 23, 'expected an UPDATE of 23 octets for IPv4 unicast');
    },
  },
  {
    id: 'GR-2',
    rfc: 'RFC 4724 4.2',
    level: 'must',
    title: 'The peer restarts',
    stimulus: 'TCP is lost without a NOTIFICATION after the graceful restart capability was exchanged',
    expected: 'the routes stay for peers that have them, and go to a peer that comes up afterwards',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }, { kind: 'ebgp2' }],
    async run(t) {
      for (const how of ['RST', 'FIN'] as const) {
        await t.step(`lost with ${how}`, async () => {
          const { source, observer, first, second } = await helped(t);
          if (how === 'RST') source.reset();
          else source.end();
          await expectKept(t, observer, first, second);
          const later = await t.observer(source);
          await later.expectRoute(first);
          await later.expectRoute(second);
        });
      }
    },
  },
  {
    id: 'GR-3',
    rfc: 'RFC 4724 4.2',
    level: 'must',
    title: 'Stale routes end',
    stimulus:
      'the restart time passes; the peer comes back without the forwarding bit, without the family, without the capability',
    expected: 'the stale routes are deleted',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp2' }],
    seconds: 20,
    async run(t) {
      await t.step('the restart time passes', async () => {
        const { source, observer, first } = await helped(t, { restartTime: SHORT });
        const begin = performance.now();
        source.reset();
        await observer.expectNoRoute(first, SHORT * 1000 + t.reactionTime);
        const passed = performance.now() - begin;
        t.check(
          passed > SHORT * 1000 - 500,
          `expected the routes to be kept for ${SHORT} s, but they were withdrawn after ${Math.round(passed)} ms`,
        );
      });
      for (const [name, again] of [
        ['back without the forwarding bit', { families: [IPV4_UNICAST] }],
        ['back without the family', { families: [] }],
      ] as const) {
        await t.step(name, async () => {
          const all = await helped(t);
          all.source.reset();
          await expectKept(t, all.observer, all.first);
          await comeBack(t, all, again);
          await all.observer.expectNoRoute(all.first);
        });
      }
      await t.step('back without the capability', async () => {
        const { source, observer, first } = await helped(t);
        source.reset();
        await expectKept(t, observer, first);
        await t.establish(source.identity);
        await observer.expectNoRoute(first);
      });
    },
  },
  {
    id: 'GR-4',
    rfc: 'RFC 4724 4.2',
    level: 'must',
    title: 'End-of-RIB after a restart, and a second restart before it',
    stimulus:
      'the peer comes back, announces one of two routes, and sends End-of-RIB; loses TCP again without having sent it',
    expected: 'the route that was not announced again is deleted, the other one stays',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      await t.step('End-of-RIB', async () => {
        const all = await helped(t);
        all.source.reset();
        await expectKept(t, all.observer, all.first, all.second);
        const again = await comeBack(t, all, {});
        again.announce(all.first);
        await t.barrier(again, all.observer);
        t.check(
          !everWithdrawn(all.observer, all.second),
          `expected ${all.second} to be kept until the End-of-RIB`,
        );
        again.send(update());
        await all.observer.expectNoRoute(all.second);
        t.check(
          !everWithdrawn(all.observer, all.first),
          `expected ${all.first} to stay, but it was withdrawn`,
        );
      });
      await t.step('second restart', async () => {
        const all = await helped(t);
        all.source.reset();
        await expectKept(t, all.observer, all.first, all.second);
        const again = await comeBack(t, all, {});
        again.announce(all.first);
        await t.barrier(again, all.observer);
        again.reset();
        await all.observer.expectNoRoute(all.second);
        await expectKept(t, all.observer, all.first);
      });
    },
  },
  {
    id: 'GR-5',
    rfc: 'RFC 4724 3, 4.1',
    level: 'must',
    title: 'The target restarts',
    stimulus:
      'the target is restarted by a command; two peers come back, one of them sends its End-of-RIB late',
    expected:
      'its OPEN has the Restart State bit; nothing is sent before the last End-of-RIB, or the deferral timer',
    needs: [CONFIGURED, CONFIGURED_OBSERVER, { kind: 'ebgp' }, { kind: 'ebgp2' }],
    seconds: 60,
    exclusive: true,
    async run(t) {
      // Whom a range has lost in the restart a target cannot know.
      const configured = t.has(CONFIGURED) && t.has(CONFIGURED_OBSERVER);
      const before = await t.establish(configured ? CONFIGURED : 'ebgp', restart());
      requireRestart(t, before);
      const other = await t.establish(configured ? CONFIGURED_OBSERVER : 'ebgp2', restart());
      const prefix = t.prefix();
      before.announce(prefix);
      before.send(update());
      other.send(update());
      await other.expectRoute(prefix);
      await t.command('restart');
      const source = await t.establish(before.identity, restart());
      const flags =
        source.open!.capabilities.find(({ code }) => code === CAP_GRACEFUL_RESTART)?.value[0] ?? 0;
      t.check((flags & 0x80) !== 0, 'expected the Restart State bit in the OPEN after the restart');
      const observer = await t.establish(other.identity, restart());
      source.announce(prefix);
      observer.send(update());
      // Both have been read when both sessions are alive later.
      await source.expectAlive();
      await observer.expectAlive();
      t.check(
        observer.historyOf(prefix).length === 0,
        'expected nothing to be sent before the last End-of-RIB, got a route',
      );
      source.send(update());
      await observer.expectRoute(
        prefix,
        () => true,
        (t.profile.settings.deferralTime ?? 0) * 1000 + t.reactionTime,
      );
    },
  },
  {
    id: 'GR-6',
    rfc: 'RFC 4724 4; RFC 8538 2, 4',
    level: 'must',
    title: 'NOTIFICATION and graceful restart',
    stimulus:
      'Cease from a peer without the N bit, with it, hard reset (6/9) with it; a NOTIFICATION of the target to a peer with it',
    expected: 'the routes are withdrawn; kept; withdrawn; kept',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      const both = async (): Promise<Helped> => {
        const all = await helped(t, { restartTime: LONG, notification: true });
        if (!hasNotificationBit(all.source)) t.notApplicable('the target does not set the N bit');
        return all;
      };
      await t.step('Cease, no N bit', async () => {
        const { source, observer, first } = await helped(t);
        source.send(notification(6, 4));
        source.end();
        await observer.expectNoRoute(first);
      });
      await t.step('Cease, N bit on both sides', async () => {
        const { source, observer, first, second } = await both();
        source.send(notification(6, 4));
        source.end();
        await expectKept(t, observer, first, second);
      });
      await t.step('hard reset, N bit on both sides', async () => {
        const { source, observer, first } = await both();
        source.send(notification(6, 9, [6, 4]));
        source.end();
        await observer.expectNoRoute(first);
      });
      await t.step('NOTIFICATION of the target, N bit on both sides', async () => {
        const { source, observer, first, second } = await both();
        source.send(message(UPDATE, bytes(), { length: 18 }));
        await source.expectReset(1, 2);
        await expectKept(t, observer, first, second);
      });
    },
  },
  {
    id: 'GR-7',
    rfc: 'RFC 9494 4.2, 4.3, 4.5',
    level: 'must',
    title: 'Long-lived graceful restart',
    stimulus:
      'the restart time of a peer with the capability passes: routes with and without NO_LLGR and one that another peer has as well; seen with the capability and without',
    expected:
      'LLGR_STALE is added; routes with NO_LLGR are deleted; any other route is preferred; peers without the capability do not get them (SHOULD); without the capability of the peer nothing is kept',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }, { kind: 'ebgp2' }],
    seconds: 25,
    async run(t) {
      const within = SHORT * 1000 + t.reactionTime;
      const longLived: Restart = { restartTime: SHORT, more: [LONG_LIVED] };
      const observing = restart({ more: [LONG_LIVED] });
      const begin = async (): Promise<Helped> => {
        const all = await helped(t, longLived, observing);
        if (!all.source.targetHas(CAP_LONG_LIVED_GRACEFUL_RESTART)) {
          t.notApplicable('the target does not offer long-lived graceful restart');
        }
        return all;
      };
      const isStale = (route: Parameters<typeof communitiesText>[0]): boolean =>
        communitiesText(route).includes(LLGR_STALE.toString(16));
      await t.step('LLGR_STALE, NO_LLGR', async () => {
        const { source, observer, first, second } = await begin();
        source.announce(second, { extra: [communities(NO_LLGR)] });
        await t.barrier(source, observer);
        source.reset();
        await observer.expectRoute(first, isStale, within);
        await observer.expectNoRoute(second, within);
        t.check(!everWithdrawn(observer, first), `expected ${first} to stay, but it was withdrawn`);
      });
      await t.step('least preferred', async () => {
        const { source, observer, first } = await begin();
        const other = await t.establish('ebgp');
        other.announce(first, { through: [64901, 64902, 64903], origin: 2 });
        await t.barrier(other, observer);
        source.reset();
        await observer.expectRoute(first, ({ pathText }) => pathText.endsWith('64903'), within);
        await t.barrier(other, observer);
        t.check(!isStale(observer.routesTo(first)[0]!), 'expected the other route, got the stale one');
      });
      await t.step('to a peer without the capability', async () => {
        const { source, observer, first } = await begin();
        const plain = await t.establish(observer.identity.kind);
        await plain.expectRoute(first);
        source.reset();
        await observer.expectRoute(first, isStale, within);
        await plain.expectNoRoute(first);
      });
      await t.step('from a peer without the capability', async () => {
        const { source, observer, first } = await helped(t, { restartTime: SHORT }, observing);
        source.reset();
        await observer.expectNoRoute(first, within);
      });
    },
  },
];
