/** NOTIFICATIONs to and from the target: RFC 4271 §6.4, RFC 9003. */
import type { Peer } from '../peer.ts';
import type { Need } from '../profile.ts';
import type { Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { notification } from '../wire/build.ts';
import { bytes } from '../wire/bytes.ts';
import { commandValues, confirmed } from './common.ts';

const DIALS: Need = { kind: 'ebgp', features: ['dials'] };
/** Longest shutdown communication that speakers of RFC 8203, the predecessor, understand. */
const OLD_LIMIT = 128;

/** Sends a NOTIFICATION: the target closes and sends none itself, and is there for the next session. */
async function closesSilently(t: Scene, peer: Peer, octets: Uint8Array): Promise<void> {
  peer.send(octets);
  await peer.expectClose();
  const answered = peer.received.some(({ body }) => body.kind === 'notification');
  t.check(!answered, 'expected no NOTIFICATION in answer to one, got one');
  await t.establish('ebgp');
}

export const NOTIFICATION_TESTS: readonly Requirement[] = [
  {
    id: 'NOT-1',
    rfc: 'RFC 4271 6.4',
    level: 'must',
    title: 'NOTIFICATION with an unknown code or subcode',
    stimulus: 'codes 0 and 99, subcode 200 of Cease, in Established; code 99 in OpenConfirm',
    expected: 'the target closes and never answers with a NOTIFICATION',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      for (const [code, subcode] of [
        [0, 0],
        [99, 77],
        [6, 200],
      ] as const) {
        await t.step(`${code}/${subcode} in Established`, async () => {
          await closesSilently(t, await t.establish('ebgp'), notification(code, subcode, [1, 2, 3]));
        });
      }
      await t.step('99/77 in OpenConfirm', async () => {
        const peer = await t.connect('ebgp');
        peer.send(t.openOf(peer.identity));
        await peer.expectKeepalive();
        await closesSilently(t, peer, notification(99, 77));
      });
    },
  },
  {
    id: 'NOT-2',
    rfc: 'RFC 9003 2, 4',
    level: 'must',
    title: 'Shutdown communication',
    stimulus:
      'Cease 6/2 with a text that is not UTF-8, with control characters, with a length octet beyond the message, with a text of 255 octets; the operator stops a session (commands stop and start of the profile)',
    expected:
      'the target closes and lives on; what it sends itself is a length octet and so many octets of UTF-8, not above 128 (RFC 8203) to a peer of which it does not know better (SHOULD)',
    needs: [{ kind: 'ebgp' }, DIALS],
    async run(t) {
      const texts: Readonly<Record<string, Uint8Array>> = {
        'not UTF-8': bytes(4, 0xc3, 0x28, 0xff, 0xfe),
        'control characters': bytes(6, 0x1b, 0x5b, 0x32, 0x4a, 0, 0x0a),
        'length beyond the message': bytes(200, 0x61, 0x62),
        '255 octets': bytes(255, new Uint8Array(255).fill(0x61)),
      };
      for (const [name, data] of Object.entries(texts)) {
        await t.step(name, async () => {
          await closesSilently(t, await t.establish('ebgp'), notification(6, 2, data));
        });
      }
      await t.step("the target's own", async () => {
        const peer = await t.connect(DIALS);
        peer.send(t.openOf(peer.identity));
        await confirmed(peer);
        await t.command('stop', commandValues(peer.identity));
        try {
          const { data } = await peer.expectReset(6);
          if (data.length === 0) return;
          t.check(
            data[0] === data.length - 1,
            `expected a length octet of ${data.length - 1}, got ${data[0]}`,
          );
          t.check(data[0]! <= OLD_LIMIT, `expected at most ${OLD_LIMIT} octets of text, got ${data[0]}`);
          t.check(isUtf8(data.subarray(1)), 'expected the text to be UTF-8');
        } finally {
          await t.command('start', commandValues(peer.identity));
        }
      });
    },
  },
];

function isUtf8(octets: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(octets);
    return true;
  } catch {
    return false;
  }
}
