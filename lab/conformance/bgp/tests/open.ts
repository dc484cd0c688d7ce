/** OPEN: RFC 4271 §4.2 and §6.2, RFC 9072, RFC 6286, RFC 7607. */

import type { OpenOptions } from '../open.ts';
import type { PeerKind } from '../profile.ts';
import type { Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import type { Octets } from '../wire/bytes.ts';

/** Sends an OPEN and expects it to be refused. */
async function refused(
  t: Scene,
  name: string,
  kind: PeerKind,
  options: OpenOptions,
  [code, subcode, data]: readonly [number, number, Octets?],
): Promise<void> {
  await t.step(name, async () => {
    const peer = await t.connect(kind);
    peer.send(t.openOf(peer.identity, options));
    await peer.expectReset(code, subcode, data);
  });
}

export const OPEN_TESTS: readonly Requirement[] = [
  {
    id: 'OPN-1',
    rfc: 'RFC 4271 6.2',
    level: 'must',
    title: 'Unsupported version',
    stimulus: 'OPEN with version 3, with version 5',
    expected: 'NOTIFICATION 2/1 whose data is the version 4 in two octets, and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      for (const version of [3, 5])
        await refused(t, `version ${version}`, 'ebgp', { version }, [2, 1, [0, 4]]);
    },
  },
];
