import { describe, expect, test } from 'vitest';
import type { Capability } from '../../../protocol/bgp/capability/capability.ts';
import {
  type CapabilityConfig,
  completeConfig,
  type SessionConfig,
} from '../../../protocol/bgp/session/config.ts';
import { configuredCapabilities } from '../../../protocol/bgp/session/offer.ts';
import { agree, EXTERNAL, IPV4, IPV6, refusal, withCapabilities } from './negotiate-bench.ts';
import { CONFIG } from './session-bench.ts';

describe('flags', () => {
  const ours: CapabilityConfig = { extendedMessage: true };

  test('route refresh needs both sides (RFC 2918, RFC 7313)', () => {
    const both = withCapabilities({}, [{ kind: 'route-refresh' }, { kind: 'enhanced-route-refresh' }]);
    expect([both.routeRefresh, both.enhancedRouteRefresh]).toEqual([true, true]);
    const theirs = withCapabilities({ routeRefresh: false, enhancedRouteRefresh: false }, [
      { kind: 'route-refresh' },
      { kind: 'enhanced-route-refresh' },
    ]);
    expect([theirs.routeRefresh, theirs.enhancedRouteRefresh]).toEqual([false, false]);
    const none = withCapabilities({}, []);
    expect([none.routeRefresh, none.enhancedRouteRefresh]).toEqual([false, false]);
  });

  test.each<[boolean, boolean]>([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('long messages go by what each receiver advertised (RFC 8654): we %s, peer %s', (we, peer) => {
    const agreed = withCapabilities(we ? ours : {}, peer ? [{ kind: 'extended-message' }] : []);
    expect([
      agreed.context.extendedMessage,
      agreed.extendedMessageSend,
      agreed.sendContext.extendedMessage,
    ]).toEqual([we, peer, peer]);
  });

  test('unknown capabilities do not matter, and all are kept for show (RFC 5492 §3)', () => {
    const unknown: Capability = { kind: 'unknown', code: 222, value: Uint8Array.of(1) };
    const agreed = withCapabilities({}, [
      unknown,
      { kind: 'fqdn', hostName: 'r1', domainName: 'lab' },
      { kind: 'software-version', version: 'x/1' },
    ]);
    expect(agreed.peerCapabilities).toContainEqual(unknown);
    expect(agreed).toMatchObject({ fqdn: { hostName: 'r1', domainName: 'lab' }, softwareVersion: 'x/1' });
  });
});

describe('ADD-PATH (RFC 7911 §4)', () => {
  const addPath = (sendReceive: number): Capability => ({
    kind: 'add-path',
    families: [{ ...IPV4, sendReceive }],
  });

  test.each([
    [{ send: true, receive: true }, 1, [true, false]],
    [{ send: true, receive: true }, 2, [false, true]],
    [{ send: true, receive: true }, 3, [true, true]],
    [{ send: true, receive: false }, 3, [true, false]],
    [{ send: false, receive: true }, 3, [false, true]],
    [{ send: true, receive: false }, 2, [false, false]],
    [{ send: true, receive: true }, 0, [false, false]],
    [{ send: true, receive: true }, 4, [false, false]],
    [{ send: true, receive: true }, 255, [false, false]],
  ])('we %o, peer %i: send and receive %o', (we, peer, [send, receive]) => {
    const agreed = withCapabilities({ addPath: [{ family: 'ipv4-unicast', ...we }] }, [addPath(peer)]);
    expect(agreed.addPathSend).toEqual(send ? ['ipv4-unicast'] : []);
    expect(agreed.addPathReceive).toEqual(receive ? ['ipv4-unicast'] : []);
    expect(agreed.context.addPath).toEqual(agreed.addPathReceive);
    expect(agreed.sendContext.addPath).toEqual(agreed.addPathSend);
  });

  test('needs the family itself, and is of one family only', () => {
    const ours: CapabilityConfig = { addPath: [{ family: 'ipv6-unicast', send: true, receive: true }] };
    expect(withCapabilities(ours, [addPath(3)])).toMatchObject({ addPathSend: [], addPathReceive: [] });
    const evpn: CapabilityConfig = { addPath: [{ family: 'l2vpn-evpn', send: true, receive: true }] };
    const peer: Capability = { kind: 'add-path', families: [{ afi: 25, safi: 70, sendReceive: 3 }] };
    expect(withCapabilities(evpn, [peer])).toMatchObject({ addPathSend: [], addPathReceive: [] });
  });

  test('paths limit of the peer', () => {
    const limit: Capability = {
      kind: 'paths-limit',
      families: [
        { ...IPV4, limit: 4 },
        { afi: 9, safi: 9, limit: 1 },
      ],
    };
    expect(withCapabilities({}, [limit]).pathsLimit).toEqual([{ family: 'ipv4-unicast', limit: 4 }]);
  });
});

describe('extended next hop (RFC 8950 §4)', () => {
  const peer: Capability = { kind: 'extended-next-hop', families: [{ ...IPV4, nextHopAfi: 2 }] };

  test('each direction by what its receiver advertised, both for use', () => {
    const both = withCapabilities({ extendedNextHop: ['ipv4-unicast'] }, [peer]);
    expect([both.extendedNextHop, both.context.extendedNextHop, both.sendContext.extendedNextHop]).toEqual([
      ['ipv4-unicast'],
      ['ipv4-unicast'],
      ['ipv4-unicast'],
    ]);
    const we = withCapabilities({ extendedNextHop: ['ipv4-unicast'] }, []);
    expect([we.extendedNextHop, we.context.extendedNextHop, we.sendContext.extendedNextHop]).toEqual([
      [],
      ['ipv4-unicast'],
      [],
    ]);
  });

  test('only IPv6 next hops', () => {
    const odd: Capability = { kind: 'extended-next-hop', families: [{ ...IPV4, nextHopAfi: 1 }] };
    expect(withCapabilities({ extendedNextHop: ['ipv4-unicast'] }, [odd]).extendedNextHop).toEqual([]);
  });
});

describe('graceful restart (RFC 4724 §3, RFC 8538, RFC 9494)', () => {
  const ours = { restartTime: 120, restarting: false, notification: true, families: [] };
  const theirs = (fields: Partial<Extract<Capability, { kind: 'graceful-restart' }>>): Capability => ({
    kind: 'graceful-restart',
    restarting: false,
    notification: false,
    restartTime: 90,
    families: [{ ...IPV4, forwarding: true }],
    ...fields,
  });

  test('the last of several capabilities counts', () => {
    const agreed = withCapabilities({ gracefulRestart: ours }, [
      theirs({ restartTime: 1 }),
      theirs({
        restarting: true,
        restartTime: 7,
        families: [
          { ...IPV6, forwarding: false },
          { afi: 9, safi: 9, forwarding: true },
        ],
      }),
    ]);
    expect(agreed.gracefulRestart).toEqual({
      restarting: true,
      notification: false,
      restartTime: 7,
      families: [{ family: 'ipv6-unicast', forwarding: false }],
    });
  });

  test('needs both sides; the N bit does, too', () => {
    expect(withCapabilities({}, [theirs({})]).gracefulRestart).toBeUndefined();
    expect(withCapabilities({ gracefulRestart: ours }, []).gracefulRestart).toBeUndefined();
    const notification = (we: boolean, peer: boolean): boolean | undefined =>
      withCapabilities({ gracefulRestart: { ...ours, notification: we } }, [theirs({ notification: peer })])
        .gracefulRestart?.notification;
    expect([notification(true, true), notification(true, false), notification(false, true)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('the long-lived kind needs the other one (RFC 9494 §3.1)', () => {
    const longLived = { families: [{ family: 'ipv4-unicast' as const, staleTime: 3600, forwarding: false }] };
    const peer: Capability = {
      kind: 'long-lived-graceful-restart',
      families: [{ ...IPV4, forwarding: true, staleTime: 100_000 }],
    };
    const capabilities = { gracefulRestart: ours, longLivedGracefulRestart: longLived };
    expect(withCapabilities(capabilities, [theirs({}), peer]).longLived).toEqual({
      families: [{ family: 'ipv4-unicast', staleTime: 100_000, forwarding: true }],
    });
    expect(withCapabilities(capabilities, [peer]).longLived).toBeUndefined();
    expect(
      withCapabilities({ longLivedGracefulRestart: longLived }, [theirs({}), peer]).longLived,
    ).toBeUndefined();
  });
});

describe('roles (RFC 9234 §4.2)', () => {
  const ROLES = ['provider', 'rs-server', 'rs-client', 'customer', 'peer'] as const;
  const PAIRS = new Set([
    'provider customer',
    'customer provider',
    'rs-server rs-client',
    'rs-client rs-server',
    'peer peer',
  ]);
  const judge = (
    capabilities: CapabilityConfig,
    peer: readonly number[],
    settings: Partial<SessionConfig> = EXTERNAL,
  ): string =>
    refusal(() =>
      agree(
        { ...settings, capabilities },
        { myAs: settings.peerAs as number, capabilities: peer.map((role) => ({ kind: 'role', role })) },
      ),
    );

  test('only the pairs of the table go together', () => {
    for (const local of ROLES) {
      for (const [value, remote] of ROLES.entries()) {
        expect([local, remote, judge({ role: local }, [value])]).toEqual([
          local,
          remote,
          PAIRS.has(`${local} ${remote}`) ? 'accepted' : '2/11',
        ]);
      }
    }
  });

  test('no role, duplicates, contradictions and unknown ones', () => {
    expect(judge({ role: 'customer' }, [])).toBe('accepted');
    expect(judge({ role: 'customer', roleStrict: true }, [])).toBe('2/11');
    expect(judge({ role: 'customer' }, [0, 0])).toBe('accepted');
    expect(judge({ role: 'customer' }, [0, 3])).toBe('2/11');
    expect(judge({ role: 'customer' }, [77])).toBe('2/11');
    // Who says no role does not judge.
    expect(judge({}, [0, 3])).toBe('accepted');
  });

  test('are for external sessions', () => {
    expect(judge({ role: 'customer', roleStrict: true }, [], { peerAs: 64512 })).toBe('accepted');
    const config = completeConfig({ ...CONFIG, capabilities: { role: 'customer' } });
    expect(configuredCapabilities(config, false).some(({ kind }) => kind === 'role')).toBe(false);
    const agreed = agree(
      { ...EXTERNAL, capabilities: { role: 'customer' } },
      { myAs: 64513, capabilities: [{ kind: 'role', role: 0 }] },
    );
    expect(agreed.role).toEqual({ local: 'customer', remote: 'provider' });
  });
});
