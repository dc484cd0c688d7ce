import { expect, test } from 'vitest';
import type { PeerRangeConfig } from '../../../agents/bgp/types.ts';
import { ASN, neighbor, peerAt, SpeakerLab } from '../../support/speaker-lab.ts';

const HUB = '10.0.0.9';

function range(prefix: string, more: Partial<PeerRangeConfig> = {}): PeerRangeConfig {
  return { name: prefix, range: prefix, asn: ASN, ...more };
}

test('whoever calls from a range is a peer while its session lasts, and its routes are reflected', async () => {
  const lab = new SpeakerLab();
  const hub = lab.speaker(HUB, { clusterId: HUB });
  hub.setPeers([], [range('10.0.0.0/16', { routeReflectorClient: true })]);
  const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.0.2')];
  a.announce('192.168.1.0/24');
  for (const speaker of [a, b]) speaker.setPeers([peerAt(HUB)]);
  for (const speaker of [hub, a, b]) await speaker.start();
  expect(hub.neighbors()).toEqual([]);
  lab.clock.runUntil(() => b.rib().length === 1);
  expect(hub.neighbors().map(({ name, dynamic, group }) => [name, dynamic, group])).toEqual([
    ['10.0.0.1', true, '10.0.0.0/16'],
    ['10.0.0.2', true, '10.0.0.0/16'],
  ]);
  expect(b.rib()[0]).toMatchObject({ originatorId: '10.0.0.1', clusterList: [HUB] });
  await lab.stop(a);
  expect(hub.neighbors().map(({ name }) => name)).toEqual(['10.0.0.2']);
  lab.clock.run(10);
  expect(b.rib()).toEqual([]);
});

test('a configured peer comes before a range, a longer range before a shorter one', async () => {
  const lab = new SpeakerLab();
  const hub = lab.speaker(HUB);
  hub.setPeers(
    [peerAt('10.0.0.1', { passive: true, description: 'known' })],
    [range('10.0.0.0/8', { name: 'wide' }), range('10.0.0.2/31', { name: 'narrow' })],
  );
  const others = ['10.0.0.1', '10.0.0.2', '10.0.1.1'].map((address) => lab.speaker(address));
  for (const speaker of others) speaker.setPeers([peerAt(HUB)]);
  for (const speaker of [hub, ...others]) await speaker.start();
  lab.untilUp(...others);
  expect(hub.neighbors().map(({ name, group, description }) => [name, group ?? description])).toEqual([
    ['10.0.0.1', 'known'],
    ['10.0.0.2', 'narrow'],
    ['10.0.1.1', 'wide'],
  ]);
});

test.each<[string, PeerRangeConfig['asn'], number, boolean]>([
  ['any AS', 'any', 65001, true],
  ['one of several', [65000, 65001], 65001, true],
  ['none of several', [65000, 65002], 65001, false],
])('a range that takes %s', async (_name, asn, theirs, accepted) => {
  const lab = new SpeakerLab();
  const hub = lab.speaker(HUB);
  hub.setPeers([], [range('10.0.0.0/16', { asn })]);
  const caller = lab.speaker('10.0.0.1', { asn: theirs });
  caller.setPeers([peerAt(HUB)]);
  await hub.start();
  await caller.start();
  lab.clock.run(300);
  expect(caller.neighbors()[0]!.state === 'Established').toBe(accepted);
  if (accepted) expect(neighbor(hub, '10.0.0.1').asn).toBe(theirs);
  else expect(caller.neighbors()[0]!.lastError).toContain('Bad Peer AS');
});

test('a full range takes nobody more until one has gone', async () => {
  const lab = new SpeakerLab();
  const hub = lab.speaker(HUB);
  hub.setPeers([], [range('10.0.0.0/16', { limit: 1 })]);
  const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.0.2')];
  for (const speaker of [a, b]) speaker.setPeers([peerAt(HUB)]);
  await hub.start();
  await a.start();
  lab.untilUp(a);
  await b.start();
  lab.clock.run(2000);
  expect(hub.neighbors().map(({ name }) => name)).toEqual(['10.0.0.1']);
  await lab.stop(a);
  lab.untilUp(b);
});

test('who announced too much, or was shut down, stays away for so long', async () => {
  const lab = new SpeakerLab();
  const hub = lab.speaker(HUB);
  const maxPrefixes = { limit: 1, restartAfter: 30 };
  hub.setPeers([], [range('10.0.0.0/16', { familySettings: [{ family: 'ipv4-unicast', maxPrefixes }] })]);
  const caller = lab.speaker('10.0.0.1');
  caller.setPeers([peerAt(HUB, { connectRetry: 1 })]);
  for (const prefix of ['192.168.1.0/24', '192.168.2.0/24']) caller.announce(prefix);
  await hub.start();
  await caller.start();
  lab.clock.runUntil(() => hub.neighbors()[0]?.prefixLimit === 'ipv4-unicast');
  caller.withdraw('192.168.2.0/24');
  lab.clock.run(29_000);
  expect(neighbor(hub, '10.0.0.1')).toMatchObject({ state: 'Idle', established: 1 });
  expect(caller.neighbors()[0]!.lastError).toContain('Connection Rejected');
  lab.clock.runUntil(() => hub.rib().length === 1, 20_000);
  hub.peer('10.0.0.1').shutdown({});
  lab.clock.run(10_000);
  expect(neighbor(hub, '10.0.0.1')).toMatchObject({ state: 'Idle', shutDown: true });
  hub.peer('10.0.0.1').enable();
  lab.clock.runUntil(() => hub.rib().length === 1, 20_000);
  expect(neighbor(hub, '10.0.0.1')).toMatchObject({ state: 'Established', shutDown: false });
});

test('a range that is taken away takes its peers with it', async () => {
  const lab = new SpeakerLab();
  const hub = lab.speaker(HUB);
  hub.setPeers([], [range('10.0.0.0/24'), range('10.0.1.0/24')]);
  const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.1.1')];
  for (const speaker of [a, b]) speaker.setPeers([peerAt(HUB)]);
  for (const speaker of [hub, a, b]) await speaker.start();
  lab.untilUp(a, b);
  const { since } = neighbor(hub, '10.0.0.1');
  hub.setPeers([], [range('10.0.0.0/24')]);
  lab.clock.run(100);
  expect(hub.neighbors().map(({ name }) => name)).toEqual(['10.0.0.1']);
  expect(neighbor(hub, '10.0.0.1').since).toBe(since);
  expect(b.neighbors()[0]!.lastError).toMatch(/Peer De-configured|connection closed|ECONN/);
});

test('ranges that are no prefixes, or of one name, are refused', () => {
  const hub = new SpeakerLab().speaker(HUB);
  expect(() => hub.setPeers([], [range('10.0.0')])).toThrow('not an IP prefix: "10.0.0"');
  const twice = [range('10.0.0.0/24', { name: 'x' }), range('10.0.1.0/24', { name: 'x' })];
  expect(() => hub.setPeers([], twice)).toThrow('two ranges of BGP peers are named "x"');
});
