// `podwire speaker` as a process of its own, with BIRD as its peer on loopback addresses.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PathView } from '../../agents/bgp/types.ts';
import type { BgpExplanation, BgpNeighbor } from '../../agents/control/bgp.ts';
import { root } from '../support/root.ts';
import { all, root as rootUser, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { type Started, Workspace } from './support/workspace.ts';

const needs = all(rootUser(), tool('bird'), tool('birdc'));
const SPEAKER = '127.107.2.1';
const BIRD = '127.107.2.2';
const PORT = 1790;

const BIRD_CONF = `
router id 192.0.2.9;
protocol device {}
protocol static { ipv4; route 203.0.113.0/24 blackhole; }
protocol bgp podwire {
  local ${BIRD} port ${PORT} as 65001;
  neighbor ${SPEAKER} port ${PORT} as 65000;
  multihop;
  strict bind;
  ipv4 { import all; export all; };
}
`;

/** The form of the file that scripts rely on. */
function file(networks: readonly string[]): string {
  return `
asn: 65000
routerId: 192.0.2.1
listen: [{ address: ${SPEAKER}, port: ${PORT} }]
peers:
  - { address: 127.107.2.99, asn: 65002, passive: true, multihop: 64, families: [ipv4-unicast] }
  - { range: 127.107.2.0/24, asn: 65001, passive: true, multihop: 64 }
clusterId: 192.0.2.1
networks: [${networks.join(', ')}]
api: { socket: speaker.sock }
`;
}

describe.skipIf(needs.missing)(needs.title('podwire speaker and BIRD'), () => {
  let workspace: Workspace;
  let speaker: Started;

  beforeAll(async () => {
    workspace = new Workspace('speaker');
    workspace.file('speaker.yaml', file(['198.51.100.0/24', '198.51.101.0/24']));
    workspace.file('bird.conf', BIRD_CONF);
    speaker = workspace.start(['--format', 'json', 'speaker', '--config', 'speaker.yaml']);
    await speaker.shows('"ready"');
    workspace.run([tool('bird').path, '-f', '-c', 'bird.conf', '-s', 'bird.ctl', '-P', 'bird.pid']);
    await until('the session with BIRD is up', async () => (await neighbor())?.state === 'Established');
    await until('its route is in', async () => (await rib()).length === 3);
  });

  afterAll(() => workspace?.clean());

  const socket = (): string[] => ['--socket', join(workspace.folder, 'speaker.sock')];
  const neighbor = async (): Promise<BgpNeighbor | undefined> =>
    (await workspace.json<BgpNeighbor[]>(['bgp', 'neighbors', ...socket()])).find(
      ({ address }) => address === BIRD,
    );
  const rib = (): Promise<PathView[]> => workspace.json(['bgp', 'rib', ...socket()]);
  const birdc = async (...command: readonly string[]): Promise<string> =>
    (await workspace.run([tool('birdc').path, '-s', 'bird.ctl', ...command]).ended).stdout;

  /** Prefixes that BIRD has from us. */
  const atBird = async (): Promise<string[]> =>
    [...(await birdc('show', 'route', 'protocol', 'podwire')).matchAll(/^([\d./]+) /gm)]
      .map(([, prefix]) => prefix!)
      .sort();

  test('says in a line of JSON where it is to be found', () => {
    expect(JSON.parse(speaker.stdout())).toEqual({
      event: 'ready',
      pid: expect.any(Number),
      asn: 65000,
      routerId: '192.0.2.1',
      listen: [{ address: SPEAKER, port: PORT }],
      socket: join(workspace.folder, 'speaker.sock'),
    });
  });

  test('BIRD is a dynamic neighbour, and both know the routes of the other', async () => {
    expect(await neighbor()).toMatchObject({
      dynamic: true,
      group: '127.107.2.0/24',
      asn: 65001,
      routerId: '192.0.2.9',
    });
    expect((await rib()).map(({ prefix, source }) => `${prefix} ${source}`).sort()).toEqual([
      '198.51.100.0/24 local',
      '198.51.101.0/24 local',
      '203.0.113.0/24 external',
    ]);
    await until('BIRD has both networks', async () => (await atBird()).length === 2);
    const explanation = await workspace.json<BgpExplanation>([
      'bgp',
      'explain',
      '203.0.113.0/24',
      ...socket(),
    ]);
    expect(explanation.paths).toMatchObject([{ best: true, asPath: '65001', nextHop: BIRD }]);
  });

  test('the only speaker that runs is found without being named', async () => {
    const ran = await workspace.run(['node', join(root, 'bin', 'podwire.mjs'), 'bgp', 'summary']).ended;
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('BGP router identifier 192.0.2.1, local AS number 65000');
  });

  test('what is injected reaches BIRD with its attributes, and goes again', async () => {
    await workspace.ok([
      'bgp',
      'inject',
      '198.51.102.0/24',
      '--community',
      '65000:77',
      '--med',
      '9',
      ...socket(),
    ]);
    await until('BIRD has it', async () => (await atBird()).includes('198.51.102.0/24'));
    const text = await birdc('show', 'route', '198.51.102.0/24', 'all');
    expect(text).toContain('BGP.community: (65000,77)');
    expect(text).toContain('BGP.med: 9');
    await workspace.ok(['bgp', 'withdraw', '198.51.102.0/24', ...socket()]);
    await until('it is gone', async () => !(await atBird()).includes('198.51.102.0/24'));
  });

  test('SIGHUP takes over the file while sessions go on; a broken file changes nothing', async () => {
    const before = await neighbor();
    workspace.file('speaker.yaml', file(['198.51.100.0/24', '198.51.103.0/24']));
    process.kill(speaker.child.pid!, 'SIGHUP');
    await until(
      'BIRD has the new network',
      async () => (await atBird()).join() === '198.51.100.0/24,198.51.103.0/24',
    );
    expect((await neighbor())?.since).toBe(before?.since);
    workspace.file('speaker.yaml', 'asn: none\n');
    process.kill(speaker.child.pid!, 'SIGHUP');
    await speaker.shows('the file is not taken over');
    expect((await neighbor())?.since).toBe(before?.since);
  });

  test('a session that is shut down tells BIRD why', async () => {
    await workspace.ok(['bgp', 'shutdown', BIRD, '--message', 'back at noon', ...socket()]);
    await until('BIRD knows', async () =>
      (await birdc('show', 'protocols', 'all', 'podwire')).includes('Administrative shutdown'),
    );
    await workspace.ok(['bgp', 'enable', BIRD, ...socket()]);
    await until('BIRD is back', async () => (await neighbor())?.state === 'Established');
  });

  test('SIGTERM says goodbye to BIRD and ends with 0, and nothing is left', async () => {
    process.kill(speaker.child.pid!, 'SIGTERM');
    expect(await speaker.ended).toMatchObject({ code: 0 });
    const text = await birdc('show', 'protocols', 'all', 'podwire');
    expect(text).toMatch(/Last error:\s+Received: Administrative shutdown/);
    expect((await workspace.podwire(['bgp', 'summary', ...socket()])).stderr).toContain('cannot reach');
  });
});
