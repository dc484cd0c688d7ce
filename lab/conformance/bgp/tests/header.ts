/** Message header: RFC 4271 §4.1 and §6.1. */

import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { KEEPALIVE, keepalive, message, NOTIFICATION, OPEN, UPDATE, update } from '../wire/build.ts';
import { bytes, nlri, u16 } from '../wire/bytes.ts';
import { CAP_ROUTE_REFRESH } from '../wire/capabilities.ts';

/** Does the same in OpenSent (we have sent nothing) and in Established. */
async function inTwoStates(t: Scene, what: string, run: (peer: Peer) => Promise<void>): Promise<void> {
  await t.step(`${what}, in OpenSent`, async () => run(await t.connect('ebgp')));
  await t.step(`${what}, in Established`, async () => run(await t.establish('ebgp')));
}

/** A peer to which the target offers no extended messages. */
const SHORT: Need = { kind: 'ebgp', features: ['no-extended-message'] };

/** A header and zeros, `length` octets in all where that is possible; the length field says `length`. */
function ofLength(type: number, length: number): Uint8Array {
  return message(type, new Uint8Array(Math.max(0, length - 19)), { length });
}

export const HEADER_TESTS: readonly Requirement[] = [
  {
    id: 'HDR-1',
    rfc: 'RFC 4271 6.1',
    level: 'must',
    title: 'Marker not all ones',
    stimulus:
      'a message with one bit of its marker cleared, as the first one, in OpenConfirm and in Established',
    expected: 'NOTIFICATION 1/1 and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      const broken = (octet: number): Uint8Array => {
        const marker = new Uint8Array(16).fill(0xff);
        marker[octet] = 0xfe;
        return marker;
      };
      await inTwoStates(t, 'last octet 0xfe', async (peer) => {
        peer.send(message(KEEPALIVE, bytes(), { marker: broken(15) }));
        await peer.expectReset(1, 1, []);
      });
      await t.step('first octet 0xfe, in OpenConfirm', async () => {
        const peer = await t.connect('ebgp');
        peer.send(t.openOf(peer.identity));
        await peer.expectKeepalive();
        peer.send(message(KEEPALIVE, bytes(), { marker: broken(0) }));
        await peer.expectReset(1, 1, []);
      });
      await t.step('in the OPEN itself', async () => {
        const peer = await t.connect('ebgp');
        const open = t.openOf(peer.identity);
        open[7] = 0x7f;
        peer.send(open);
        await peer.expectReset(1, 1, []);
      });
    },
  },
  {
    id: 'HDR-2',
    rfc: 'RFC 4271 6.1',
    level: 'must',
    title: 'Length below 19 or above the maximum',
    stimulus: 'length field 18 and 0; 4097 without the extended message capability',
    expected: 'NOTIFICATION 1/2 whose data is that length, and close',
    needs: [{ kind: 'ebgp' }, SHORT],
    async run(t) {
      for (const length of [18, 0]) {
        await inTwoStates(t, `length ${length}`, async (peer) => {
          peer.send(message(KEEPALIVE, bytes(), { length }));
          await peer.expectReset(1, 2, u16(length));
        });
      }
      for (const state of ['OpenSent', 'Established'] as const) {
        await t.step(`length 4097, in ${state}`, async () => {
          const who = t.has(SHORT) ? SHORT : 'ebgp';
          const peer = state === 'OpenSent' ? await t.connect(who) : await t.establish(who);
          if (peer.targetTakesExtended) t.notApplicable('the target offers extended messages');
          peer.send(ofLength(UPDATE, 4097));
          await peer.expectReset(1, 2, u16(4097));
        });
      }
    },
  },
  {
    id: 'HDR-3',
    rfc: 'RFC 4271 6.1',
    level: 'must',
    title: 'Length too small or wrong for the type',
    stimulus: 'OPEN of 28 octets, UPDATE of 22, KEEPALIVE of 20, NOTIFICATION of 20',
    expected:
      'NOTIFICATION 1/2 whose data is that length, and close; after a NOTIFICATION closing alone is right as well (6.4)',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      await t.step('OPEN of 28 octets', async () => {
        const peer = await t.connect('ebgp');
        peer.send(ofLength(OPEN, 28));
        await peer.expectReset(1, 2, u16(28));
      });
      await t.step('UPDATE of 22 octets', async () => {
        const peer = await t.establish('ebgp');
        peer.send(ofLength(UPDATE, 22));
        await peer.expectReset(1, 2, u16(22));
      });
      await t.step('KEEPALIVE of 20 octets', async () => {
        const peer = await t.establish('ebgp');
        peer.send(ofLength(KEEPALIVE, 20));
        await peer.expectReset(1, 2, u16(20));
      });
      await t.step('NOTIFICATION of 20 octets', async () => {
        const peer = await t.establish('ebgp');
        peer.send(ofLength(NOTIFICATION, 20));
        await peer.expectClose();
        const answer = peer.received.find(({ body }) => body.kind === 'notification')?.body;
        if (answer?.kind !== 'notification') return;
        const right = answer.code === 1 && answer.subcode === 2;
        t.check(right, `expected NOTIFICATION 1/2 or none, got ${answer.code}/${answer.subcode}`);
      });
    },
  },
  {
    id: 'HDR-4',
    rfc: 'RFC 4271 6.1',
    level: 'must',
    title: 'Unknown message type',
    stimulus: 'types 0, 6 and 255; type 5 to a target that does not support route refresh',
    expected: 'NOTIFICATION 1/3 whose data is the type, and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      for (const type of [0, 6, 255]) {
        await inTwoStates(t, `type ${type}`, async (peer) => {
          peer.send(message(type, bytes()));
          await peer.expectReset(1, 3, [type]);
        });
      }
      await t.step('type 5 without route refresh', async () => {
        const peer = await t.establish('ebgp');
        if (peer.targetHas(CAP_ROUTE_REFRESH)) t.notApplicable('the target supports route refresh');
        peer.send(message(5, bytes(0, 1, 0, 1)));
        await peer.expectReset(1, 3, [5]);
      });
    },
  },
  {
    id: 'HDR-5',
    rfc: 'RFC 4271 4',
    level: 'must',
    title: 'Messages cut anywhere into segments',
    stimulus:
      'OPEN and UPDATE one octet in each TCP segment; UPDATEs cut in the header, in the attributes and in the NLRI; several messages in one segment',
    expected: 'the same as with one message in one segment',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      await t.step('one octet in each segment', async () => {
        const peer = await t.connect('ebgp');
        const observer = await t.observer(peer);
        await peer.sendPieces(single(t.openOf(peer.identity)));
        await peer.expectKeepalive();
        await peer.sendPieces(single(keepalive()));
        const prefix = t.prefix();
        await peer.sendPieces(single(routeUpdate(peer, [prefix])));
        await observer.expectRoute(prefix);
      });
      await t.step('cut at every octet once', async () => {
        const peer = await t.establish('ebgp');
        const observer = await t.observer(peer);
        const length = routeUpdate(peer, [t.prefix()]).length;
        const prefixes: string[] = [];
        for (let at = 1; at < length; at++) {
          const prefix = t.prefix();
          const octets = routeUpdate(peer, [prefix]);
          await peer.sendPieces([octets.subarray(0, at), octets.subarray(at)]);
          prefixes.push(prefix);
        }
        for (const prefix of prefixes) await observer.expectRoute(prefix);
      });
      await t.step('six messages in one segment', async () => {
        const peer = await t.establish('ebgp');
        const observer = await t.observer(peer);
        const prefixes = [t.prefix(), t.prefix(), t.prefix()];
        peer.send(bytes(...prefixes.flatMap((prefix) => [routeUpdate(peer, [prefix]), keepalive()])));
        for (const prefix of prefixes) await observer.expectRoute(prefix);
      });
    },
  },
];

function single(octets: Uint8Array): Uint8Array[] {
  return Array.from(octets, (octet) => Uint8Array.of(octet));
}

function routeUpdate(peer: Peer, prefixes: readonly string[]): Uint8Array {
  return update({ attributes: peer.attributes(), nlri: prefixes.map(nlri) });
}
