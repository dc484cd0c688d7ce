import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AnnounceOptions, ownRoute } from '../../../agents/bgp/own-route.ts';
import { type PathSearch, showPaths } from '../../../agents/bgp/path-search.ts';
import { pathView } from '../../../agents/bgp/path-view.ts';
import type { PathView } from '../../../agents/bgp/types.ts';
import type { Clock } from '../../../agents/ports.ts';
import { Rib } from '../../../protocol/bgp/rib/rib.ts';
import { parsePrefix, prefixContains } from '../../../protocol/ip/prefix.ts';
import { announce, CONFIG, peer, sequence, settle, withdraw } from './rib-support.ts';

/** Time goes on by so many ms each time that somebody looks; timers fire in the next turn. */
class FastClock implements Clock {
  pauses = 0;
  readonly #step: number;
  #now = 0;

  constructor(step = 0) {
    this.#step = step;
  }

  now(): number {
    this.#now += this.#step;
    return this.#now;
  }

  wallNanos(): bigint {
    return 0n;
  }

  setTimer(_delay: number, callback: () => void): { cancel(): void } {
    this.pauses += 1;
    const immediate = setImmediate(callback);
    return { cancel: () => clearImmediate(immediate) };
  }
}

async function search(rib: Rib, more: Partial<PathSearch> = {}): Promise<PathView[]> {
  const found: PathView[] = [];
  const whole: PathSearch = { rib, clock: new FastClock(), table: { kind: 'rib' }, filter: {}, ...more };
  await showPaths(whole, (path) => void found.push(path), new AbortController().signal);
  return found;
}

async function prefixes(rib: Rib, filter: PathSearch['filter'] = {}): Promise<string[]> {
  return (await search(rib, { filter })).map(({ prefix }) => prefix);
}

function own(rib: Rib, prefix: string, options: AnnounceOptions = {}): void {
  const { nlri, attributes } = ownRoute(prefix, options);
  rib.announce(nlri, attributes);
}

function ribOf(...routes: readonly string[]): Rib {
  const rib = new Rib(CONFIG);
  for (const prefix of routes) own(rib, prefix);
  return rib;
}

const MANY = Array.from({ length: 3000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);

describe('paths are shown', () => {
  test('by address and length, not by text or as they came', async () => {
    const order = [
      '0.0.0.0/0',
      '9.0.0.0/8',
      '10.0.0.0/8',
      '10.0.0.0/16',
      '10.0.0.0/24',
      '100.0.0.0/8',
      '200.0.0.0/8',
    ];
    const rib = ribOf(
      '10.0.0.0/8',
      '9.0.0.0/8',
      '200.0.0.0/8',
      '10.0.0.0/24',
      '100.0.0.0/8',
      '10.0.0.0/16',
      '0.0.0.0/0',
    );
    expect(await prefixes(rib)).toEqual(order);
    expect(await prefixes(ribOf('2001:db8:1::/48', 'fe80::/10', '2001:db8::/48', '2001:db8::/32'))).toEqual([
      '2001:db8::/32',
      '2001:db8::/48',
      '2001:db8:1::/48',
      'fe80::/10',
    ]);
  });

  test('by address also where they are many, and pauses are made while they are sorted', async () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    const all = Array.from(
      { length: 20_000 },
      (_, i) => `${10 + (i >> 13)}.${(i >> 5) & 255}.${(i & 31) << 3}.0/24`,
    );
    const shuffled = all.map((_, i) => all[(i * 7919) % all.length]!);
    for (let at = 0; at < all.length; at += 500) announce(rib, from, {}, shuffled.slice(at, at + 500));
    const found = await search(rib, { clock: new FastClock(1) });
    expect(found.map(({ prefix }) => prefix)).toEqual(all);
  });

  test('family by family', async () => {
    const rib = ribOf('[3]:[0]:[32]:[192.0.2.1] RD 192.0.2.1:3', '2001:db8::/32');
    for (const text of ['10.9.0.0/24 RD 65000:1 label 7', '9.9.0.0/24 RD 65000:1 label 8']) {
      own(rib, text, { family: 'ipv4-vpn' });
    }
    own(rib, '9.0.0.0/8');
    expect(await prefixes(rib)).toEqual([
      '9.0.0.0/8',
      '2001:db8::/32',
      '9.9.0.0/24 RD 65000:1 label 8',
      '10.9.0.0/24 RD 65000:1 label 7',
      '[3]:[0]:[32]:[192.0.2.1] RD 192.0.2.1:3',
    ]);
    expect(await prefixes(rib, { family: 'ipv6-unicast' })).toEqual(['2001:db8::/32']);
  });

  test('with the best of a prefix first, and why others are not eligible', async () => {
    const rib = new Rib(CONFIG);
    const [one, two, three] = [2, 3, 4].map((octet) => rib.addPeer(peer(octet)));
    announce(rib, one!, { localPref: 10 });
    announce(rib, two!, { localPref: 20 });
    announce(rib, three!, { originatorId: CONFIG.routerId });
    const found = await search(rib);
    expect(found).toEqual(Array.from(rib.paths(), pathView));
    expect(found.map(({ peer: from, best }) => [from!.name, best])).toEqual([
      ['peer-3', true],
      expect.anything(),
      expect.anything(),
    ]);
    expect((await search(rib, { filter: { best: true } })).map(({ peer: from }) => from!.name)).toEqual([
      'peer-3',
    ]);
  });

  test('as they are kept, once there are too many to put them in order', async () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    const all = Array.from(
      { length: 100_001 },
      (_, i) => `${10 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24`,
    );
    for (let at = 0; at < all.length; at += 500) announce(rib, from, {}, all.slice(at, at + 500).reverse());
    expect((await search(rib, { limit: 1 })).map(({ prefix }) => prefix)).toEqual(['10.1.243.0/24']);
    // What is inside a prefix can be gathered first, and put in order.
    expect((await prefixes(rib, { prefix: '11.0.0.0/8', longer: true })).slice(0, 2)).toEqual([
      '11.0.0.0/24',
      '11.0.1.0/24',
    ]);
  });
});

describe('a filter', () => {
  test('finds one prefix in the table, whatever its host bits', async () => {
    const rib = ribOf('10.1.0.0/16', '10.1.0.0/24', '10.1.2.3/32', '2001:db8::/32');
    expect(await prefixes(rib, { prefix: '10.1.0.0/16' })).toEqual(['10.1.0.0/16']);
    expect(await prefixes(rib, { prefix: '10.1.7.7/16' })).toEqual(['10.1.0.0/16']);
    expect(await prefixes(rib, { prefix: '10.1.2.3' })).toEqual(['10.1.2.3/32']);
    expect(await prefixes(rib, { prefix: '2001:db8::/32' })).toEqual(['2001:db8::/32']);
    expect(await prefixes(rib, { prefix: '10.2.0.0/16' })).toEqual([]);
    expect(await prefixes(rib, { prefix: '10.1.0.0/16', family: 'ipv6-unicast' })).toEqual([]);
  });

  test('finds other routes by what tells them apart, or by their text', async () => {
    const rib = ribOf('[3]:[0]:[32]:[192.0.2.1] RD 192.0.2.1:3');
    own(rib, '10.9.0.0/24 RD 65000:1 label 7', { family: 'ipv4-vpn' });
    own(rib, '10.8.0.0/24 label 9', { family: 'ipv4-labeled' });
    expect(await prefixes(rib, { prefix: '[3]:[0]:[32]:[192.0.2.1] RD 192.0.2.1:3' })).toHaveLength(1);
    expect(await prefixes(rib, { prefix: '10.9.0.0/24 RD 65000:1 label 7' })).toHaveLength(1);
    expect(await prefixes(rib, { prefix: '10.8.0.0/16', longer: true })).toEqual(['10.8.0.0/24 label 9']);
    expect(await prefixes(rib, { prefix: 'nonsense' })).toEqual([]);
  });

  test('takes communities by name and by number, and expressions as policies do', async () => {
    const rib = new Rib(CONFIG);
    const communities = ['no-export', '65000:1', '65000:1:2', 'rt:65000:3', 'rt:65000L:3'];
    communities.forEach((community, i) => {
      own(rib, `10.0.${i}.0/24`, { communities: [community] });
    });
    const asked = ['65535:65281', '65000:01', '65000:1:2', '0x0002fde800000003', 'rt:65000L:3'];
    for (const [i, community] of asked.entries()) {
      expect(await prefixes(rib, { community })).toEqual([`10.0.${i}.0/24`]);
    }
    const from = rib.addPeer(peer(2, { asn: 65001, peerType: 'external' }));
    const asPath = [...sequence(65001), { kind: 'confed-set' as const, asns: [65002, 65003] }];
    announce(rib, from, { asPath }, ['192.0.2.0/24']);
    settle(rib);
    expect(await prefixes(rib, { asPath: '_65002_' })).toEqual(['192.0.2.0/24']);
    expect(await prefixes(rib, { asPath: '^[[:digit:]]+_' })).toEqual(['192.0.2.0/24']);
  });

  test('says what is no prefix, community or regular expression', async () => {
    const rib = ribOf('10.0.0.0/8');
    await expect(prefixes(rib, { prefix: 'nonsense', longer: true })).rejects.toThrow(
      'not an IP prefix: "nonsense"',
    );
    await expect(prefixes(rib, { asPath: '(' })).rejects.toThrow('not an AS path expression: "("');
    await expect(prefixes(rib, { community: 'no-such' })).rejects.toThrow('not a community: "no-such"');
    await expect(prefixes(rib, { community: '65000:65536' })).rejects.toThrow('not a community');
  });

  test('takes what a peer announced as it came, and what it was sent', async () => {
    const rib = new Rib(CONFIG);
    const [from, to] = [2, 3].map((octet) => rib.addPeer(peer(octet, { client: true })));
    announce(rib, from!, { med: 5 }, ['10.2.0.0/16', '10.1.0.0/16']);
    announce(rib, from!, { med: 6, originatorId: CONFIG.routerId }, ['10.3.0.0/16']);
    settle(rib);
    const shown = async (kind: 'received' | 'advertised', id: number): Promise<unknown[]> =>
      (await search(rib, { table: { kind, peer: id } })).map(({ prefix, best, ineligible }) => [
        prefix,
        best,
        ineligible !== undefined,
      ]);
    expect(await shown('received', from!)).toEqual([
      ['10.1.0.0/16', true, false],
      ['10.2.0.0/16', true, false],
      ['10.3.0.0/16', false, true],
    ]);
    expect(await shown('received', to!)).toEqual([]);
    expect(await shown('advertised', from!)).toEqual([]);
    expect(await shown('advertised', to!)).toEqual([
      ['10.1.0.0/16', true, false],
      ['10.2.0.0/16', true, false],
    ]);
    const one = await search(rib, {
      table: { kind: 'received', peer: from! },
      filter: { prefix: '10.2.0.0/16' },
    });
    expect(one.map(({ prefix, med }) => [prefix, med])).toEqual([['10.2.0.0/16', 5]]);
  });

  test('gives what looking at every path gives, and keeps no attributes', async () => {
    const octet = fc.nat(3);
    const route = fc.record({
      prefix: fc.tuple(octet, octet, fc.constantFrom(8, 16, 24)).map(([a, b, length]) => {
        const bytes = Uint8Array.of(10 + a, length > 8 ? b : 0, 0, 0);
        return `${bytes.join('.')}/${length}`;
      }),
      from: fc.nat(2),
      asns: fc.array(fc.constantFrom(65001, 65010, 1), { minLength: 1, maxLength: 3 }),
      communities: fc.subarray([0xfde80001, 0xffffff01]),
    });
    const filter = fc.record(
      {
        prefix: fc.constantFrom('10.0.0.0/8', '10.0.0.0/7', '11.1.0.0/16', '0.0.0.0/0', '2001:db8::/32'),
        community: fc.constantFrom('65000:1', 'no-export', '1:1'),
        asPath: fc.constantFrom('^65001', '_1$', '_65010_', '65010 1'),
        best: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(route, { maxLength: 40, size: 'max' }), filter, async (routes, wanted) => {
        const rib = new Rib(CONFIG);
        const peers = [2, 3, 4].map((each) => rib.addPeer(peer(each)));
        for (const { prefix, from, asns, communities } of routes) {
          announce(rib, peers[from]!, { asPath: sequence(...asns), communities }, [prefix]);
        }
        const pattern = new RegExp((wanted.asPath ?? '').replaceAll('_', '(?:^| |$)'));
        const naive = Array.from(rib.paths(), pathView).filter(
          ({ prefix, communities, asPath, best }) =>
            (wanted.prefix === undefined ||
              prefixContains(parsePrefix(wanted.prefix), parsePrefix(prefix))) &&
            (wanted.community === undefined || communities.includes(wanted.community)) &&
            pattern.test(asPath) &&
            (wanted.best !== true || best),
        );
        const { attributeSets } = rib;
        const found = await search(rib, { filter: { ...wanted, longer: wanted.prefix !== undefined } });
        const text = (path: PathView): string => JSON.stringify(path);
        expect(found.map(text).sort()).toEqual(naive.map(text).sort());
        for (const each of peers) rib.removePeer(each);
        settle(rib);
        expect([attributeSets > 0, rib.attributeSets]).toEqual([routes.length > 0, 0]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a long search', () => {
  test('pauses, and shows what is there when its turn comes', async () => {
    const rib = new Rib(CONFIG);
    const from = rib.addPeer(peer(2));
    for (let at = 0; at < MANY.length; at += 500) announce(rib, from, {}, MANY.slice(at, at + 500));
    const clock = new FastClock(10);
    const found: string[] = [];
    const onPath = ({ prefix }: PathView): void => {
      found.push(prefix);
      // All that comes behind goes, and its numbers are used again.
      if (found.length === 100) {
        withdraw(rib, from, MANY.slice(100, 500));
        settle(rib);
        announce(rib, from, {}, ['192.0.2.0/24']);
      }
    };
    const signal = new AbortController().signal;
    await showPaths({ rib, clock, table: { kind: 'received', peer: from }, filter: {} }, onPath, signal);
    expect(clock.pauses).toBeGreaterThan(2 * 40);
    expect(found.slice(0, 100)).toEqual(MANY.slice(0, 100));
    expect(found.slice(100).filter((prefix) => prefix !== '192.0.2.0/24')).toEqual(MANY.slice(500));
  });

  test('waits for its reader, and ends with the limit or when nobody wants it', async () => {
    const rib = ribOf(...MANY.slice(0, 50));
    const stop = new AbortController();
    let shown = 0;
    let waiting = 0;
    const onPath = async (): Promise<void> => {
      expect(waiting++).toBe(0);
      await new Promise(setImmediate);
      waiting -= 1;
      if (++shown === 7) stop.abort();
    };
    await showPaths({ rib, clock: new FastClock(), table: { kind: 'rib' }, filter: {} }, onPath, stop.signal);
    expect(shown).toBe(7);
    expect(await search(rib, { limit: 3 })).toHaveLength(3);
  });
});
