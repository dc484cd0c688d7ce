/** NLRI and withdrawn routes: RFC 4271 §4.3 and §6.3, RFC 7606 §5.3. */
import { OBSERVER, type Requirement } from '../requirement.ts';
import { update } from '../wire/build.ts';
import { bytes, nlri } from '../wire/bytes.ts';
import { pairOf, sessionReset, survives } from './route-steps.ts';

/** 32 bits with one bit set behind the mask of a /28. */
function withHostBits(prefix: string): Uint8Array {
  const octets = nlri(prefix);
  octets[octets.length - 1]! |= 0x05;
  return octets;
}

export const NLRI_TESTS: readonly Requirement[] = [
  {
    id: 'NLR-1',
    rfc: 'RFC 4271 6.3, RFC 7606 5.3, 3 i, 3 j',
    level: 'must',
    title: 'Prefixes that cannot be read',
    stimulus:
      'prefix length 33, and a prefix that runs past its field, in the NLRI and in the withdrawn routes',
    expected: 'NOTIFICATION 3/10 and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      const tooLong = bytes(33, 198, 18, 0, 0, 0);
      const overrun = bytes(28, 198, 18);
      for (const [name, wrong] of [
        ['length 33', tooLong],
        ['overrun', overrun],
      ] as const) {
        await sessionReset(
          t,
          `${name} in NLRI`,
          (source, prefix) => update({ attributes: source.attributes(), nlri: [nlri(prefix), wrong] }),
          [3, 10],
        );
        await sessionReset(
          t,
          `${name} in withdrawn routes`,
          (_, prefix) => update({ withdrawn: [nlri(prefix), wrong] }),
          [3, 10],
        );
      }
    },
  },
  {
    id: 'NLR-2',
    rfc: 'RFC 4271 4.3',
    level: 'must',
    title: 'Bits behind the mask; length 0',
    stimulus:
      'a /28 with bits set behind the mask, announced, and withdrawn with other ones; the prefix 0.0.0.0/0',
    expected: 'the bits do not count; the default route is accepted',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await t.step('bits behind the mask', async () => {
        const pair = await pairOf(t);
        const { source, observer } = pair;
        const prefix = t.prefix();
        source.send(update({ attributes: source.attributes(), nlri: [withHostBits(prefix)] }));
        await observer.expectRoute(prefix);
        source.withdraw(prefix);
        await observer.expectNoRoute(prefix);
        source.announce(prefix);
        await observer.expectRoute(prefix);
        source.send(update({ withdrawn: [withHostBits(prefix)] }));
        await observer.expectNoRoute(prefix);
        await survives(t, pair);
      });
      await t.step('length 0', async () => {
        const pair = await pairOf(t);
        const { source, observer } = pair;
        source.announce('0.0.0.0/0', { through: [64900] });
        await observer.expectRoute('0.0.0.0/0', (route) => route.pathText.endsWith('64900'));
        source.withdraw('0.0.0.0/0');
        await survives(t, pair);
      });
    },
  },
  {
    id: 'NLR-3',
    rfc: 'RFC 4271 6.3',
    level: 'should',
    title: 'Multicast prefix in unicast NLRI',
    stimulus: '224.1.2.0/24 between two good prefixes',
    expected: 'that prefix alone is ignored, the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const pair = await pairOf(t);
      const { source, observer } = pair;
      const good = [t.prefix(), t.prefix()] as const;
      source.announce([good[0], '224.1.2.0/24', good[1]]);
      for (const prefix of good) await observer.expectRoute(prefix);
      await survives(t, pair);
      t.check(
        observer.routesTo('224.1.2.0/24').length === 0,
        'expected 224.1.2.0/24 to be ignored, but the target passed it on',
      );
    },
  },
];
