import { describe, expect, test } from 'vitest';
import { GRACEFUL_SHUTDOWN } from '../../../protocol/bgp/attribute/communities.ts';
import type { PathAttributes } from '../../../protocol/bgp/attribute/table.ts';
import {
  ELIGIBLE,
  NO_POLICY,
  OWN_AS_IN_PATH,
  OWN_NEXT_HOP,
  REJECTED_BY_POLICY,
  ROUTE_LEAK,
} from '../../../protocol/bgp/rib/import.ts';
import { type PathInfo, Rib } from '../../../protocol/bgp/rib/rib.ts';
import type { RibConfig, RibPeerConfig } from '../../../protocol/bgp/rib/route.ts';
import { parseAddress } from '../../../protocol/ip/prefix.ts';
import {
  ASN,
  announce,
  announceReach,
  CONFIG,
  PREFIX,
  peer,
  policy,
  ROUTE,
  sequence,
} from './rib-support.ts';

/** What became of a route from a peer: as received, and as selection sees it. */
function imported(
  from: Partial<RibPeerConfig>,
  attributes: Partial<PathAttributes> = {},
  config: Partial<RibConfig> = {},
): { readonly received: PathInfo; readonly selected: PathInfo } {
  const rib = new Rib({ ...CONFIG, ...config });
  const id = rib.addPeer(peer(2, from));
  announce(rib, id, attributes);
  return { received: [...rib.adjRibIn(id)][0]!, selected: [...rib.paths()][0]! };
}

const EXTERNAL = { peerType: 'external', asn: 65002 } as const;

describe('import', () => {
  test.each([
    [0, 1, OWN_AS_IN_PATH],
    [1, 1, ELIGIBLE],
    [1, 2, OWN_AS_IN_PATH],
  ])('with allowAsIn %i, our AS %i times in the path', (allowAsIn, times, ineligible) => {
    const asPath = sequence(65001, ...new Array<number>(times).fill(ASN));
    expect(imported({ allowAsIn }, { asPath }).received.ineligible).toBe(ineligible);
  });

  test('the AS of the confederation, and the one that we are for this peer, are ours too', () => {
    const confederation = { id: 65100, members: [ASN] };
    expect(
      imported(EXTERNAL, { asPath: sequence(65001, 65100) }, { confederation }).received.ineligible,
    ).toBe(OWN_AS_IN_PATH);
    expect(
      imported({ ...EXTERNAL, localAs: 64999 }, { asPath: sequence(65001, 64999) }).received.ineligible,
    ).toBe(OWN_AS_IN_PATH);
  });

  test('any address of ours as next hop', () => {
    const localAddresses = { ipv4: parseAddress('192.0.2.1')! };
    expect(imported({ localAddresses }, { nextHop: parseAddress('192.0.2.1')! }).received.ineligible).toBe(
      OWN_NEXT_HOP,
    );
  });

  test('the next hop of a flow specification is not looked at (RFC 8955 §4)', () => {
    const rib = new Rib({ ...CONFIG, resolve: () => undefined });
    const id = rib.addPeer(peer(2, { families: ['ipv4-flowspec'] }));
    // Destination 10.1.0.0/16, from an address of ours that nothing leads to either.
    const nlri = Uint8Array.of(4, 1, 16, 10, 1);
    announceReach(rib, id, 'ipv4-flowspec', 1, 133, parseAddress('10.0.0.1')!, nlri);
    expect([...rib.paths()].map(({ ineligible, best }) => ({ ineligible, best }))).toEqual([
      { ineligible: ELIGIBLE, best: true },
    ]);
  });

  test('nothing comes in from another AS without a policy, where that is the rule (RFC 8212)', () => {
    const rule = { ebgpRequiresPolicy: true };
    const importPolicy = policy(({ attributes }) => attributes);
    expect(imported(EXTERNAL, {}, rule).received.ineligible).toBe(NO_POLICY);
    expect(imported({ ...EXTERNAL, importPolicy }, {}, rule).received.ineligible).toBe(ELIGIBLE);
    expect(imported({ ...EXTERNAL, ebgpRequiresPolicy: false }, {}, rule).received.ineligible).toBe(ELIGIBLE);
    expect(imported({}, {}, rule).received.ineligible).toBe(ELIGIBLE);
  });

  test.each([
    ['provider', 65002, ROUTE_LEAK, 65002],
    ['rs-server', 65002, ROUTE_LEAK, 65002],
    ['peer', 65003, ROUTE_LEAK, 65003],
    ['peer', 65002, ELIGIBLE, 65002],
    ['peer', undefined, ELIGIBLE, 65002],
    ['customer', undefined, ELIGIBLE, 65002],
    ['rs-client', undefined, ELIGIBLE, 65002],
    ['customer', 65009, ELIGIBLE, 65009],
    ['provider', undefined, ELIGIBLE, undefined],
    ['rs-server', undefined, ELIGIBLE, undefined],
  ] as const)('as %s, with OTC %s (RFC 9234 §5)', (role, otc, ineligible, after) => {
    const { received, selected } = imported({ ...EXTERNAL, role }, otc === undefined ? {} : { otc });
    expect(received.ineligible).toBe(ineligible);
    expect(received.attributes.otc).toBe(otc);
    expect(selected.attributes.otc).toBe(after);
  });

  test('GRACEFUL_SHUTDOWN makes a route of another AS a last resort (RFC 8326 §4)', () => {
    const communities = [GRACEFUL_SHUTDOWN];
    expect(imported(EXTERNAL, { communities }).selected.attributes.localPref).toBe(0);
    expect(imported({}, { communities, localPref: 50 }).selected.attributes.localPref).toBe(50);
    expect(imported({ gracefulShutdown: true }).selected.attributes.localPref).toBe(0);
  });

  test('AIGP does not come in from another AS (RFC 7311 §3.2)', () => {
    const aigp = Uint8Array.of(1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9);
    expect(imported(EXTERNAL, { aigp }).selected.attributes.aigp).toBeUndefined();
    expect(imported({}, { aigp }).selected.attributes.aigp).toEqual(aigp);
  });

  test('a policy changes what is selected; the route stays as it was received', () => {
    const importPolicy = policy(({ attributes }) => ({ ...attributes, localPref: 300 }));
    const { received, selected } = imported({ importPolicy });
    expect(received.attributes).toEqual(ROUTE);
    expect(selected.attributes).toEqual({ ...ROUTE, localPref: 300 });
  });

  test('a policy is told prefix, family and source, and what it rejects is kept', () => {
    const seen: unknown[] = [];
    const importPolicy = policy((route) => {
      seen.push(route);
      return undefined;
    }, true);
    const { received } = imported({ ...EXTERNAL, importPolicy });
    expect(received.ineligible).toBe(REJECTED_BY_POLICY);
    expect(seen).toEqual([
      {
        family: 'ipv4-unicast',
        prefix: { bytes: parseAddress('10.1.0.0'), length: 24 },
        attributes: ROUTE,
        source: { kind: 'external', asn: 65002, address: parseAddress('10.0.0.2'), name: 'peer-2' },
      },
    ]);
  });

  test('a policy that does not look at prefixes is asked once per message', () => {
    let asked = 0;
    const importPolicy = policy(({ attributes }) => {
      asked += 1;
      return attributes;
    });
    const rib = new Rib(CONFIG);
    announce(rib, rib.addPeer(peer(2, { importPolicy })), {}, [PREFIX, '10.2.0.0/16', '10.3.0.0/16']);
    expect(asked).toBe(1);
  });

  test('another policy is applied to what was received before (soft reconfiguration)', () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    announce(rib, from);
    rib.flush();
    rib.policyChanged(from, peer(2, { importPolicy: policy(() => undefined) }));
    expect(rib.flush().changes).toMatchObject([{ prefix: PREFIX, best: undefined }]);
    rib.policyChanged(from, peer(2));
    expect(rib.flush().changes).toMatchObject([{ prefix: PREFIX, best: { attributes: ROUTE } }]);
  });
});
