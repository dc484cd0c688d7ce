// One MAC address at two speakers (RFC 7432 §15): who announces it, and what is logged.
import { expect, test } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import { peerAt, SpeakerLab } from '../../support/speaker-lab.ts';

const LOW = '10.0.0.1';
const HIGH = '10.0.0.2';
const families = ['l2vpn-evpn'] as const;
const route = (address: string): string => `[2]:[0]:[48]:[02:00:00:00:00:01] RD ${address}:1 label 100`;
const mobility = (text: string): { communities: string[] } => ({
  communities: ['rt:65000:1', `mac-mobility:${text}`],
});

/** Whose route each of them has as best: the speakers whose address is in the route distinguisher. */
function best(speaker: BgpSpeaker): string[] {
  return speaker.rib().flatMap((path) => (path.best ? [/ RD ([\d.]+):/.exec(path.prefix)![1]!] : []));
}

async function pair(): Promise<{ lab: SpeakerLab; low: BgpSpeaker; high: BgpSpeaker }> {
  const lab = new SpeakerLab();
  const [low, high] = [lab.speaker(LOW), lab.speaker(HIGH)];
  low.setPeers([peerAt(HIGH, { families, passive: true })]);
  high.setPeers([peerAt(LOW, { families })]);
  for (const speaker of [low, high]) {
    speaker.announce(route(speaker.config.routerId), { communities: ['rt:65000:1'] });
    await speaker.start();
  }
  lab.untilUp(low, high);
  lab.clock.run(100);
  return { lab, low, high };
}

test('the one with the lower address keeps it, until the other says that it moved there', async () => {
  const { lab, low, high } = await pair();
  expect([best(low), best(high)]).toEqual([[LOW], [LOW]]);
  high.announce(route(HIGH), mobility('1'));
  lab.clock.run(100);
  expect([best(low), best(high)]).toEqual([[HIGH], [HIGH]]);
  const own = low.rib().find(({ source }) => source === 'local');
  expect(own).toMatchObject({ best: false, ineligible: 'MAC address is at another PE (RFC 7432)' });
  high.withdraw(route(HIGH));
  lab.clock.run(100);
  expect([best(low), best(high)]).toEqual([[LOW], [LOW]]);
  const moves = lab.logged.filter((line) => line.startsWith('own MAC address'));
  expect(moves).toEqual([
    `own MAC address moved to another PE ${JSON.stringify({ prefix: route(HIGH), peer: LOW, reason: 'pe-address' })}`,
    `own MAC address is announced again ${JSON.stringify({ prefix: route(HIGH) })}`,
    `own MAC address moved to another PE ${JSON.stringify({ prefix: route(LOW), peer: HIGH, reason: 'mac-sequence' })}`,
    `own MAC address is announced again ${JSON.stringify({ prefix: route(LOW) })}`,
  ]);
});

test('one that is static elsewhere is warned of (§15.2)', async () => {
  const { lab, low, high } = await pair();
  high.announce(route(HIGH), mobility('0:sticky'));
  lab.clock.run(100);
  expect([best(low), best(high)]).toEqual([[HIGH], [HIGH]]);
  expect(lab.logged.at(-1)).toBe(
    `own MAC address is static at another PE ${JSON.stringify({ prefix: route(LOW), peer: HIGH, withdrawn: true })}`,
  );
});
