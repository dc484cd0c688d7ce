/** The decision process: RFC 4271 §9.1, RFC 4456 §9. */
import { readUint32 } from '../../../../protocol/bytes/uint.ts';
import { formatIpv4 } from '../../../../protocol/ip/ipv4.ts';
import { nth } from '../identity.ts';
import type { Peer } from '../peer.ts';
import type { Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { AS_SEQUENCE, AS_SET, clusterList, originatorId, sequence } from '../wire/attributes.ts';
import { address } from '../wire/bytes.ts';
import { expectChosen, ranked } from './common-routes.ts';

/** A next hop that no target can reach: of the shared address space (RFC 6598), which profiles leave alone. */
const UNREACHABLE = address('100.127.255.254');
const INCOMPLETE = 2;
const [LOW, MIDDLE, HIGH] = [1, 2, 3];

/** What `source` announced does not come out at `observer`. */
async function expectUnused(t: Scene, source: Peer, observer: Peer, prefix: string): Promise<void> {
  await t.barrier(source, observer);
  t.check(
    observer.historyOf(prefix).length === 0,
    `expected ${prefix} not to be used, but ${observer.identity.label} was sent it`,
  );
}

export const DECISION_TESTS: readonly Requirement[] = [
  {
    id: 'DEC-1',
    rfc: 'RFC 4271 9.1.2, 9.1.2.1',
    level: 'must',
    title: 'Routes that cannot be chosen',
    stimulus:
      'a next hop that cannot be resolved; one that only the route itself covers; the own AS in the path; the same beside a worse route',
    expected:
      'the routes are not used, the worse one is (that they are kept in the Adj-RIB-In is seen with DEC-11)',
    needs: [{ kind: 'ibgp' }, { kind: 'ibgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      await t.step('next hop that cannot be resolved', async () => {
        const source = await t.establish('ibgp');
        const observer = await t.observer(source);
        const prefix = t.prefix();
        source.announce(prefix, { nextHop: UNREACHABLE });
        await expectUnused(t, source, observer, prefix);
      });
      await t.step('next hop that only the route itself covers', async () => {
        const source = await t.establish('ibgp');
        const observer = await t.observer(source);
        const prefix = t.prefix();
        const inside = address(prefix.split('/')[0]!);
        inside[3]! += 1;
        source.announce(prefix, { nextHop: inside });
        await expectUnused(t, source, observer, prefix);
      });
      await t.step('own AS in the path', async () => {
        const source = await t.establish('ebgp');
        const observer = await t.observer(source);
        const prefix = t.prefix();
        source.announce(prefix, { through: [t.profile.asn, 64901] });
        await expectUnused(t, source, observer, prefix);
      });
      await t.step('such routes beside a worse one', async () => {
        const good = await t.establish('ibgp');
        const bad = await t.establish('ibgp');
        const observer = await t.observer(good);
        await expectChosen(t, observer, [
          { peer: good, options: { localPref: 50 } },
          { peer: bad, options: { localPref: 200, nextHop: UNREACHABLE } },
        ]);
      });
    },
  },
  {
    id: 'DEC-2',
    rfc: 'RFC 4271 9.1.1',
    level: 'must',
    title: 'LOCAL_PREF',
    stimulus: 'two internal routes, the one with the higher LOCAL_PREF worse in everything else',
    expected: 'the higher LOCAL_PREF wins',
    needs: [{ kind: 'ibgp' }, { kind: 'ibgp' }, { kind: 'ebgp' }],
    async run(t) {
      const worse = await ranked(t, 'ibgp', LOW);
      const better = await ranked(t, 'ibgp', HIGH);
      await expectChosen(t, await t.observer(better), [
        {
          peer: better,
          options: { localPref: 200, path: sequence(64901, 64902, 64903), origin: INCOMPLETE, med: 500 },
        },
        { peer: worse, options: { localPref: 199, path: sequence(64901), origin: 0, med: 0 } },
      ]);
    },
  },
  {
    id: 'DEC-3',
    rfc: 'RFC 4271 9.1.2.2 a',
    level: 'must',
    title: 'Length of AS_PATH',
    stimulus:
      'paths of two and of three AS numbers; a sequence and a set of three, against paths of three and of two',
    expected: 'the shorter path wins; a set counts as one: it beats three, and is equal to two',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      const set = ({ identity }: Peer): readonly { type: number; asns: readonly number[] }[] => [
        { type: AS_SEQUENCE, asns: [identity.asn] },
        { type: AS_SET, asns: [64903, 64904, 64905] },
      ];
      await t.step('two against three', async () => {
        const worse = await ranked(t, 'ebgp', LOW);
        const better = await ranked(t, 'ebgp', HIGH);
        await expectChosen(t, await t.observer(better), [
          { peer: better, options: { through: [64901], origin: INCOMPLETE, med: 500 } },
          { peer: worse, options: { through: [64901, 64902] } },
        ]);
      });
      await t.step('a set counts less than two', async () => {
        const worse = await ranked(t, 'ebgp', LOW);
        const better = await ranked(t, 'ebgp', HIGH);
        await expectChosen(t, await t.observer(better), [
          { peer: better, options: { path: set(better), origin: INCOMPLETE } },
          { peer: worse, options: { through: [64901, 64902] } },
        ]);
      });
      await t.step('a set counts more than none', async () => {
        const worse = await ranked(t, 'ebgp', LOW);
        const better = await ranked(t, 'ebgp', HIGH);
        await expectChosen(t, await t.observer(better), [
          { peer: better, options: { through: [64901] } },
          { peer: worse, options: { path: set(worse), origin: INCOMPLETE } },
        ]);
      });
    },
  },
  {
    id: 'DEC-4',
    rfc: 'RFC 4271 9.1.2.2 b',
    level: 'must',
    title: 'ORIGIN',
    stimulus: 'IGP against EGP, EGP against INCOMPLETE, the better one with a higher MED and BGP identifier',
    expected: 'the lower origin wins',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      for (const origin of [0, 1]) {
        await t.step(origin === 0 ? 'IGP against EGP' : 'EGP against INCOMPLETE', async () => {
          const worse = await ranked(t, 'ebgp', LOW);
          const better = await ranked(t, 'ebgp', HIGH);
          await expectChosen(t, await t.observer(better), [
            { peer: better, options: { origin, med: 500 } },
            { peer: worse, options: { origin: origin + 1 } },
          ]);
        });
      }
    },
  },
  {
    id: 'DEC-5',
    rfc: 'RFC 4271 9.1.2.2 c',
    level: 'must',
    title: 'MULTI_EXIT_DISC',
    stimulus:
      'MED 10 against 20, none against 10, from one neighbour AS; 20 against 10 from different ones; three routes of two ASes in every order',
    expected:
      'the lower one wins, none counts as 0; not compared; the result is the same in every order of arrival',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }, { kind: 'ibgp' }],
    async run(t) {
      for (const [title, med] of [
        ['10 against 20', { better: { med: 10 }, worse: { med: 20 } }],
        ['none against 10', { better: {}, worse: { med: 10 } }],
      ] as const) {
        await t.step(`${title}, one neighbour AS`, async () => {
          const worse = await ranked(t, 'ebgp', LOW);
          const better = await ranked(t, 'ebgp', HIGH);
          await expectChosen(t, await t.observer(better), [
            { peer: better, options: med.better },
            { peer: worse, options: med.worse },
          ]);
        });
      }
      await t.step('different neighbour ASes', async () => {
        const better = await ranked(t, 'ebgp', LOW);
        const worse = await ranked(t, 'ebgp2', HIGH);
        await expectChosen(t, await t.establish('ibgp'), [
          { peer: better, options: { med: 20 } },
          { peer: worse, options: { med: 10 } },
        ]);
      });
      await t.step('every order of arrival', async () => {
        const first = await ranked(t, 'ebgp', LOW);
        const best = await ranked(t, 'ebgp2', MIDDLE);
        const last = await ranked(t, 'ebgp', HIGH);
        // The last one removes the first (same AS, lower MED), and has a higher identifier than the one in the middle.
        await expectChosen(t, await t.establish('ibgp'), [
          { peer: best, options: { med: 0 } },
          { peer: first, options: { med: 20 } },
          { peer: last, options: { med: 10 } },
        ]);
      });
    },
  },
  {
    id: 'DEC-6',
    rfc: 'RFC 4271 9.1.2.2 d',
    level: 'must',
    title: 'External before internal',
    stimulus: 'an external and an internal route with paths of the same length',
    expected: 'the external one wins',
    needs: [{ kind: 'ebgp' }, { kind: 'ibgp' }, { kind: 'ebgp2' }],
    async run(t) {
      const internal = await ranked(t, 'ibgp', LOW);
      const external = await ranked(t, 'ebgp', HIGH);
      await expectChosen(t, await t.observer(external), [
        { peer: external, options: { through: [64901] } },
        { peer: internal, options: { path: sequence(64902, 64901) } },
      ]);
    },
  },
  {
    id: 'DEC-7',
    rfc: 'RFC 4271 9.1.2.2 e',
    level: 'must',
    title: 'IGP cost of the next hop',
    stimulus: 'two internal routes with next hops of different cost, of the same cost',
    expected: 'the lower cost wins; with equal costs the next step decides (BGP identifier)',
    needs: [{ kind: 'ibgp' }, { kind: 'ibgp' }, { kind: 'ebgp' }],
    async run(t) {
      const far = t.profile.farNextHops;
      if (far === undefined)
        t.notApplicable('needs next hops of a higher IGP cost in the profile (farNextHops)');
      await t.step('different costs', async () => {
        const worse = await ranked(t, 'ibgp', LOW);
        const better = await ranked(t, 'ibgp', HIGH);
        await expectChosen(t, await t.observer(better), [
          { peer: better },
          { peer: worse, options: { nextHop: address(nth(far!, 1)) } },
        ]);
      });
      await t.step('equal costs', async () => {
        const better = await ranked(t, 'ibgp', LOW);
        const worse = await ranked(t, 'ibgp', HIGH);
        await expectChosen(t, await t.observer(better), [{ peer: better }, { peer: worse }]);
      });
    },
  },
  {
    id: 'DEC-8',
    rfc: 'RFC 4271 9.1.2.2 f; RFC 4456 9',
    level: 'must',
    title: 'BGP identifier',
    stimulus:
      'two routes whose speakers differ in identifier, the lower one at the higher address; reflected routes with ORIGINATOR_ID',
    expected: 'the lower identifier wins; ORIGINATOR_ID stands in for it',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }, { kind: 'ibgp' }, { kind: 'ibgp' }],
    async run(t) {
      await t.step('external routes', async () => {
        const worse = await ranked(t, 'ebgp', HIGH);
        const better = await ranked(t, 'ebgp', LOW);
        await expectChosen(t, await t.observer(better), [{ peer: better }, { peer: worse }]);
      });
      await t.step('ORIGINATOR_ID', async () => {
        const worse = await ranked(t, 'ibgp', LOW);
        const better = await ranked(t, 'ibgp', HIGH);
        const reflected = (id: number) => ({ extra: [originatorId(id), clusterList(0xc6120101)] });
        await expectChosen(t, await t.observer(better), [
          { peer: better, options: reflected(0xc6120201) },
          { peer: worse, options: reflected(0xc6120202) },
        ]);
      });
    },
  },
  {
    id: 'DEC-9',
    rfc: 'RFC 4456 9',
    level: 'must',
    title: 'Length of CLUSTER_LIST',
    stimulus:
      'reflected routes of one originator with one and with two cluster ids, the shorter list at the higher address; no list against one',
    expected: 'the shorter CLUSTER_LIST wins; none counts as 0',
    needs: [{ kind: 'ibgp' }, { kind: 'ibgp' }, { kind: 'ebgp' }],
    async run(t) {
      await t.step('one against two', async () => {
        const worse = await ranked(t, 'ibgp', LOW);
        const better = await ranked(t, 'ibgp', HIGH);
        const reflected = (...clusters: number[]) => ({
          extra: [originatorId(0xc6120201), clusterList(...clusters)],
        });
        await expectChosen(t, await t.observer(better), [
          { peer: better, options: reflected(0xc6120103) },
          { peer: worse, options: reflected(0xc6120101, 0xc6120102) },
        ]);
      });
      await t.step('none against one', async () => {
        const worse = await ranked(t, 'ibgp', LOW);
        const better = await ranked(t, 'ibgp', HIGH);
        const id = better.sentOpen!.bgpId;
        await expectChosen(t, await t.observer(better), [
          { peer: better },
          { peer: worse, options: { extra: [originatorId(id), clusterList(0xc6120101)] } },
        ]);
      });
    },
  },
  {
    id: 'DEC-10',
    rfc: 'RFC 4271 9.1.2.2 g',
    level: 'must',
    title: 'Peer address',
    stimulus: 'two routes that differ in nothing but the address of the peer: the identifier is the same',
    expected: 'the lower address wins',
    needs: [{ kind: 'ebgp' }, { kind: 'ebgp' }, { kind: 'ebgp2' }],
    async run(t) {
      const one = await ranked(t, 'ebgp', LOW, { same: true });
      const two = await ranked(t, 'ebgp', LOW, { same: true });
      if (one.identity.address.includes(':')) t.notApplicable('needs peers with IPv4 addresses');
      const [lower, higher] = numeric(one) < numeric(two) ? [one, two] : [two, one];
      await expectChosen(t, await t.observer(one), [{ peer: lower }, { peer: higher }]);
    },
  },
  {
    id: 'DEC-11',
    rfc: 'RFC 4271 9.1.2',
    level: 'must',
    title: 'Next hops change',
    stimulus:
      'the next hop of a route cannot be reached any more, can be again; the cost of the best one rises',
    expected: 'the route goes, and comes back although it was not announced again; the other one is chosen',
    needs: [{ kind: 'ibgp' }, { kind: 'ibgp' }, { kind: 'ebgp' }],
    exclusive: true,
    async run(t) {
      const cost = async (peer: Peer, value: string): Promise<void> => {
        const nextHop = formatIpv4(readUint32(peer.identity.nextHop, 0));
        await t.command('igp-cost', { nextHop, cost: value });
      };
      await t.step('unreachable and back', async () => {
        const source = await t.establish('ibgp');
        const observer = await t.observer(source);
        const prefix = t.prefix();
        await cost(source, '10');
        source.announce(prefix);
        await observer.expectRoute(prefix);
        await cost(source, '');
        await observer.expectNoRoute(prefix);
        await cost(source, '10');
        await observer.expectRoute(prefix);
      });
      await t.step('a higher cost', async () => {
        const first = await ranked(t, 'ibgp', LOW);
        const second = await ranked(t, 'ibgp', HIGH);
        const observer = await t.observer(first);
        await cost(first, '10');
        await cost(second, '10');
        const prefix = t.prefix();
        first.announce(prefix, { path: sequence(64901) });
        second.announce(prefix, { path: sequence(64902) });
        await observer.expectRoute(prefix, ({ pathText }) => pathText.endsWith('64901'));
        await cost(first, '20');
        await observer.expectRoute(prefix, ({ pathText }) => pathText.endsWith('64902'));
      });
    },
  },
];

function numeric(peer: Peer): number {
  return readUint32(address(peer.identity.address), 0);
}
