import { describe, expect, test } from 'vitest';
import type { Capability } from '../../../protocol/bgp/capability/capability.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import { decodeOpen, encodeOpen, type OpenMessage } from '../../../protocol/bgp/message/open.ts';
import {
  type CapabilityConfig,
  completeConfig,
  type SessionConfig,
} from '../../../protocol/bgp/session/config.ts';
import { negotiate, withoutFamily } from '../../../protocol/bgp/session/negotiate.ts';
import type { Negotiated } from '../../../protocol/bgp/session/negotiated.ts';
import { buildOpen, configuredCapabilities } from '../../../protocol/bgp/session/offer.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { CONFIG, OPEN } from './session-bench.ts';

const IPV4 = { afi: 1, safi: 1 };
const IPV6 = { afi: 2, safi: 1 };
const EXTERNAL: SessionConfig = { ...CONFIG, peerAs: 64513 };

/** What we and a peer with this OPEN agree on. */
function agree(settings: Partial<SessionConfig>, open: Partial<OpenMessage>): Negotiated {
  const config = completeConfig({ ...CONFIG, ...settings });
  const offered = configuredCapabilities(config, config.capabilities.gracefulRestart?.restarting ?? false);
  // Through the codec, as on the wire.
  return negotiate(config, offered, decodeOpen(encodeOpen({ ...OPEN, ...open })));
}

function withCapabilities(capabilities: CapabilityConfig, peer: readonly Capability[]): Negotiated {
  return agree(
    { capabilities, families: ['ipv4-unicast', 'ipv6-unicast'] },
    { capabilities: [...BOTH, ...peer] },
  );
}

const BOTH: readonly Capability[] = [
  { kind: 'multiprotocol', ...IPV4 },
  { kind: 'multiprotocol', ...IPV6 },
  { kind: 'four-octet-as', asn: 64512 },
];

/** Code, subcode and data of the refusal, e.g. `2/2` or `2/7 0200`. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    const { code, subcode, data } = error.notification;
    return `${code}/${subcode}${data.length > 0 ? ` ${toHex(data)}` : ''}`;
  }
  return 'accepted';
}

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
