import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BgpSpeaker } from '../../../agents/bgp/speaker.ts';
import { controlSpeaker } from '../../../agents/bgp/speaker-control.ts';
import type { BgpExplanation, BgpNeighbor, BgpSummary } from '../../../agents/control/bgp.ts';
import { serveControl } from '../../../agents/control/server.ts';
import { duration, routeLine, summaryText } from '../../../lab/cli/bgp-format.ts';
import { newCounters } from '../../../protocol/bgp/session/counters.ts';
import { neighbor, peerAt, prefixes, SpeakerLab } from '../../support/speaker-lab.ts';
import { fakeAgent, fakeLab, oneLab, podwire } from './support/fake-lab.ts';

const HUB = '10.0.0.9';

/** A hub in AS 64512 with two peers of other ASes that know the same prefix, and one of its own AS. */
async function scene(): Promise<{ lab: SpeakerLab; hub: BgpSpeaker; near: BgpSpeaker; inside: BgpSpeaker }> {
  const lab = new SpeakerLab();
  const hub = lab.speaker(HUB, { clusterId: HUB });
  const near = lab.speaker('10.0.0.1', { asn: 65001 });
  const far = lab.speaker('10.0.0.2', { asn: 65002 });
  const inside = lab.speaker('10.0.0.3');
  hub.setPeers([
    peerAt('10.0.0.1', { asn: 65001, name: 'near' }),
    peerAt('10.0.0.2', { asn: 65002, name: 'far' }),
    peerAt('10.0.0.3', { name: 'inside', node: 'host3', routeReflectorClient: true }),
  ]);
  for (const speaker of [near, far, inside]) speaker.setPeers([peerAt(HUB)]);
  near.announce('203.0.113.0/24', { communities: ['65001:7', '65001:8:9'], med: 10 });
  far.announce('203.0.113.0/24', { asPath: [65010] });
  far.announce('203.0.113.128/25');
  inside.announce('192.168.3.0/24');
  hub.announce('198.51.100.0/24');
  for (const speaker of [hub, near, far, inside]) await speaker.start();
  lab.untilUp(hub);
  lab.clock.run(1000);
  return { lab, hub, near, inside };
}

let world: Awaited<ReturnType<typeof scene>>;

beforeEach(async () => {
  world = await scene();
});

/** `podwire bgp ...` against the hub, as the speaker of a lab's node. */
async function bgp(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const agent = fakeAgent('host1', { speaker: controlSpeaker('host1', () => world.hub) });
  return podwire(['bgp', ...args, '--node', 'host1'], { labs: oneLab(fakeLab([agent])) });
}

/** The answer as JSON. */
async function json<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await bgp(...args, '--format', 'json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as T;
}

describe('tables', () => {
  test('bgp rib, as vtysh shows it', async () => {
    const { code, stdout } = await bgp('rib');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'Local router ID is 10.0.0.9, local AS 64512',
      'Status codes: * valid, > best, = multipath, i internal, c confederation, S stale, ! not eligible',
      'Origin codes: i - IGP, e - EGP, ? - incomplete',
      '',
      '    Network             Next Hop            Metric LocPrf Path',
      '*>i 192.168.3.0/24      10.0.0.3                      100 i',
      '*>  198.51.100.0/24     0.0.0.0                           i',
      '*>  203.0.113.0/24      10.0.0.1                10        65001 i',
      '*                       10.0.0.2                          65002 65010 i',
      '*>  203.0.113.128/25    10.0.0.2                          65002 i',
      '',
      'Displayed 4 prefixes and 5 paths',
    ]);
  });

  test.each<[string[], string[]]>([
    [
      ['203.0.113.0/24', '--longer'],
      ['203.0.113.0/24', '203.0.113.0/24', '203.0.113.128/25'],
    ],
    [['203.0.113.0/24', '--best'], ['203.0.113.0/24']],
    [['--community', '65001:7'], ['203.0.113.0/24']],
    [['--community', '65001:8:9'], ['203.0.113.0/24']],
    [['--as-path', '_65010$'], ['203.0.113.0/24']],
    [
      ['--as-path', '^65002'],
      ['203.0.113.0/24', '203.0.113.128/25'],
    ],
    [['--as-path', '^$', '--limit', '1'], ['192.168.3.0/24']],
    [['--family', 'ipv6-unicast'], []],
  ])('bgp rib %j', async (filter, expected) => {
    const paths = await json<{ prefix: string }[]>('rib', ...filter);
    expect(paths.map(({ prefix }) => prefix)).toEqual(expected);
  });

  test('options that choose the speaker may stand in front of the command', async () => {
    const agent = fakeAgent('host1', { speaker: controlSpeaker('host1', () => world.hub) });
    const { stdout } = await podwire(['bgp', '--node', 'host1', 'rib', '--limit', '1'], {
      labs: oneLab(fakeLab([agent])),
    });
    expect(stdout).toContain('Displayed 1 prefix and 1 path\n');
    const both = await podwire(['bgp', '--socket', 'x', 'summary', '--node', 'host1']);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('not both') });
  });

  test('bgp received shows what a peer sent, bgp advertised what it was sent', async () => {
    expect(await json('received', 'near')).toMatchObject([
      { prefix: '203.0.113.0/24', asPath: '65001', med: 10, communities: ['65001:7', '65001:8:9'] },
    ]);
    const sent = await json<{ prefix: string; originatorId?: string }[]>('advertised', '10.0.0.3');
    expect(sent.map(({ prefix }) => prefix).sort()).toEqual([
      '198.51.100.0/24',
      '203.0.113.0/24',
      '203.0.113.128/25',
    ]);
  });

  test('bgp summary and neighbors', async () => {
    const summary = await json<BgpSummary & { neighbors: BgpNeighbor[] }>('summary');
    expect(summary).toMatchObject({
      name: 'host1',
      asn: 64512,
      routerId: HUB,
      clusterId: HUB,
      tables: [{ family: 'ipv4-unicast', prefixes: 4, paths: 5 }],
    });
    expect(summary.neighbors.map(({ name, asn, state }) => `${name} ${asn} ${state}`)).toEqual([
      'near 65001 Established',
      'far 65002 Established',
      'inside 64512 Established',
    ]);
    const { stdout } = await bgp('neighbors', 'inside');
    for (const line of [
      'BGP neighbor 10.0.0.3 (inside), remote AS 64512, local AS 64512',
      '  Route reflector client: yes',
      '  Prefixes: 1 received, 3 sent',
    ])
      expect(stdout.split('\n')).toContain(line);
  });

  test('bgp neighbors shows what the peer advertised and what that settled', async () => {
    const restart = { gracefulRestart: { restartTime: 77 }, longLivedGracefulRestart: { staleTime: 900 } };
    const several = {
      familySettings: [{ family: 'ipv4-unicast', addPath: { send: 2, receive: true } }],
      capabilities: { fqdn: { host: 'far-away' }, softwareVersion: 'far 1.0' },
    } as const;
    const { lab, hub } = world;
    const far = lab.speaker('10.0.0.4', { asn: 65004 });
    hub.setPeers([peerAt('10.0.0.4', { asn: 65004, role: 'provider', ...restart, ...several })]);
    far.setPeers([peerAt(HUB, { role: 'customer', ...restart, ...several })]);
    await far.start();
    lab.untilUp(hub);
    const [neighbor] = await json<BgpNeighbor[]>('neighbors');
    expect(neighbor!.negotiated).toMatchObject({
      addPathSend: ['ipv4-unicast'],
      addPathReceive: ['ipv4-unicast'],
      maxMessageLength: { receive: 4096, send: 4096 },
      gracefulRestart: { restartTime: 77, notification: true, families: [{ family: 'ipv4-unicast' }] },
      longLived: { families: [{ family: 'ipv4-unicast', staleTime: 900 }] },
      role: { local: 'provider', remote: 'customer' },
      fqdn: { hostName: 'far-away' },
    });
    const { stdout } = await bgp('neighbors');
    for (const line of [
      "Peer's role: customer",
      "Peer's host: far-away",
      'Several paths: sent in ipv4-unicast; received in ipv4-unicast',
      'Graceful restart: routes kept for 77 s: ipv4-unicast; also after NOTIFICATIONs',
      'Long-lived graceful restart: ipv4-unicast for 900 s',
    ]) {
      expect(stdout).toContain(`  ${line}\n`);
    }
  });

  test('bgp explain names the step that decided, and what was compared', async () => {
    const explanation = await json<BgpExplanation>('explain', '203.0.113.0/24');
    expect(explanation.paths.map(({ peer, best, lost }) => [peer?.name, best, lost?.step])).toEqual([
      ['near', true, undefined],
      ['far', false, 'as-path-length'],
    ]);
    expect(explanation.steps.map(({ step, best, lost }) => [step, best, lost])).toEqual([
      ['long-lived-stale', 'fresh', []],
      ['local-pref', '100', []],
      ['local-route', 'learnt', []],
      ['aigp', '', []],
      ['as-path-length', '1', [{ path: 2, value: '2' }]],
    ]);
    const { stdout } = await bgp('explain', '203.0.113.0/24');
    for (const line of [
      '203.0.113.0/24 (ipv4-unicast): 2 paths',
      '> #1 from near (10.0.0.1), external',
      '     lost at as-path-length: 2 against 1',
      '  as-path-length         1 wins; #2 has 2',
    ])
      expect(stdout.split('\n')).toContain(line);
  });
});

test('a peer is known by its name, its address and its node', async () => {
  const answers = ['inside', '10.0.0.3', 'host3'].map(async (peer) => ({
    neighbors: await json<{ name: string }[]>('neighbors', peer),
    received: await json<{ prefix: string }[]>('received', peer),
  }));
  for (const { neighbors, received } of await Promise.all(answers)) {
    expect(neighbors.map(({ name }) => name)).toEqual(['inside']);
    expect(received.map(({ prefix }) => prefix)).toEqual(['192.168.3.0/24']);
  }
});

describe('what changes something', () => {
  test('inject announces, withdraw takes back', async () => {
    expect(
      await bgp(
        'inject',
        '198.51.101.0/24',
        '--community',
        '65000:1',
        '--community',
        'rt:65000:2',
        '--med',
        '5',
      ),
    ).toEqual({ code: 0, stdout: '', stderr: 'podwire: announced 198.51.101.0/24\n' });
    world.lab.clock.run(100);
    const [path] = world.inside.rib().filter(({ prefix }) => prefix === '198.51.101.0/24');
    expect(path).toMatchObject({ med: 5, communities: ['65000:1', 'rt:65000:2'], nextHop: HUB });
    expect((await bgp('withdraw', '198.51.101.0/24')).code).toBe(0);
    world.lab.clock.run(100);
    expect(prefixes(world.inside)).not.toContain('198.51.101.0/24');
  });

  test('withdraw says so where there is no own route', async () => {
    // A route of a peer is not ours to withdraw.
    for (const prefix of ['10.99.0.0/16', '203.0.113.128/25']) {
      const { code, stderr } = await bgp('withdraw', prefix);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `podwire: no own route to ${prefix} is announced\n`,
      });
    }
  });

  test('inject refuses a labeled route without a label', async () => {
    const { code, stderr } = await bgp('inject', '10.5.0.0/16', '--family', 'ipv4-labeled');
    expect(code).toBe(1);
    expect(stderr).toContain('10.5.0.0/16 has no label, expected one such as "10.5.0.0/16 label 100"');
  });

  test('inject --raw writes bytes to a session, from digits or from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'podwire-raw-'));
    const file = join(folder, 'bad.hex');
    writeFileSync(
      file,
      '# a header whose marker has one bit cleared\nff ff ff ff ff ff ff ff\nff ff ff ff ff ff ff fe 00 13 04\n',
    );
    const { notification } = neighbor(world.inside, HUB).counters.sent;
    expect(await bgp('inject', '--raw', file, '--peer', 'inside')).toMatchObject({
      code: 0,
      stderr: 'podwire: wrote 19 bytes to inside\n',
    });
    writeFileSync(file, 'ff ff and so on\n');
    expect(await bgp('inject', '--raw', file, '--peer', 'inside')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bad.hex: expected a hex digit at offset 7, found "n"'),
    });
    rmSync(folder, { recursive: true });
    world.lab.clock.run(100);
    expect(neighbor(world.inside, HUB).counters.sent.notification).toBe(notification + 1);
    // An UPDATE that withdraws what was never announced is taken.
    world.lab.untilUp(world.hub);
    const { update } = neighbor(world.inside, HUB).counters.received;
    await bgp('inject', '--raw', `${'ff'.repeat(16)}0017020000:0000`, '--peer', 'inside');
    world.lab.clock.run(100);
    expect(neighbor(world.inside, HUB).counters.received.update).toBe(update + 1);
  });

  test('shutdown tells the peer why, enable brings it back, clear resets', async () => {
    await bgp('shutdown', 'inside', '--message', 'back at noon');
    world.lab.clock.run(100);
    expect(world.lab.logged.filter((line) => line.includes('received: 6/2'))).toEqual([
      expect.stringContaining('back at noon'),
    ]);
    world.lab.clock.run(60_000);
    expect(neighbor(world.hub, 'inside')).toMatchObject({ state: 'Idle', shutDown: true });
    await bgp('enable', 'inside');
    world.lab.untilUp(world.hub);
    const { established } = neighbor(world.hub, 'inside');
    await bgp('clear', 'inside');
    world.lab.clock.run(1);
    world.lab.untilUp(world.hub);
    expect(neighbor(world.hub, 'inside').established).toBe(established + 1);
  });

  test('shutdown --graceful announces everything with GRACEFUL_SHUTDOWN before', async () => {
    await bgp('shutdown', 'near', '--graceful', '3');
    world.lab.clock.run(1000);
    const [own] = world.near.rib().filter(({ prefix }) => prefix === '198.51.100.0/24');
    expect(own?.communities).toContain('graceful-shutdown');
    // Other ways are found here, too: what comes from it is the last resort.
    const [best] = world.hub.rib().filter(({ prefix }) => prefix === '203.0.113.0/24');
    expect(best?.peer?.name).toBe('far');
    expect(neighbor(world.hub, 'near').state).toBe('Established');
    world.lab.clock.run(3000);
    expect(neighbor(world.hub, 'near').state).toBe('Idle');
  });

  test('refresh asks for everything again; clear --soft out sends it', async () => {
    const before = neighbor(world.inside, HUB).counters.sent.update;
    await bgp('refresh', 'inside', '--family', 'ipv4-unicast');
    world.lab.clock.run(100);
    expect(neighbor(world.inside, HUB).counters.received.routeRefresh).toBeGreaterThan(0);
    expect(neighbor(world.inside, HUB).counters.sent.update).toBeGreaterThan(before);
    const { update } = neighbor(world.hub, 'inside').counters.sent;
    await bgp('clear', 'inside', '--soft', 'out');
    world.lab.clock.run(100);
    expect(neighbor(world.hub, 'inside').counters.sent.update).toBeGreaterThan(update);
  });
});

describe('what is wrong', () => {
  test.each<[string[], number, string]>([
    [['neighbors', 'nobody'], 1, 'no BGP peer nobody, there are: near, far, inside'],
    [['advertised', 'nobody'], 1, 'no BGP peer is named "nobody"'],
    [['explain', '10.9.9.0/24'], 1, 'no path to 10.9.9.0/24 is known'],
    [['inject', '10.0.0'], 1, 'not an IP prefix: "10.0.0"'],
    [['inject', '--raw', '00'], 2, 'raw bytes go to a peer'],
    [['inject', '--raw', 'nothing', '--peer', 'near'], 2, '--raw nothing is neither hex digits nor a file'],
    [['inject'], 2, 'give a prefix, or raw bytes with --raw'],
    [['rib', '--as-path', '('], 1, 'not an AS path expression'],
    [['rib', '--community', 'no-such'], 1, 'not a community: "no-such"'],
    [['rib', '--socket', '/tmp/x'], 2, 'give --socket or --node, not both'],
  ])('%j', async (args, code, message) => {
    const result = await bgp(...args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(message);
    expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('over a control socket', () => {
  const folder = mkdtempSync(join(tmpdir(), 'podwire-bgp-'));
  const path = join(folder, 's.sock');
  let close: (() => Promise<void>) | undefined;

  afterEach(async () => {
    await close?.();
  });

  test('a speaker by itself answers the same', async () => {
    const target = {
      node: 'speaker',
      speaker: controlSpeaker('speaker', () => world.hub),
      stop: async () => {},
    };
    ({ close } = await serveControl(path, new Map([['speaker', target]])));
    for (const args of [
      ['rib'],
      ['rib', '--format', 'json'],
      ['explain', '203.0.113.0/24'],
      ['advertised', 'far'],
    ]) {
      const direct = await bgp(...args);
      expect(await podwire(['bgp', ...args, '--socket', path])).toEqual(direct);
    }
    const failed = await podwire(['bgp', 'clear', 'nobody', '--socket', path]);
    expect(failed).toEqual({ code: 1, stdout: '', stderr: 'podwire: no BGP peer is named "nobody"\n' });
  });
});

describe('text', () => {
  const ROW: BgpNeighbor = {
    name: 'transit',
    address: '192.0.2.2',
    port: 179,
    localAddress: '192.0.2.1',
    asn: 4_200_000_000,
    localAsn: 65000,
    role: undefined,
    type: undefined,
    node: undefined,
    group: undefined,
    description: 'our way out',
    dynamic: false,
    routeReflectorClient: false,
    state: 'Established',
    shutDown: false,
    since: '2026-01-01T00:00:00.000Z',
    routerId: '192.0.2.2',
    holdTime: 90,
    families: ['ipv4-unicast'],
    capabilities: [],
    endOfRibReceived: [],
    endOfRibSent: [],
    prefixesReceived: 950_000,
    prefixesSent: 12,
    staleFamilies: [],
    messagesReceived: 123_456,
    messagesSent: 42,
    counters: newCounters(),
    established: 1,
    lastError: undefined,
  };

  test('a summary has the columns of show bgp summary', () => {
    const summary: BgpSummary = {
      name: 'speaker',
      asn: 65000,
      routerId: '192.0.2.1',
      clusterId: null,
      listen: [],
      tables: [{ family: 'ipv4-unicast', prefixes: 950_012, paths: 950_012 }],
    };
    const down: BgpNeighbor = {
      ...ROW,
      name: '2001:db8:0:1:2:3:4:5',
      address: '2001:db8:0:1:2:3:4:5',
      state: 'Idle',
      shutDown: true,
      established: 0,
      description: undefined,
    };
    expect(summaryText(summary, [ROW, down], new Date('2026-01-02T03:04:05Z')).split('\n')).toEqual([
      'BGP router identifier 192.0.2.1, local AS number 65000',
      'ipv4-unicast: 950012 prefixes with 950012 paths',
      '',
      'Neighbor             V         AS   MsgRcvd   MsgSent  Up/Down State/PfxRcd   PfxSnt Desc',
      '192.0.2.2            4 4200000000    123456        42 1d03h04m       950000       12 our way out',
      '2001:db8:0:1:2:3:4:5 4 4200000000    123456        42    never Idle (Admin)       12 N/A',
      '',
      'Total number of neighbors 2',
    ]);
  });

  test.each([
    [0, '00:00:00'],
    [86_399_000, '23:59:59'],
    [86_400_000, '1d00h00m'],
    [604_800_000, '1w0d00h'],
  ])('%i ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  test('what does not fit into a column has a line for itself', () => {
    const line = routeLine(
      {
        family: 'ipv6-unicast',
        prefix: '2001:db8:1234:5678::/64',
        pathId: 3,
        nextHop: '2001:db8:1234:5678::1',
        peer: { name: 'a', address: '192.0.2.2' },
        source: 'internal',
        origin: 'INCOMPLETE',
        asPath: '65001',
        localPref: 100,
        med: undefined,
        originatorId: undefined,
        clusterList: [],
        communities: [],
        best: false,
        multipath: true,
        stale: true,
      },
      false,
    );
    expect(line.split('\n')).toEqual([
      'S=i 2001:db8:1234:5678::/64 [3]',
      '                        2001:db8:1234:5678::1',
      '                                                      100 65001 ?',
    ]);
  });
});
