// MAC mobility (RFC 7432 §15): own routes for a MAC address against those of other PEs, and paths with one key.
import { describe, expect, test } from 'vitest';
import { explain } from '../../../agents/bgp/explain.ts';
import { parseExtendedCommunity } from '../../../protocol/bgp/attribute/extended-community-text.ts';
import type { Nlri } from '../../../protocol/bgp/nlri/codec.ts';
import { NLRI_CODECS } from '../../../protocol/bgp/nlri/table.ts';
import { MAC_MOVED } from '../../../protocol/bgp/rib/import.ts';
import { type MacMove, Rib } from '../../../protocol/bgp/rib/rib.ts';
import type { RouteAttributes } from '../../../protocol/bgp/rib/route.ts';
import { parseAddress } from '../../../protocol/ip/prefix.ts';
import { announceReach, CONFIG, peer, ranking, withdrawUnreach } from './rib-support.ts';

const EVPN = 'l2vpn-evpn';
const MAC = '02:00:00:00:00:01';
const HIGHER = '10.0.0.9';
/** The own address on all sessions is 10.0.0.1. */
const LOWER = '10.0.0.0';
const SEGMENT = 'esi 00:01:02:03:04:05:06:07:08:09';

interface Said {
  readonly rd?: string;
  readonly tag?: number;
  readonly mac?: string;
  readonly ip?: string;
  readonly esi?: string;
  readonly communities?: readonly string[];
  readonly hop?: string;
}

function nlri({ rd = '192.0.2.1:1', tag = 0, mac = MAC, ip, esi = '' }: Said): Nlri {
  const address = ip === undefined ? '' : `:[32]:[${ip}]`;
  const text = `[2]:[${tag}]:[48]:[${mac}]${address} RD ${rd} label 100 ${esi}`.trim();
  return { family: EVPN, bytes: NLRI_CODECS[EVPN].parse!(text) };
}

/** A speaker with two peers: what is own, what it learns, and which routes the second peer is left with. */
class Scene {
  readonly rib = new Rib(CONFIG);
  readonly source = this.rib.addPeer(peer(2, { families: [EVPN], client: true }));
  readonly observer = this.rib.addPeer(peer(3, { families: [EVPN], client: true }));
  readonly moves: MacMove[] = [];

  own(said: Said = {}): this {
    const attributes: RouteAttributes = {
      origin: 0,
      asPath: [],
      nextHop: said.hop === undefined ? new Uint8Array(0) : parseAddress(said.hop)!,
      extendedCommunities: (said.communities ?? ['rt:65000:1']).map(parseExtendedCommunity),
    };
    this.rib.announce(nlri(said), attributes);
    return this;
  }

  learn(said: Said = {}): this {
    const { communities = ['rt:65000:1'], hop = HIGHER } = said;
    const route = nlri({ rd: '192.0.2.2:1', ...said });
    const extendedCommunities = communities.map(parseExtendedCommunity);
    announceReach(this.rib, this.source, EVPN, 25, 70, parseAddress(hop)!, route.bytes, {
      extendedCommunities,
    });
    return this;
  }

  forget(said: Said = {}): this {
    withdrawUnreach(this.rib, this.source, EVPN, 25, 70, nlri({ rd: '192.0.2.2:1', ...said }).bytes);
    return this;
  }

  /** Route distinguishers of what the second peer has; a limit of 1 shows that slices change nothing. */
  seen(limit?: number): string[] {
    for (let pending = true; pending; ) {
      const flush = this.rib.flush(0, limit);
      this.moves.push(...flush.macMoves);
      pending = flush.pending;
    }
    return [...this.rib.adjRibOut(this.observer)].map(({ prefix }) => / RD (\S+)/.exec(prefix)![1]!).sort();
  }
}

const [OURS, THEIRS] = ['192.0.2.1:1', '192.0.2.2:1'];
const mobility = (text: string): string[] => ['rt:65000:1', `mac-mobility:${text}`];

describe('an own MAC address that another PE advertises', () => {
  test.each<[string, Said, Said, boolean]>([
    ['with a higher sequence number', {}, { communities: mobility('1') }, true],
    ['with a lower one', { communities: mobility('2') }, { communities: mobility('1'), hop: LOWER }, false],
    ['with the largest one', { communities: mobility('7') }, { communities: mobility('4294967295') }, true],
    ['with an equal one and a lower address', {}, { hop: LOWER }, true],
    ['with an equal one and a higher address', {}, { hop: HIGHER }, false],
    ['with 0, which is the same as none', { communities: mobility('0') }, { hop: LOWER }, true],
    ['with a lower address than our own next hop', { hop: '10.9.9.9' }, { hop: HIGHER }, true],
    ['with an IP address behind it', {}, { communities: mobility('1'), ip: '10.1.1.1' }, true],
    ['as a static one', { communities: mobility('9') }, { communities: mobility('0:sticky') }, true],
    ['while ours is static', { communities: mobility('0:sticky') }, { communities: mobility('9') }, false],
    ['with another Ethernet tag', {}, { communities: mobility('1'), tag: 5 }, false],
    ['as another address', {}, { communities: mobility('1'), mac: '02:00:00:00:00:02' }, false],
    ['for another route target', {}, { communities: ['rt:65000:2', 'mac-mobility:1'] }, false],
    ['on the same segment', { esi: SEGMENT }, { communities: mobility('1'), esi: SEGMENT }, false],
    ['on another segment', { esi: SEGMENT }, { communities: mobility('1') }, true],
  ])('%s', (_name, own, other, withdrawn) => {
    expect(new Scene().own(own).learn(other).seen()).toEqual(withdrawn ? [THEIRS] : [OURS, THEIRS]);
    // Whatever came first.
    expect(new Scene().learn(other).own(own).seen(1)).toEqual(withdrawn ? [THEIRS] : [OURS, THEIRS]);
  });

  test('is withdrawn from those that have it, and announced again once the other route goes', () => {
    const scene = new Scene().own();
    expect(scene.seen()).toEqual([OURS]);
    expect(scene.learn({ communities: mobility('1') }).seen()).toEqual([THEIRS]);
    const own = scene.rib.explain(nlri({}));
    expect(own).toMatchObject([{ peer: undefined, best: false, ineligible: MAC_MOVED }]);
    expect(scene.forget().seen()).toEqual([OURS]);
    expect(scene.moves).toMatchObject([
      { lost: 'mac-sequence', peer: { name: 'peer-2' }, conflict: false },
      { lost: undefined, peer: undefined },
    ]);
    expect(scene.moves[0]!.prefix).toContain(MAC);
  });

  test('comes back when the session of the other goes, or its route says less', () => {
    const scene = new Scene().own().learn({ communities: mobility('1') });
    expect(scene.seen()).toEqual([THEIRS]);
    expect(scene.learn().seen()).toEqual([OURS, THEIRS]);
    expect(scene.learn({ communities: mobility('1') }).seen()).toEqual([THEIRS]);
    scene.rib.removePeer(scene.source);
    expect(scene.seen()).toEqual([OURS]);
  });

  test('moves back with a yet higher sequence number', () => {
    const scene = new Scene().own().learn({ communities: mobility('1') });
    expect(scene.seen()).toEqual([THEIRS]);
    expect(scene.own().seen()).toEqual([THEIRS]);
    expect(scene.own({ communities: mobility('2') }).seen()).toEqual([OURS, THEIRS]);
  });

  test('does not come back where it was withdrawn meanwhile', () => {
    const scene = new Scene().own().learn({ communities: mobility('1') });
    scene.seen();
    scene.rib.withdraw(nlri({}));
    expect(scene.seen()).toEqual([THEIRS]);
    expect(scene.forget().seen()).toEqual([]);
    expect(scene.rib.attributeSets).toBe(0);
    // The numbers of the routes are used again.
    const mac = '02:00:00:00:00:77';
    expect(scene.own({ mac }).learn().seen()).toEqual([OURS, THEIRS]);
    expect(scene.learn({ mac, communities: mobility('1') }).seen()).toEqual([THEIRS, THEIRS]);
  });

  test('takes all routes for it along, and no others', () => {
    const scene = new Scene()
      .own()
      .own({ ip: '10.1.1.1' })
      .own({ mac: '02:00:00:00:00:02', rd: '192.0.2.1:3' });
    expect(scene.learn({ communities: mobility('1') }).seen()).toEqual(['192.0.2.1:3', THEIRS]);
  });

  test('that is static on both sides is told to the operator (§15.2)', () => {
    const scene = new Scene().own({ communities: mobility('0:sticky') });
    scene.learn({ communities: mobility('0:sticky') });
    expect(scene.seen()).toEqual([OURS, THEIRS]);
    expect(scene.moves).toMatchObject([{ lost: undefined, conflict: true, peer: { name: 'peer-2' } }]);
    expect(scene.forget().seen()).toEqual([OURS]);
    expect(scene.moves).toHaveLength(2);
  });

  test('is given up to a long-lived stale route by nobody (RFC 9494 §4.3)', () => {
    const scene = new Scene().own().learn({ communities: mobility('1') });
    expect(scene.seen()).toEqual([THEIRS]);
    scene.rib.suspendPeer(scene.source, [EVPN]);
    scene.rib.startLongLived(scene.source, EVPN);
    expect(scene.seen()).toContain(OURS);
  });
});

describe('paths with one key', () => {
  const other = (scene: Scene, said: Said): void => {
    const route = nlri({ rd: THEIRS, ...said });
    const extendedCommunities = (said.communities ?? ['rt:65000:1']).map(parseExtendedCommunity);
    const hop = parseAddress(said.hop ?? HIGHER)!;
    const more = { extendedCommunities, localPref: 500 };
    announceReach(scene.rib, scene.observer, EVPN, 25, 70, hop, route.bytes, more);
  };

  test.each<[string, Said, Said, string]>([
    ['static', { communities: mobility('0:sticky') }, { communities: mobility('5') }, 'mac-static'],
    [
      'higher sequence number',
      { communities: mobility('5') },
      { communities: mobility('4') },
      'mac-sequence',
    ],
    ['lower address of the PE', { hop: LOWER }, { hop: HIGHER }, 'pe-address'],
    ['else as always', {}, {}, 'local-pref'],
  ])('%s', (_name, first, second, step) => {
    const scene = new Scene().learn(first);
    other(scene, second);
    const [winner, loser] = step === 'local-pref' ? ['peer-3', 'peer-2'] : ['peer-2', 'peer-3'];
    expect(ranking(scene.rib)).toEqual([`${winner} best`, `${loser} ${step}`]);
  });

  test('an own one has the address that the session has', () => {
    const scene = new Scene().own({ rd: THEIRS }).learn({ hop: LOWER });
    expect(ranking(scene.rib)).toEqual(['peer-2 best', 'own pe-address']);
    scene.learn({ hop: HIGHER });
    expect(ranking(scene.rib)).toEqual(['own best', 'peer-2 pe-address']);
  });

  test('explain says what was compared', () => {
    const scene = new Scene().own({ rd: THEIRS }).learn({ hop: LOWER });
    const { steps, paths } = explain(scene.rib, { prefix: `[2]:[0]:[48]:[${MAC}] RD ${THEIRS}` });
    expect(steps.map(({ step }) => step)).toEqual([
      'long-lived-stale',
      'mac-static',
      'mac-sequence',
      'pe-address',
    ]);
    expect(paths[1]!.lost).toMatchObject({ step: 'pe-address', value: '10.0.0.1', best: LOWER });
  });
});
