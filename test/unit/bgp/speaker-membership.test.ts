// Route target membership (RFC 4684) through whole speakers: who asks for what, and who gets what.
import { describe, expect, test } from 'vitest';
import { membership, ownMemberships } from '../../../agents/bgp/membership.ts';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { FamilyName, SpeakerConfig } from '../../../agents/bgp/types.ts';
import { peerAt, prefixes, SpeakerLab } from '../../support/speaker-lab.ts';

const REFLECTOR = '10.0.0.1';
const RED = '10.0.0.2';
const BLUE = '10.0.0.3';
const FAMILIES: readonly FamilyName[] = ['l2vpn-evpn', 'rt-constraint'];
const mac = (last: string): string => `[2]:[0]:[48]:[aa:bb:cc:00:00:${last}] RD 192.0.2.1:3 label 100`;

/** A reflector with two clients, of which the blue one announces a red and a blue route. */
async function fabric(
  red: SpeakerConfig['rtConstraint'],
  reflector: SpeakerConfig['rtConstraint'],
): Promise<{ lab: SpeakerLab; red: BgpSpeaker }> {
  const lab = new SpeakerLab();
  const common = { families: FAMILIES };
  const given = (rtConstraint: SpeakerConfig['rtConstraint']): Partial<SpeakerConfig> =>
    rtConstraint === undefined ? {} : { rtConstraint };
  const centre = lab.speaker(REFLECTOR, given(reflector));
  const client = { ...common, passive: true, routeReflectorClient: true };
  centre.setPeers([peerAt(RED, client), peerAt(BLUE, client)]);
  const asking = lab.speaker(RED, given(red));
  asking.setPeers([peerAt(REFLECTOR, common)]);
  const announcing = lab.speaker(BLUE);
  announcing.setPeers([peerAt(REFLECTOR, common)]);
  announcing.announce(mac('01'), { communities: ['rt:65000:1'] });
  announcing.announce(mac('02'), { communities: ['rt:65000:2'] });
  for (const speaker of [centre, asking, announcing]) await speaker.start();
  lab.clock.runUntil(() =>
    [asking, announcing].every((speaker) => speaker.neighbors()[0]!.state === 'Established'),
  );
  lab.clock.run(1000);
  return { lab, red: asking };
}

const evpn = (speaker: BgpSpeaker): string[] => prefixes(speaker).filter((text) => text.startsWith('['));

describe('route target membership', () => {
  test('brings the routes with the targets that were asked for, which the reflector gets all of', async () => {
    const { red } = await fabric({ import: ['rt:65000:1'] }, undefined);
    expect(evpn(red)).toEqual([mac('01')]);
    expect(prefixes(red)).toEqual(expect.arrayContaining(['default', '64512:65000:1']));
  });

  test('brings nothing to who asks for nothing, and everything with the default', async () => {
    expect(evpn((await fabric(undefined, undefined)).red)).toEqual([]);
    expect(evpn((await fabric({ import: 'default' }, undefined)).red)).toEqual([mac('01'), mac('02')]);
  });

  test('goes on from one client to the other, and ends with the sessions that carry it', async () => {
    const { red, lab } = await fabric({ import: ['rt:65000:1'] }, { import: ['rt:65000:2'] });
    expect(evpn(red)).toEqual([mac('01')]);
    red.setPeers([]);
    lab.clock.run(1000);
    expect(prefixes(red)).toEqual([]);
  });

  test('is not asked for where it is switched off, and then nobody sends anything', async () => {
    expect(evpn((await fabric({ import: 'default' }, false)).red)).toEqual([mac('01'), mac('02')]);
    expect(evpn((await fabric(undefined, false)).red)).toEqual([]);
  });
});

describe('what we ask for', () => {
  const config = { asn: 65000, routerId: '192.0.2.1', listen: [] };
  const carrier = { families: FAMILIES };
  test.each([
    [
      'nothing without the family',
      {},
      [{ families: ['l2vpn-evpn'] as const, routeReflectorClient: true }],
      [],
    ],
    [
      'all, where a peer is our client',
      {},
      [carrier, { ...carrier, routeReflectorClient: true }],
      ['default'],
    ],
    [
      'nothing with it switched off',
      { rtConstraint: false },
      [{ ...carrier, routeReflectorClient: true }],
      [],
    ],
    [
      'targets',
      { rtConstraint: { import: ['rt:65000:1', 'rt:192.0.2.1:7'] } },
      [carrier],
      ['65000:65000:1', '65000:192.0.2.1:7'],
    ],
    [
      'targets in the name of the confederation',
      { rtConstraint: { import: ['rt:65000:1'] }, confederation: { id: 100, members: [65001] } },
      [carrier],
      ['100:65000:1'],
    ],
  ])('%s', (_name, more, peers, expected) => {
    expect(ownMemberships({ ...config, ...more }, peers)).toEqual(expected);
  });

  test('only route targets can be asked for', () => {
    for (const text of ['65000:1', 'soo:65000:1', 'rt:x', 'rt:70000:70000']) {
      expect(() => membership(65000, text)).toThrow(RangeError);
    }
  });
});
