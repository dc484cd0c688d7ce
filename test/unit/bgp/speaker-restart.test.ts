// Graceful restart through whole speakers, in both roles, and what happens when a peer says too much.
import { describe, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { PeerConfig } from '../../../agents/bgp/types.ts';
import { ASN, neighbor, peerAt, prefixes, SpeakerLab } from '../../support/speaker-lab.ts';

const HELPER = '10.0.0.1';
const RESTARTER = '10.0.0.2';
const graceful: Partial<PeerConfig> = { gracefulRestart: { restartTime: 20, staleTime: 30 } };

/** A helper that knows two routes of a peer with which it agreed on graceful restart. */
async function pair(
  more: Partial<PeerConfig> = graceful,
): Promise<{ lab: SpeakerLab; helper: BgpSpeaker; restarter: BgpSpeaker }> {
  const lab = new SpeakerLab();
  const [helper, restarter] = [lab.speaker(HELPER), lab.speaker(RESTARTER)];
  helper.setPeers([peerAt(RESTARTER, { passive: true, ...more })]);
  restarter.setPeers([peerAt(HELPER, more)]);
  for (const prefix of ['192.168.1.0/24', '192.168.2.0/24']) restarter.announce(prefix);
  await helper.start();
  await restarter.start();
  lab.clock.runUntil(() => helper.rib().length === 2);
  return { lab, helper, restarter };
}

/** The restarter again, with one route less. */
async function comeBack(lab: SpeakerLab, restarting: boolean): Promise<BgpSpeaker> {
  const again = lab.speaker(RESTARTER, restarting ? { restarting: {} } : {});
  again.setPeers([peerAt(HELPER, graceful)]);
  again.announce('192.168.2.0/24');
  await again.start();
  return again;
}

describe('a peer that restarts', () => {
  test('has its routes kept as stale, and loses those that it does not announce again', async () => {
    const { lab, helper, restarter } = await pair();
    const changes: string[] = [];
    helper.onBestChange((list) =>
      changes.push(...list.map(({ prefix, best }) => `${prefix} ${best !== undefined}`)),
    );
    await lab.stop(restarter, { restart: true });
    expect(prefixes(helper)).toEqual(['~192.168.1.0/24', '~192.168.2.0/24']);
    expect(neighbor(helper, RESTARTER)).toMatchObject({
      staleFamilies: ['ipv4-unicast'],
      prefixesReceived: 2,
    });
    await comeBack(lab, true);
    lab.untilUp(helper);
    lab.clock.run(100);
    expect(prefixes(helper)).toEqual(['192.168.2.0/24']);
    expect(neighbor(helper, RESTARTER).staleFamilies).toEqual([]);
    // What it announced again was never withdrawn from anybody.
    expect(changes.filter((change) => change.startsWith('192.168.2'))).not.toContain('192.168.2.0/24 false');
  });

  test('loses them where it comes back without having kept its forwarding state', async () => {
    const { lab, helper, restarter } = await pair();
    await lab.stop(restarter, { restart: true });
    await comeBack(lab, false);
    lab.clock.runUntil(() => neighbor(helper, RESTARTER).state === 'Established');
    expect(prefixes(helper).filter((prefix) => prefix.startsWith('~'))).toEqual([]);
  });

  test('loses them when its restart time is over', async () => {
    const { lab, helper, restarter } = await pair();
    await lab.stop(restarter, { restart: true });
    lab.clock.run(15_000);
    expect(prefixes(helper)).toHaveLength(2);
    lab.clock.run(6000);
    expect(prefixes(helper)).toEqual([]);
  });

  test('says goodbye, and so loses them at once', async () => {
    const { lab, helper, restarter } = await pair({ gracefulRestart: { notification: false } });
    await lab.stop(restarter);
    expect(prefixes(helper)).toEqual([]);
  });

  test('is removed meanwhile', async () => {
    const { lab, helper, restarter } = await pair();
    await lab.stop(restarter, { restart: true });
    helper.setPeers([]);
    lab.clock.run(1);
    expect(prefixes(helper)).toEqual([]);
  });

  test('has its routes kept for long as the last resort (RFC 9494)', async () => {
    const { lab, helper, restarter } = await pair({
      gracefulRestart: { restartTime: 5 },
      longLivedGracefulRestart: { staleTime: 100 },
    });
    await lab.stop(restarter, { restart: true });
    lab.clock.run(6000);
    expect(helper.rib()[0]).toMatchObject({ stale: true, longLived: true, communities: ['llgr-stale'] });
    lab.clock.run(100_000);
    expect(prefixes(helper)).toEqual([]);
  });
});

describe('after our own restart', () => {
  test('nothing is announced until every peer has told its routes', async () => {
    const { lab, helper, restarter } = await pair();
    helper.announce('10.1.0.0/16');
    await lab.stop(restarter, { restart: true });
    const again = lab.speaker(RESTARTER, { restarting: { deferral: 50 } });
    // The second peer never comes up.
    again.setPeers([peerAt(HELPER, graceful), peerAt('10.0.0.3', graceful)]);
    again.announce('192.168.2.0/24');
    await again.start();
    lab.clock.runUntil(() => neighbor(again, HELPER).endOfRibReceived.length === 1);
    lab.clock.run(1000);
    expect(neighbor(again, HELPER).prefixesSent).toBe(0);
    const learnt = (): boolean[] =>
      again.rib().flatMap(({ peer, best }) => (peer === undefined ? [] : [best]));
    expect(learnt()).toEqual([false]);
    lab.clock.run(50_000);
    expect(neighbor(again, HELPER).prefixesSent).toBe(1);
    expect(learnt()).toEqual([true]);
  });
});

describe('after our own restart, with dynamic neighbours', () => {
  const RANGE = { name: 'all', range: '10.0.0.0/16', asn: ASN } as const;

  async function hub(
    restartTime: number,
    deferral: number,
  ): Promise<{ lab: SpeakerLab; again: BgpSpeaker; callers: BgpSpeaker[] }> {
    const lab = new SpeakerLab();
    const again = lab.speaker(RESTARTER, { restarting: { deferral } });
    again.setPeers([], [{ ...RANGE, routeReflectorClient: true, gracefulRestart: { restartTime } }]);
    again.announce('192.168.2.0/24');
    const callers = [HELPER, '10.0.0.3'].map((address) => lab.speaker(address));
    for (const caller of callers) caller.setPeers([peerAt(RESTARTER, graceful)]);
    for (const speaker of [again, ...callers]) await speaker.start();
    lab.untilUp(...callers);
    return { lab, again, callers };
  }

  const restarting = (caller: BgpSpeaker): unknown =>
    neighbor(caller, RESTARTER).negotiated?.gracefulRestart?.restarting;

  test('waits for others to call until the restart time of the range is over', async () => {
    const { lab, again, callers } = await hub(20, 360);
    expect(callers.map(restarting)).toEqual([true, true]);
    lab.clock.runUntil(() =>
      again.neighbors().every(({ endOfRibReceived }) => endOfRibReceived.length === 1),
    );
    lab.clock.run(5000);
    expect(callers.map(prefixes)).toEqual([[], []]);
    lab.clock.run(20_000);
    expect(callers.map(prefixes)).toEqual([['192.168.2.0/24'], ['192.168.2.0/24']]);
  });

  test('waits no longer than for the deferral time', async () => {
    const { lab, callers } = await hub(200, 30);
    lab.clock.run(20_000);
    expect(callers.map(prefixes)).toEqual([[], []]);
    lab.clock.run(15_000);
    expect(callers.map(prefixes)).toEqual([['192.168.2.0/24'], ['192.168.2.0/24']]);
  });
});

describe('a prefix limit', () => {
  const limited = (action: 'warn' | 'teardown', restartAfter?: number): Partial<PeerConfig> => ({
    familySettings: [
      {
        family: 'ipv4-unicast',
        maxPrefixes: { limit: 2, action, ...(restartAfter === undefined ? {} : { restartAfter }) },
      },
    ],
  });

  test('only warns where that is asked for', async () => {
    const { lab, helper, restarter } = await pair(limited('warn'));
    restarter.announce('192.168.3.0/24');
    lab.clock.runUntil(() => helper.rib().length === 3);
    expect(neighbor(helper, RESTARTER).state).toBe('Established');
    expect(lab.logged.filter((line) => line.startsWith('BGP prefix limit'))).toEqual([
      'BGP prefix limit is near {"family":"ipv4-unicast","limit":2}',
      'BGP prefix limit exceeded {"family":"ipv4-unicast","limit":2}',
    ]);
  });

  test('ends the session, which comes back when it is cleared', async () => {
    const { lab, helper, restarter } = await pair(limited('teardown'));
    restarter.announce('192.168.3.0/24');
    lab.clock.runUntil(() => neighbor(restarter, HELPER).lastError !== undefined);
    expect(neighbor(restarter, HELPER).lastError).toContain(
      '6/1 Cease: Maximum Number of Prefixes Reached, ipv4-unicast limit 2',
    );
    expect(prefixes(helper)).toEqual([]);
    restarter.withdraw('192.168.3.0/24');
    lab.clock.run(60_000);
    expect(neighbor(helper, RESTARTER).state).toBe('Idle');
    helper.peer(RESTARTER).clear('reset');
    lab.clock.runUntil(() => helper.rib().length === 2);
  });

  test('ends the session for a while', async () => {
    const { lab, helper, restarter } = await pair(limited('teardown', 30));
    restarter.announce('192.168.3.0/24');
    lab.clock.runUntil(() => helper.rib().length === 0);
    restarter.withdraw('192.168.3.0/24');
    lab.clock.run(29_000);
    expect(neighbor(helper, RESTARTER).state).toBe('Idle');
    lab.clock.runUntil(() => helper.rib().length === 2, 10_000);
  });
});
