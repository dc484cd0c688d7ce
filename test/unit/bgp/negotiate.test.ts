import { describe, expect, test } from 'vitest';
import type { Capability } from '../../../protocol/bgp/capability/capability.ts';
import { decodeOpen, type OpenMessage } from '../../../protocol/bgp/message/open.ts';
import { completeConfig, type SessionConfig } from '../../../protocol/bgp/session/config.ts';
import { withoutFamily } from '../../../protocol/bgp/session/negotiate.ts';
import { buildOpen, configuredCapabilities } from '../../../protocol/bgp/session/offer.ts';
import { agree, BOTH, EXTERNAL, IPV4, IPV6, refusal, withCapabilities } from './negotiate-bench.ts';
import { CONFIG } from './session-bench.ts';

describe('peer AS (RFC 4271 §6.2, RFC 6793, RFC 7607)', () => {
  test('is that of the capability, where both sides have it', () => {
    const four = agree(
      { peerAs: 4200000000 },
      { myAs: 23456, capabilities: [{ kind: 'four-octet-as', asn: 4200000000 }] },
    );
    expect([four.peerAs, four.context.fourOctetAs, four.sendContext.fourOctetAs]).toEqual([
      4200000000,
      true,
      true,
    ]);
    const two = agree({}, { myAs: 64512, capabilities: [] });
    expect([two.peerAs, two.context.fourOctetAs, two.sendContext.fourOctetAs]).toEqual([64512, false, false]);
    // Without our own capability the peer's is none of our business.
    const old = agree(
      { capabilities: { fourOctetAs: false } },
      { myAs: 64512, capabilities: [{ kind: 'four-octet-as', asn: 7 }] },
    );
    expect([old.peerAs, old.context.fourOctetAs]).toEqual([64512, false]);
  });

  test.each<[string, Partial<SessionConfig>, Partial<OpenMessage>, string]>([
    ['the wrong one', {}, { myAs: 64513, capabilities: [] }, '2/2'],
    ['the wrong one in the capability', {}, { capabilities: [{ kind: 'four-octet-as', asn: 64513 }] }, '2/2'],
    ['0', { peerAs: undefined }, { myAs: 0, capabilities: [] }, '2/2'],
    ['0 beside a sound capability', { peerAs: undefined }, { myAs: 0 }, '2/2'],
    [
      '0 in the capability',
      { peerAs: undefined },
      { capabilities: [{ kind: 'four-octet-as', asn: 0 }] },
      '2/2',
    ],
    ['AS_TRANS of nobody', { peerAs: undefined }, { myAs: 23456, capabilities: [] }, '2/2'],
    ['any where any will do', { peerAs: undefined }, { myAs: 4711, capabilities: [] }, 'accepted'],
    ['one of several', { peerAs: [1, 64512] }, {}, 'accepted'],
    ['none of several', { peerAs: [1, 2] }, {}, '2/2'],
  ])('%s', (_name, settings, open, outcome) => {
    expect(refusal(() => agree(settings, open))).toBe(outcome);
  });

  test('decides what the peer is to us, a confederation included (RFC 5065)', () => {
    const confederation = { id: 100, members: [64512, 64513] };
    expect(agree({}, {}).peerType).toBe('internal');
    expect(agree({ ...EXTERNAL, confederation }, { myAs: 64513, capabilities: [] }).peerType).toBe(
      'confederation',
    );
    const outside = agree({ localAs: 100, peerAs: 200, confederation }, { myAs: 200, capabilities: [] });
    expect([outside.peerType, outside.localAs]).toEqual(['external', 100]);
  });

  test('must come first in the paths of an external peer only, and not in those of a route server', () => {
    const open = { myAs: 64513, capabilities: [] };
    expect(agree(EXTERNAL, open).context.firstAs).toBe(64513);
    expect(agree({ ...EXTERNAL, enforceFirstAs: false }, open).context.firstAs).toBeUndefined();
    expect(agree({ ...EXTERNAL, capabilities: { role: 'rs-client' } }, open).context.firstAs).toBeUndefined();
    expect(agree({}, {}).context.firstAs).toBeUndefined();
  });
});

describe('identifier and hold time', () => {
  test.each<[string, Partial<SessionConfig>, Partial<OpenMessage>, string]>([
    ['identifier 0', {}, { bgpId: 0 }, '2/3'],
    ['our identifier within our AS', {}, { bgpId: CONFIG.localId }, '2/3'],
    [
      'our identifier in another AS (RFC 6286)',
      EXTERNAL,
      { myAs: 64513, bgpId: CONFIG.localId, capabilities: [] },
      'accepted',
    ],
    ['an identifier that is no host address', {}, { bgpId: 0xffffffff }, 'accepted'],
    ['hold time 1', {}, { holdTime: 1 }, '2/6'],
    ['hold time 2', {}, { holdTime: 2 }, '2/6'],
    ['hold time 3', {}, { holdTime: 3 }, 'accepted'],
    ['hold time 0', {}, { holdTime: 0 }, 'accepted'],
    ['less than our minimum', { minHoldTime: 30 }, { holdTime: 29 }, '2/6'],
    ['our minimum', { minHoldTime: 30 }, { holdTime: 30 }, 'accepted'],
    ['0 with a minimum', { minHoldTime: 30 }, { holdTime: 0 }, '2/6'],
  ])('%s', (_name, settings, open, outcome) => {
    expect(refusal(() => agree(settings, open))).toBe(outcome);
  });

  test('the smaller hold time counts, 0 included', () => {
    expect(agree({ holdTime: 90 }, { holdTime: 30 }).holdTime).toBe(30);
    expect(agree({ holdTime: 20 }, { holdTime: 65535 }).holdTime).toBe(20);
    expect(agree({ holdTime: 0 }, { holdTime: 90 }).holdTime).toBe(0);
    expect(agree({ holdTime: 90 }, { holdTime: 0 }).holdTime).toBe(0);
  });
});

describe('families (RFC 4760 §8)', () => {
  test('are those that both sides offer; without any capability it is IPv4 unicast', () => {
    const families = ['ipv6-unicast', 'ipv4-unicast', 'l2vpn-evpn'] as const;
    expect(agree({ families }, { capabilities: [] }).families).toEqual(['ipv4-unicast']);
    const capabilities: Capability[] = [
      { kind: 'multiprotocol', afi: 25, safi: 70 },
      { kind: 'multiprotocol', ...IPV6 },
      { kind: 'multiprotocol', afi: 9, safi: 9 },
    ];
    expect(agree({ families }, { capabilities }).families).toEqual(['ipv6-unicast', 'l2vpn-evpn']);
    expect(agree({ families: ['ipv4-unicast'] }, { capabilities }).families).toEqual([]);
  });

  test('one can be given up later (RFC 4760 §7)', () => {
    const rest = withoutFamily(withCapabilities({}, []), 'ipv6-unicast');
    expect([rest.families, rest.context.families, rest.sendContext.families]).toEqual(
      Array.from({ length: 3 }, () => ['ipv4-unicast']),
    );
  });
});

describe('required capabilities (RFC 5492 §3)', () => {
  test('what the peer lacks is listed in 2/7, as in our OPEN', () => {
    const settings = { families: ['ipv4-unicast', 'ipv6-unicast'] } as const;
    const required = (kinds: SessionConfig['required'], peer: readonly Capability[]): string =>
      refusal(() => agree({ ...settings, required: kinds! }, { capabilities: peer }));
    expect(required(['multiprotocol'], [{ kind: 'multiprotocol', ...IPV4 }])).toBe('2/7 010400020001');
    expect(required(['multiprotocol'], BOTH)).toBe('accepted');
    expect(required(['route-refresh', 'four-octet-as'], [])).toBe('2/7 0200' + '41040000fc00');
    expect(required(['role'], [])).toBe('2/7 0900');
  });
});

describe('our OPEN', () => {
  const open = (settings: Partial<SessionConfig>): OpenMessage => {
    const config = completeConfig({ ...CONFIG, ...settings });
    return decodeOpen(buildOpen(config, configuredCapabilities(config, true)));
  };

  test('an AS beyond two octets stands in the capability', () => {
    const message = open({ localAs: 4200000001 });
    expect(message.myAs).toBe(23456);
    expect(message.capabilities).toContainEqual({ kind: 'four-octet-as', asn: 4200000001 });
  });

  test('has every capability that is configured', () => {
    const { capabilities } = open({
      ...EXTERNAL,
      families: ['ipv4-unicast', 'l2vpn-evpn'],
      capabilities: {
        extendedMessage: true,
        extendedNextHop: ['ipv4-unicast'],
        addPath: [
          { family: 'ipv4-unicast', send: true, receive: false },
          { family: 'l2vpn-evpn', send: false, receive: false },
        ],
        gracefulRestart: {
          restartTime: 99,
          restarting: false,
          notification: true,
          families: [{ family: 'l2vpn-evpn', forwarding: true }],
        },
        longLivedGracefulRestart: { families: [{ family: 'ipv4-unicast', staleTime: 5, forwarding: false }] },
        role: 'rs-server',
        fqdn: { hostName: 'a', domainName: 'b' },
        softwareVersion: 'podwire',
        pathsLimit: [{ family: 'ipv4-unicast', limit: 3 }],
      },
    });
    expect(capabilities).toEqual([
      { kind: 'multiprotocol', ...IPV4 },
      { kind: 'multiprotocol', afi: 25, safi: 70 },
      { kind: 'route-refresh' },
      { kind: 'extended-next-hop', families: [{ ...IPV4, nextHopAfi: 2 }] },
      { kind: 'extended-message' },
      { kind: 'role', role: 1 },
      {
        kind: 'graceful-restart',
        restarting: true,
        notification: true,
        restartTime: 99,
        families: [{ afi: 25, safi: 70, forwarding: true }],
      },
      { kind: 'four-octet-as', asn: 64512 },
      { kind: 'add-path', families: [{ ...IPV4, sendReceive: 2 }] },
      { kind: 'enhanced-route-refresh' },
      { kind: 'long-lived-graceful-restart', families: [{ ...IPV4, forwarding: false, staleTime: 5 }] },
      { kind: 'fqdn', hostName: 'a', domainName: 'b' },
      { kind: 'software-version', version: 'podwire' },
      { kind: 'paths-limit', families: [{ ...IPV4, limit: 3 }] },
    ]);
  });

  test('switched off is left out', () => {
    const capabilities = { fourOctetAs: false, routeRefresh: false, enhancedRouteRefresh: false };
    expect(open({ capabilities }).capabilities).toEqual([{ kind: 'multiprotocol', ...IPV4 }]);
  });
});
