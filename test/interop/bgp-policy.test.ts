// Policies of a speaker's file against FRR: what FRR sees of what they set, and its regular expressions against ours.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import { parseSpeakerFile } from '../../lab/speaker/parse-file.ts';
import { compileAsPathRegex } from '../../protocol/bgp/policy/as-path-regex.ts';
import { realSpeaker, until } from '../support/bgp.ts';
import { all, tool } from '../support/tools.ts';
import { FrrDaemon } from './bgp-frr-daemon.ts';

const PORT = 17985;
const PODWIRE = '127.105.0.1';
const FRR = '127.105.0.2';

const FILE = `
asn: 65001
routerId: ${PODWIRE}
listen: [{ address: ${PODWIRE}, port: ${PORT} }]
networks:
  - 198.51.100.0/26
  - 198.51.100.64/26
  - 198.51.100.128/26
  - { prefix: 198.51.100.192/26, communities: ["65001:7"] }
  - 192.0.2.0/24
policies:
  out:
    - { match: { prefix: 192.0.2.0/24 }, then: reject }
    - { match: { prefix: 198.51.100.64/26 }, set: { asPathPrepend: { asn: 650 } }, then: accept }
    - match: { prefix: 198.51.100.128/26 }
      set: { asPathPrepend: { asn: 65010, count: 3 }, med: 77 }
      then: accept
    - match: { community: "65001:*" }
      set:
        communities: { remove: ["65001:*"], add: ["65000:9", no-export] }
        largeCommunities: { add: ["65001:1:2"] }
        extendedCommunities: { add: ["rt:65001:5"] }
        nextHop: 192.0.2.9
        origin: incomplete
      then: accept
    - { match: { source: local }, then: accept }
  in:
    - { match: { prefix: "10.0.0.0/8 ge 16 le 24" }, set: { localPref: 300 }, then: accept }
    - { match: { asPath: "_65020$" }, set: { localPref: 50 }, then: next }
    - { match: { localPref: 50 }, set: { communities: { add: ["65001:50"] } }, then: accept }
    - { match: { community: "65000:1" }, set: { med: "+5" }, then: accept }
peers:
  - { address: ${FRR}, port: ${PORT}, asn: 65000, multihop: true, localAddress: ${PODWIRE}, importPolicy: in, exportPolicy: out }
`;

const CONFIG = `
router bgp 65000
 bgp router-id ${FRR}
 bgp allow-martian-nexthop
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor ${PODWIRE} remote-as 65001
 neighbor ${PODWIRE} port ${PORT}
 neighbor ${PODWIRE} update-source ${FRR}
 neighbor ${PODWIRE} ebgp-multihop 255
 neighbor ${PODWIRE} timers connect 1
 neighbor ${PODWIRE} advertisement-interval 0
 address-family ipv4 unicast
  network 10.1.0.0/16
  network 10.1.2.0/25
  network 11.0.0.0/8 route-map PREPENDED
  network 12.0.0.0/8 route-map MARKED
 exit-address-family
route-map PREPENDED permit 10
 set as-path prepend 65020
route-map MARKED permit 10
 set community 65000:1
 set metric 10
`;

interface FrrPath {
  readonly path: string;
  readonly metric?: number;
  readonly nexthops: readonly { readonly ip: string }[];
}

const frr = all(tool('bgpd'), tool('vtysh'));

describe.skipIf(frr.missing)(frr.title('policies and FRR'), () => {
  let daemon: FrrDaemon;
  let speaker: BgpSpeaker;

  beforeAll(async () => {
    daemon = await FrrDaemon.start(FRR, PORT, CONFIG);
    const { speaker: config, peers, networks } = parseSpeakerFile(FILE, 'speaker.yaml', {});
    speaker = realSpeaker(config);
    speaker.setPeers(peers);
    for (const { prefix, ...options } of networks) speaker.announce(prefix, options);
    await speaker.start();
    await daemon.until('show bgp ipv4 unicast json', (text) => text.includes('198.51.100.192/26'));
    await until(speaker, () => {
      const received = speaker.adjRibIn(FRR).map(({ prefix }) => prefix);
      return ['10.1.0.0/16', '10.1.2.0/25', '11.0.0.0/8', '12.0.0.0/8'].every((prefix) =>
        received.includes(prefix),
      );
    });
  });

  afterAll(async () => {
    await speaker?.stop();
    await daemon?.stop();
  });

  async function table(): Promise<Record<string, readonly FrrPath[]>> {
    return JSON.parse(await daemon.command('show bgp ipv4 unicast json')).routes;
  }

  test('FRR is sent what the export policy makes of the routes', async () => {
    const routes = await table();
    expect(routes['192.0.2.0/24']).toBeUndefined();
    expect(routes['198.51.100.0/26']?.[0]).toMatchObject({ path: '65001', nexthops: [{ ip: PODWIRE }] });
    expect(routes['198.51.100.64/26']?.[0]).toMatchObject({ path: '65001 650' });
    expect(routes['198.51.100.128/26']?.[0]).toMatchObject({ path: '65001 65010 65010 65010', metric: 77 });
    expect(routes['198.51.100.192/26']?.[0]).toMatchObject({
      path: '65001',
      origin: 'incomplete',
      nexthops: [{ ip: '192.0.2.9' }],
    });
    const text = await daemon.command('show bgp ipv4 unicast 198.51.100.192/26');
    expect(text).toMatch(/\bCommunity: 65000:9 no-export\s/);
    expect(text).toMatch(/\bLarge Community: 65001:1:2\s/);
    expect(text).toMatch(/\bExtended Community: RT:65001:5\s/);
  });

  test('what FRR sends is what the import policy makes of it', () => {
    const best = speaker.rib().filter((path) => path.best && path.peer?.name === FRR);
    const shown = best.map(({ prefix, localPref, med, communities }) => ({
      prefix,
      localPref,
      med,
      communities,
    }));
    expect(shown.sort((a, b) => (a.prefix < b.prefix ? -1 : 1))).toEqual([
      { prefix: '10.1.0.0/16', localPref: 300, med: 0, communities: [] },
      { prefix: '11.0.0.0/8', localPref: 50, med: 0, communities: ['65001:50'] },
      { prefix: '12.0.0.0/8', localPref: undefined, med: 15, communities: ['65000:1'] },
    ]);
  });

  test('AS path expressions match what they match in FRR', async () => {
    const paths = Object.entries(await table()).map(([prefix, [route]]) => [prefix, route!.path] as const);
    expect(new Set(paths.map(([, path]) => path)).size).toBe(5);
    const matched = async (expression: string): Promise<string[]> => {
      const text = await daemon.command(`show bgp ipv4 unicast regexp ${expression}`);
      return paths
        .flatMap(([prefix]) => (new RegExp(`^\\*.* ${prefix}\\s`, 'm').test(text) ? prefix : []))
        .sort();
    };
    for (const expression of [
      '_650_',
      '^65001$',
      '^65001_65010(_65010)+$',
      '_65010$',
      '^65001_',
      '650',
      '_6501_',
      '^[0-9]+_650$',
      '65001_650',
      '^$',
      '_65020_',
      '.*',
      '.+',
      '^(65001|65020)$',
      '_(650|65020)_',
      '^65001_.*_65010$',
      '_65001_65010_',
      '^65001_(65010_)+',
      '[6]50$',
      '^[^_]+$',
      '6501?0',
    ]) {
      const ours = compileAsPathRegex(expression);
      const expected = paths.flatMap(([prefix, path]) => (ours.test(path) ? prefix : [])).sort();
      expect({ expression, matched: await matched(expression) }).toEqual({ expression, matched: expected });
    }
  });
});
