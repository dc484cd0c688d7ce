/** UPDATE messages: RFC 4271 §4.3, §5 and §9, RFC 7606 §6. */

import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import {
  attribute,
  COMMUNITIES,
  communities,
  EXTENDED_LENGTH,
  NEXT_HOP,
  OPTIONAL,
  ORIGIN,
  origin,
  PARTIAL,
  TRANSITIVE,
} from '../wire/attributes.ts';
import { update } from '../wire/build.ts';
import { bytes, hex, nlri } from '../wire/bytes.ts';
import { announcement, announcementOf, pairOf, routeArrives, survives, UNASSIGNED } from './route-steps.ts';
import { UPDATE_ERROR_TESTS } from './update-errors.ts';

export const UPDATE_TESTS: readonly Requirement[] = [
  ...UPDATE_ERROR_TESTS,
  {
    id: 'UPD-11',
    rfc: 'RFC 4271 5, 9',
    level: 'must',
    title: 'Unknown optional attributes',
    stimulus:
      'attribute type 213 optional and transitive; the same with the Partial bit; optional and not transitive',
    expected:
      'passed on with the Partial bit; the same; the route is passed on without it, and the session stays',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const value = bytes(1, 2, 3, 4, 5);
      for (const [name, flags] of [
        ['transitive', OPTIONAL | TRANSITIVE],
        ['transitive with the Partial bit', OPTIONAL | TRANSITIVE | PARTIAL],
      ] as const) {
        await routeArrives(
          t,
          name,
          (source, prefix) => announcement(source, prefix, { extra: [attribute(flags, UNASSIGNED, value)] }),
          (route) => {
            const found = route.attribute(UNASSIGNED);
            t.check(found !== undefined, 'expected the attribute to be passed on, got none');
            t.check(
              hex(found!.value) === hex(value),
              `expected its value unchanged, got ${hex(found!.value)}`,
            );
            t.check(route.partial(UNASSIGNED), 'expected the Partial bit to be set');
          },
        );
      }
      await routeArrives(
        t,
        'not transitive',
        (source, prefix) => announcement(source, prefix, { extra: [attribute(OPTIONAL, UNASSIGNED, value)] }),
        (route) => t.check(!route.has(UNASSIGNED), 'expected the attribute to be dropped, got it'),
      );
    },
  },
  {
    id: 'UPD-12',
    rfc: 'RFC 4271 4.3, 5',
    level: 'must',
    title: 'Attributes written in other ways',
    stimulus:
      'lower four flag bits set; Extended Length bit with a short value; attributes in descending order of type',
    expected: 'accepted as if they were written in the usual way',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await routeArrives(
        t,
        'lower four flag bits set',
        (source, prefix) =>
          announcementOf(
            prefix,
            source
              .attributes({ extra: [communities(0xfc00_0001)] })
              .map(([flags, ...rest]) => bytes(flags! | 0x0f, rest)),
          ),
        (route) => t.check(route.has(COMMUNITIES), 'expected COMMUNITIES to be passed on, got none'),
      );
      await routeArrives(
        t,
        'extended length of short values',
        (source, prefix) =>
          announcement(source, prefix, {
            extra: [
              attribute(TRANSITIVE | EXTENDED_LENGTH, ORIGIN, 1),
              attribute(TRANSITIVE | EXTENDED_LENGTH, NEXT_HOP, source.identity.nextHop),
            ],
          }),
        (route) => t.check(route.attribute(ORIGIN)?.value[0] === 1, 'expected ORIGIN 1'),
      );
      await routeArrives(
        t,
        'descending order',
        (source, prefix) =>
          announcementOf(prefix, source.attributes({ extra: [communities(0xfc00_0001)] }).toReversed()),
        (route) => t.check(route.has(COMMUNITIES), 'expected COMMUNITIES to be passed on, got none'),
      );
    },
  },
  {
    id: 'UPD-13',
    rfc: 'RFC 4271 4.3',
    level: 'should',
    title: 'Prefix both withdrawn and announced',
    stimulus: 'an UPDATE with the same prefix in the withdrawn routes and in the NLRI, new and known',
    expected: 'it counts as announced',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      for (const [name, known] of [
        ['new prefix', false],
        ['known prefix', true],
      ] as const) {
        await t.step(name, async () => {
          const pair = await pairOf(t);
          const { source, observer } = pair;
          const prefix = t.prefix();
          if (known) {
            source.announce(prefix);
            await observer.expectRoute(prefix);
          }
          const attributes = source.attributes({ origin: 2 });
          source.send(update({ withdrawn: [nlri(prefix)], attributes, nlri: [nlri(prefix)] }));
          await observer.expectRoute(prefix, (route) => route.attribute(ORIGIN)?.value[0] === 2);
          await survives(t, pair);
          t.check(observer.routesTo(prefix).length === 1, 'expected the route to stay');
        });
      }
    },
  },
  {
    id: 'UPD-14',
    rfc: 'RFC 4271 9',
    level: 'must',
    title: 'The same prefix again with other attributes',
    stimulus: 'a route with a longer path and COMMUNITIES; the same prefix without them; with an ORIGIN of 2',
    expected: 'each replaces the one before as a whole',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const pair = await pairOf(t);
      const { source, observer } = pair;
      const prefix = t.prefix();
      source.announce(prefix, { through: [64900], extra: [communities(0xfc00_0001)] });
      await observer.expectRoute(prefix, (route) => route.has(COMMUNITIES));
      source.announce(prefix, { through: [64901] });
      const second = await observer.expectRoute(prefix, (route) => route.pathText.endsWith('64901'));
      t.check(!second.has(COMMUNITIES), 'expected the COMMUNITIES of the old route to be gone');
      source.announce(prefix, { through: [64901], extra: [origin(2)] });
      await observer.expectRoute(prefix, (route) => route.attribute(ORIGIN)?.value[0] === 2);
      await survives(t, pair);
      source.withdraw(prefix);
      await observer.expectNoRoute(prefix);
    },
  },
  {
    id: 'UPD-15',
    rfc: 'RFC 7606 6',
    level: 'must',
    title: 'Malformed UPDATEs are logged',
    stimulus:
      'UPDATEs whose errors mean attribute discard, treat-as-withdraw and session reset; the command log of the profile',
    expected: 'the log has the NLRI (as text) and the whole message (in hexadecimal digits) of each',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await loggedWhole(t, 'attribute discard', attribute(TRANSITIVE, 6, 0));
      await loggedWhole(t, 'treat-as-withdraw', origin(3));
      await loggedWhole(t, 'session reset', attribute(TRANSITIVE, UNASSIGNED, [1, 2, 3]));
    },
  },
];

/** Step: the log gets a malformed UPDATE in full. */
async function loggedWhole(t: Scene, name: string, wrong: Uint8Array): Promise<void> {
  await t.step(name, async () => {
    await t.command('log');
    const source = await t.establish('ebgp');
    const prefix = t.prefix();
    const message = announcement(source, prefix, { extra: [wrong] });
    source.send(message);
    if (name === 'session reset') await source.expectClose();
    else await source.expectAlive();
    const log = await t.command('log');
    const digits = log.toLowerCase().replaceAll(/0x|[^0-9a-f]/g, '');
    // A hexadecimal dump with offsets between its lines is found in parts of 8 octets.
    const whole = digits.includes(hex(message));
    t.check(whole, `expected ${hex(message)} in the log`);
    t.check(log.includes(prefix), `expected ${prefix} in the log`);
  });
}
