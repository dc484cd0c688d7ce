/** OPEN: RFC 4271 §4.2 and §6.2, RFC 6286 §2.2, RFC 7607 §2, RFC 9072. */

import type { Identity } from '../identity.ts';
import type { OpenOptions } from '../open.ts';
import { usualCapabilities } from '../open.ts';
import type { Peer } from '../peer.ts';
import type { PeerKind } from '../profile.ts';
import { OBSERVER, type Requirement } from '../requirement.ts';
import type { Scene } from '../scene.ts';
import { extendedOpen, extendedParameter, open, parameter } from '../wire/build.ts';
import { bytes, type Octets } from '../wire/bytes.ts';
import {
  CAP_FOUR_OCTET_AS,
  capabilities,
  capability,
  fourOctetAs,
  IPV4_UNICAST,
  multiprotocol,
} from '../wire/capabilities.ts';
import { accepted, confirmed } from './common.ts';

const AS_TRANS = 23456;

/** Sends an OPEN and expects it to be refused. */
async function refused(
  t: Scene,
  name: string,
  kind: PeerKind,
  options: (peer: Peer) => OpenOptions,
  [code, subcode, data]: readonly [number, number, Octets?],
): Promise<void> {
  await t.step(name, async () => {
    const peer = await t.connect(kind);
    peer.send(t.openOf(peer.identity, options(peer)));
    await peer.expectReset(code, subcode, data);
  });
}

/** The fixed fields of a plausible OPEN, for those that are built by hand. */
function fields(t: Scene, { asn, bgpId }: Identity): { myAs: number; holdTime: number; bgpId: number } {
  return { myAs: asn > 0xffff ? AS_TRANS : asn, holdTime: t.profile.holdTime, bgpId };
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
      for (const version of [3, 5]) {
        await refused(t, `version ${version}`, 'ebgp', () => ({ version }), [2, 1, [0, 4]]);
      }
    },
  },
  {
    id: 'OPN-2',
    rfc: 'RFC 4271 6.2, RFC 7607 2',
    level: 'must',
    title: 'AS that is not the configured one, or 0',
    stimulus: 'OPEN with another AS; with AS 0 in the field and no capability 65; with AS 0 in capability 65',
    expected: 'NOTIFICATION 2/2 and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      await refused(t, 'another AS', 'ebgp', ({ identity }) => ({ asn: identity.asn ^ 0x155 }), [2, 2]);
      await refused(
        t,
        'AS 0 in the field',
        'ebgp',
        () => ({ myAs: 0, without: [CAP_FOUR_OCTET_AS] }),
        [2, 2],
      );
      await refused(
        t,
        'AS 0 in capability 65',
        'ebgp',
        ({ identity: { asn } }) => ({
          myAs: asn > 0xffff ? AS_TRANS : asn,
          parameters: [capabilities(multiprotocol(IPV4_UNICAST), fourOctetAs(0))],
        }),
        [2, 2],
      );
    },
  },
  {
    id: 'OPN-3',
    rfc: 'RFC 6286 2.2',
    level: 'must',
    title: 'BGP identifier 0, or that of the target',
    stimulus:
      "identifier 0.0.0.0; the target's identifier from an internal peer; the same from an external peer",
    expected: 'NOTIFICATION 2/3 and close in the first two cases; the third is accepted',
    needs: [{ kind: 'ebgp' }, { kind: 'ibgp' }],
    async run(t) {
      await refused(t, '0.0.0.0', 'ebgp', () => ({ bgpId: 0 }), [2, 3]);
      await refused(t, "the target's, internal", 'ibgp', ({ open: own }) => ({ bgpId: own!.bgpId }), [2, 3]);
      await t.step("the target's, external", async () => {
        const peer = await t.connect('ebgp');
        peer.send(t.openOf(peer.identity, { bgpId: peer.open!.bgpId }));
        await confirmed(peer);
      });
    },
  },
  {
    id: 'OPN-4',
    rfc: 'RFC 4271 6.2',
    level: 'must',
    title: 'Hold time of 1 or 2 seconds',
    stimulus: 'OPEN with hold time 1, with hold time 2',
    expected: 'NOTIFICATION 2/6 and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      for (const holdTime of [1, 2])
        await refused(t, `hold time ${holdTime}`, 'ebgp', () => ({ holdTime }), [2, 6]);
    },
  },
  {
    id: 'OPN-5',
    rfc: 'RFC 4271 4.2, 6.2',
    level: 'local',
    title: 'Hold time of 0, 3 or 65535 seconds',
    stimulus: 'OPEN with hold time 0, 3 and 65535',
    expected: 'accepted (KEEPALIVE), or refused with NOTIFICATION 2/6 as the RFC allows',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      for (const holdTime of [0, 3, 65535]) {
        await t.step(`hold time ${holdTime}`, async () => {
          const peer = await t.connect('ebgp');
          peer.send(t.openOf(peer.identity, { holdTime }));
          await peer.expect(
            'a KEEPALIVE or NOTIFICATION 2/6',
            ({ body }) =>
              body.kind === 'keepalive' ||
              (body.kind === 'notification' && body.code === 2 && body.subcode === 6),
          );
        });
      }
    },
  },
  {
    id: 'OPN-6',
    rfc: 'RFC 4271 6.2',
    level: 'must',
    title: 'Unknown optional parameter',
    stimulus: 'OPEN with an optional parameter of type 3, of type 200, alone and behind the capabilities',
    expected: 'NOTIFICATION 2/4 and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      for (const type of [3, 200]) {
        const unknown = parameter(type, bytes(1, 2, 3));
        await refused(t, `type ${type} alone`, 'ebgp', () => ({ parameters: [unknown] }), [2, 4]);
        await refused(
          t,
          `type ${type} behind capabilities`,
          'ebgp',
          ({ identity }) => ({
            parameters: [capabilities(...usualCapabilities(t.profile, identity.asn)), unknown],
          }),
          [2, 4],
        );
      }
    },
  },
  {
    id: 'OPN-7',
    rfc: 'RFC 4271 6.2',
    level: 'must',
    title: 'Optional parameter or capability that does not fit',
    stimulus:
      'capability that runs past its parameter; parameter that runs past the parameters; parameter of one octet',
    expected: 'NOTIFICATION 2/0 and close',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      const four = ({ identity }: Peer): Uint8Array => fourOctetAs(identity.asn);
      await refused(
        t,
        'capability runs past its parameter',
        'ebgp',
        (peer) => ({ parameters: [capabilities(four(peer), capability(1, [0, 1, 0, 1], 9))] }),
        [2, 0],
      );
      await refused(
        t,
        'parameter runs past the parameters',
        'ebgp',
        (peer) => ({ parameters: [parameter(2, four(peer), 40)] }),
        [2, 0],
      );
      await refused(
        t,
        'parameter without its length',
        'ebgp',
        (peer) => ({ parameters: [capabilities(four(peer)), bytes(2)] }),
        [2, 0],
      );
    },
  },
  {
    id: 'OPN-8',
    rfc: 'RFC 9072 2, 3',
    level: 'must',
    title: 'Extended optional parameters',
    stimulus:
      'first parameter type 255 with 2-octet lengths: short length 255, short length 7, more than 255 octets of capabilities',
    expected: 'the parameters are read with 2-octet lengths: the session comes up with its capabilities',
    needs: [{ kind: 'ebgp' }, OBSERVER],
    async run(t) {
      const attempt = (name: string, padding: readonly Uint8Array[], shortLength: number): Promise<void> =>
        t.step(name, async () => {
          const peer = await t.connect('ebgp');
          const list = [...usualCapabilities(t.profile, peer.identity.asn), ...padding];
          const parameters = [extendedParameter(2, bytes(...list))];
          peer.send(extendedOpen({ ...fields(t, peer.identity), parameters, shortLength }));
          await accepted(t, peer);
        });
      const unknown = capability(239, new Uint8Array(200));
      await attempt('short length 255', [], 255);
      await attempt('short length 7', [], 7);
      await attempt('more than 255 octets', [unknown, unknown], 255);
    },
  },
  {
    id: 'OPN-9',
    rfc: 'RFC 9072 2',
    level: 'must',
    title: 'Parameter type 255 that is not the first',
    stimulus: 'a parameter of type 255 behind one with capabilities',
    expected: 'NOTIFICATION 2/4 and close: an unknown optional parameter',
    needs: [{ kind: 'ebgp' }],
    async run(t) {
      const peer = await t.connect('ebgp');
      const list = capabilities(...usualCapabilities(t.profile, peer.identity.asn));
      peer.send(open({ ...fields(t, peer.identity), parameters: [list, parameter(255, bytes(0, 0))] }));
      await peer.expectReset(2, 4);
    },
  },
  {
    id: 'OPN-10',
    rfc: 'RFC 9072 2',
    level: 'must',
    title: 'More than 255 octets of optional parameters to send',
    stimulus: 'a connection of a peer for which the target has so many capabilities',
    expected: 'an OPEN in the extended form: the first parameter has type 255',
    needs: [{ kind: 'ebgp', features: ['large-open'] }],
    async run(t) {
      const peer = await t.connect({ kind: 'ebgp', features: ['large-open'] });
      t.check(
        peer.open!.extended,
        'expected an OPEN whose first parameter has type 255, got the common form',
      );
    },
  },
];
