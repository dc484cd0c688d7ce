import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import type { PeerConfig, SpeakerConfig } from '../../../agents/bgp/types.ts';
import type { SessionState } from '../../../protocol/bgp/session/state.ts';
import { bestRoutes, realSpeaker, silentLog, until, untilEstablished } from '../../support/bgp.ts';
import { SimClock, SimNet, seededRandom } from '../../support/sim-net.ts';

const PORT = 179;

/** Speakers on a simulated network. */
class Lab {
  readonly clock = new SimClock();
  readonly net = new SimNet(this.clock);
  seed = 1;

  speaker(address: string, more: Partial<SpeakerConfig> = {}): BgpSpeaker {
    const config = { asn: 64512, routerId: address, listen: [{ address, port: PORT }], ...more };
    const random = seededRandom(this.seed++ * 7919);
    return new BgpSpeaker(config, { clock: this.clock, random, tcp: this.net.tcp(address), log: silentLog });
  }

  /** Stops a speaker while time goes on. */
  async stop(speaker: BgpSpeaker): Promise<void> {
    let stopped = false;
    const done = speaker.stop().then(() => {
      stopped = true;
    });
    for (let i = 0; i < 50 && !stopped; i++) {
      this.clock.run(50);
      await Promise.resolve();
    }
    await done;
  }
}

function peer(name: string, address: string, more: Partial<PeerConfig> = {}): PeerConfig {
  return { name, address, asn: 64512, holdTime: 90, ...more };
}

const allUp = (...speakers: readonly BgpSpeaker[]): boolean =>
  speakers.every((speaker) => speaker.neighbors().every(({ state }) => state === 'Established'));

describe('two speakers', () => {
  test.each([
    ['both dial', {}, {}],
    ['one is passive', { passive: true }, {}],
    ['the other is passive', {}, { passive: true }],
  ])('%s: up, routes and End-of-RIB both ways within 500 ms', async (_name, atA, atB) => {
    const lab = new Lab();
    const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.0.2')];
    const ends: string[] = [];
    a.onEndOfRib((name, family) => ends.push(`a ${name} ${family}`));
    b.onEndOfRib((name, family) => ends.push(`b ${name} ${family}`));
    a.setPeers([peer('b', '10.0.0.2', atA)]);
    b.setPeers([peer('a', '10.0.0.1', atB)]);
    a.announce('10.1.0.0/26');
    await a.start();
    await b.start();
    b.announce('10.2.0.0/26');
    lab.clock.runUntil(() => allUp(a, b) && ends.length === 2, 500);
    expect(ends.sort()).toEqual(['a b ipv4-unicast', 'b a ipv4-unicast']);
    expect(bestRoutes(a.rib())).toEqual(['10.1.0.0/26 via 0.0.0.0', '10.2.0.0/26 via 10.0.0.2']);
    expect(bestRoutes(b.rib())).toEqual(['10.1.0.0/26 via 10.0.0.1', '10.2.0.0/26 via 0.0.0.0']);
    expect(a.neighbors()[0]).toMatchObject({
      routerId: '10.0.0.2',
      holdTime: 90,
      prefixesReceived: 1,
      prefixesSent: 1,
      endOfRibSent: ['ipv4-unicast'],
      endOfRibReceived: ['ipv4-unicast'],
      lastError: undefined,
    });
    await lab.stop(a);
    await lab.stop(b);
    expect(lab.clock.pending).toBe(0);
  });

  test('dialling at the same moment comes to one session, for any start and any cut of the stream', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const lab = new Lab();
      lab.seed = seed * 10;
      lab.net.chunk = seed % 2 === 0 ? 5 : Number.POSITIVE_INFINITY;
      const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.0.2')];
      a.setPeers([peer('b', '10.0.0.2')]);
      b.setPeers([peer('a', '10.0.0.1')]);
      await a.start();
      lab.clock.run((seed % 8) * 0.5);
      await b.start();
      lab.clock.runUntil(() => allUp(a, b), 1000);
      const before = a.neighbors()[0]!.since;
      // And it stays.
      lab.clock.run(600_000);
      expect(allUp(a, b)).toBe(true);
      expect(a.neighbors()[0]!.since).toBe(before);
    }
  });

  test('a crash without a word is noticed by the hold timer, and the routes go', async () => {
    const lab = new Lab();
    const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.0.2')];
    a.setPeers([peer('b', '10.0.0.2', { holdTime: 9 })]);
    b.setPeers([peer('a', '10.0.0.1')]);
    b.announce('10.2.0.0/26');
    await a.start();
    await b.start();
    lab.clock.runUntil(() => a.rib().length === 1);
    lab.clock.run(10);
    expect(a.neighbors()[0]!.holdTime).toBe(9);
    const changes: string[] = [];
    a.onBestChange((list) =>
      changes.push(...list.map(({ prefix, best }) => `${prefix} ${best?.nextHop ?? 'gone'}`)),
    );
    lab.net.crash('10.0.0.2');
    lab.clock.run(5900);
    expect(a.rib().length).toBe(1);
    lab.clock.run(4000);
    expect(changes).toEqual(['10.2.0.0/26 gone']);
    expect(a.neighbors()[0]!.lastError).toMatch(
      /^NOTIFICATION sent: 4\/0 Hold Timer Expired$|^TCP ECONNREFUSED$/,
    );
  });

  test('a stop sends Administrative Shutdown and closes everything', async () => {
    const lab = new Lab();
    const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.0.2')];
    a.setPeers([peer('b', '10.0.0.2')]);
    b.setPeers([peer('a', '10.0.0.1')]);
    a.announce('10.1.0.0/26');
    await a.start();
    await b.start();
    lab.clock.runUntil(() => b.rib().length === 1);
    const stopped = lab.stop(a);
    lab.clock.runUntil(() => b.rib().length === 0, 10);
    expect(b.neighbors()[0]!.lastError).toBe('NOTIFICATION received: 6/2 Cease: Administrative Shutdown');
    await stopped;
    expect(a.neighbors()[0]!.state).toBe('Idle');
  });

  test('the wrong AS is refused and shown on both sides', async () => {
    const lab = new Lab();
    const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.0.2')];
    a.setPeers([peer('b', '10.0.0.2', { asn: 65000 })]);
    b.setPeers([peer('a', '10.0.0.1', { passive: true })]);
    await a.start();
    await b.start();
    lab.clock.runUntil(() => b.neighbors()[0]!.lastError !== undefined);
    expect(a.neighbors()[0]!.lastError).toBe(
      'NOTIFICATION sent: 2/2 OPEN Message Error: Bad Peer AS (OPEN, offset 20: AS 64512 must be the configured 65000)',
    );
    expect(b.neighbors()[0]!.lastError).toBe('NOTIFICATION received: 2/2 OPEN Message Error: Bad Peer AS');
  });

  test('an unknown neighbour is refused', async () => {
    const lab = new Lab();
    const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.0.2')];
    a.setPeers([peer('b', '10.0.0.2')]);
    await a.start();
    await b.start();
    lab.clock.run(2000);
    expect(a.neighbors()[0]!.state).not.toBe('Established');
    // As soon as it is configured there, it comes up.
    b.setPeers([peer('a', '10.0.0.1')]);
    lab.clock.runUntil(() => allUp(a, b), 200);
  });

  test('a peer is accepted only on its local address', async () => {
    const lab = new Lab();
    const listen = [
      { address: '10.0.0.2', port: PORT },
      { address: '10.0.1.2', port: PORT },
    ];
    const [a, b] = [lab.speaker('10.0.0.1'), lab.speaker('10.0.0.2', { listen })];
    a.setPeers([peer('b', '10.0.0.2')]);
    b.setPeers([peer('a', '10.0.0.1', { passive: true, localAddress: '10.0.1.2' })]);
    await a.start();
    await b.start();
    lab.clock.run(2000);
    expect(b.neighbors()[0]!.state).toBe('Active');
    a.setPeers([peer('b', '10.0.1.2')]);
    lab.clock.runUntil(() => allUp(a, b), 500);
    expect(b.neighbors()[0]!.localAddress).toBe('10.0.1.2');
  });
});

describe('setPeers', () => {
  test('leaves unchanged sessions alone, ends removed ones with Peer De-configured, restarts changed ones', async () => {
    const lab = new Lab();
    const [hub, a, b, c] = ['10.0.0.9', '10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) =>
      lab.speaker(address),
    );
    for (const speaker of [a, b, c]) speaker!.setPeers([peer('hub', '10.0.0.9')]);
    hub!.setPeers([peer('a', '10.0.0.1'), peer('b', '10.0.0.2'), peer('c', '10.0.0.3')]);
    for (const speaker of [hub, a, b, c]) await speaker!.start();
    lab.clock.runUntil(() => allUp(hub!, a!, b!, c!));
    const since = hub!.neighbors()[0]!.since;
    const events: string[] = [];
    hub!.onSessionChange((name, state) => events.push(`${name} ${state}`));
    hub!.setPeers([
      peer('a', '10.0.0.1', { type: 'global', node: 'a' }),
      peer('c', '10.0.0.3', { routeReflectorClient: true }),
    ]);
    lab.clock.runUntil(() => allUp(hub!));
    expect(events.some((event) => event.startsWith('a '))).toBe(false);
    expect(hub!.neighbors()[0]).toMatchObject({ name: 'a', since, type: 'global', node: 'a' });
    expect(hub!.neighbors().map(({ name }) => name)).toEqual(['a', 'c']);
    expect(b!.neighbors()[0]!.lastError).toMatch(/6\/3 Cease: Peer De-configured|connection closed/);
    expect(hub!.neighbors()[1]).toMatchObject({
      name: 'c',
      routeReflectorClient: true,
      state: 'Established',
    });
  });

  test('refuses a configuration in which peers cannot be told apart', () => {
    const speaker = new Lab().speaker('10.0.0.1');
    expect(() => speaker.setPeers([peer('a', '10.0.0.2'), peer('a', '10.0.0.3')])).toThrow(
      'two BGP peers are named "a"',
    );
    expect(() => speaker.setPeers([peer('a', '10.0.0.2'), peer('b', '10.0.0.2')])).toThrow(
      'BGP peers "a" and "b" are both 10.0.0.2 port 179',
    );
    expect(() => speaker.setPeers([peer('a', 'host')])).toThrow('BGP peer "a": "host" is no IP address');
    expect(speaker.neighbors()).toEqual([]);
  });
});

describe('route reflection through speakers', () => {
  test('two reflectors of one cluster and three clients: every client has every route, without loops', async () => {
    const lab = new Lab();
    const reflectors = ['10.0.1.1', '10.0.1.2'];
    const nodes = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
    const speakers = [...reflectors, ...nodes].map((address) =>
      lab.speaker(address, reflectors.includes(address) ? { clusterId: '10.9.9.9' } : {}),
    );
    speakers.forEach((speaker, i) => {
      const reflector = i < 2;
      const others = reflector ? [...reflectors, ...nodes] : reflectors;
      const peers = others.filter((address) => address !== speaker.config.routerId);
      speaker.setPeers(
        peers.map((address) =>
          peer(address, address, { routeReflectorClient: reflector && nodes.includes(address) }),
        ),
      );
      if (!reflector) speaker.announce(`192.168.${i}.0/26`, { communities: ['64512:100', 'no-export'] });
    });
    for (const speaker of speakers) await speaker.start();
    lab.clock.runUntil(() => speakers.every((speaker) => bestRoutes(speaker.rib()).length === 3), 500);
    const [first] = speakers[2]!.rib().filter(({ prefix, best }) => prefix === '192.168.3.0/26' && best);
    expect(first).toMatchObject({
      nextHop: '10.0.0.2',
      originatorId: '10.0.0.2',
      clusterList: ['10.9.9.9'],
      communities: ['64512:100', 'no-export'],
      localPref: 100,
    });
    // A client's own route is never sent back to it.
    expect(speakers[0]!.adjRibOut('10.0.0.1').map(({ prefix }) => prefix)).toEqual([
      '192.168.3.0/26',
      '192.168.4.0/26',
    ]);
    // The reflectors' own session carries nothing back and forth: same cluster.
    expect(speakers[0]!.adjRibIn('10.0.1.2').every(({ best }) => !best)).toBe(true);
    const counts = (): number[] =>
      speakers.flatMap((speaker) => speaker.neighbors().map(({ messagesSent }) => messagesSent));
    lab.clock.run(10_000);
    const quiet = counts();
    lab.clock.run(10_000);
    expect(counts()).toEqual(quiet);
  });
});

describe('a speaker on real sockets', () => {
  test('says in one line why it cannot listen, and leaves nothing open', async () => {
    const blocker = createServer();
    const port = await new Promise<number>((resolve) => {
      blocker.listen(0, '127.76.1.2', () => resolve((blocker.address() as { port: number }).port));
    });
    const listen = [
      { address: '127.76.1.1', port },
      { address: '127.76.1.2', port },
    ];
    const speaker = realSpeaker({ asn: 64512, routerId: '127.76.1.1', listen });
    await expect(speaker.start()).rejects.toMatchObject({ name: 'PortError', code: 'EADDRINUSE' });
    expect(speaker.listening).toEqual([]);
    // The first address is free again.
    const again = realSpeaker({ asn: 64512, routerId: '127.76.1.1', listen: [listen[0]!] });
    await again.start();
    await again.stop();
    await new Promise((resolve) => blocker.close(resolve));
  });

  test('both dial each other at the same moment', async () => {
    const make = (address: string): BgpSpeaker =>
      realSpeaker({ asn: 64512, routerId: address, listen: [{ address, port: 17976 }] });
    const [a, b] = [make('127.76.1.3'), make('127.76.1.4')];
    a.setPeers([peer('b', '127.76.1.4', { port: 17976, localAddress: '127.76.1.3' })]);
    b.setPeers([peer('a', '127.76.1.3', { port: 17976, localAddress: '127.76.1.4' })]);
    a.announce('10.1.0.0/24');
    b.announce('2001:db8::/64');
    const states: SessionState[] = [];
    a.onSessionChange((_name, state) => states.push(state));
    await Promise.all([a.start(), b.start()]);
    await untilEstablished(a, 'b');
    await until(b, () => b.rib().some(({ prefix }) => prefix === '10.1.0.0/24'));
    expect(states.at(-1)).toBe('Established');
    // IPv6 was not agreed on, so it stays at home.
    expect(a.rib().map(({ prefix }) => prefix)).toEqual(['10.1.0.0/24']);
    await Promise.all([a.stop(), b.stop()]);
    expect(a.neighbors()[0]!.state).toBe('Idle');
  });
});
