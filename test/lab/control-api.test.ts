// The examples of docs/control-api.md, as they stand there.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../support/root.ts';
import { tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { complaints, tshark } from './support/tshark.ts';
import { type Ran, Workspace } from './support/workspace.ts';

interface Example {
  readonly command: string;
  /** What the page shows, abridged with `...`. */
  readonly output: string;
}

/** Commands and outputs of the page's console blocks; a command goes on over lines that begin with `>` or blanks. */
function examples(): Example[] {
  const page = readFileSync(join(root, 'docs', 'control-api.md'), 'utf8');
  const blocks = [...page.matchAll(/^```console\n(.*?)^```$/gms)].map((match) => match[1]!);
  return blocks.flatMap((block) =>
    block.split(/^\$ /m).flatMap((text) => {
      const [first = '', ...rest] = text.split('\n');
      if (first === '') return [];
      const end = rest.findIndex((line) => !/^(>| {4})/.test(line));
      const lines = [first, ...rest.slice(0, end)].map((line) => line.replace(/^> /, ''));
      return { command: lines.join('\n'), output: rest.slice(end).join('\n') };
    }),
  );
}

const keys = (text: string): Set<string> =>
  new Set([...text.matchAll(/"(\w+)":/g)].map((match) => match[1]!));

/** Values that are the same in every run of the default lab. */
const stable = (text: string): string[] =>
  [
    ...text.matchAll(
      /"(?:node|kind|affinity|state|outcome|stream|exit|at|prefix|block|error|data)":("[^"]*"|\d+)/g,
    ),
  ].map((match) => match[0]);

const curl = tool('curl');

const SPEAKER_FILE = `
asn: 65000
routerId: 192.0.2.1
listen: []
networks: [198.51.100.0/24]
api: { socket: speaker.sock }
`;

describe.skipIf(curl.missing)(curl.title('docs/control-api.md'), () => {
  let workspace: Workspace;

  beforeAll(async () => {
    workspace = new Workspace('control');
    await workspace.ok(['up', '-d', '--pods', 'emulated']);
    workspace.file('speaker.yaml', SPEAKER_FILE);
    const speaker = workspace.start(['--format', 'json', 'speaker', '--config', 'speaker.yaml']);
    await speaker.shows('"ready"');
  });

  afterAll(() => workspace.clean());

  function shell(command: string): Promise<Ran> {
    const socket = join(workspace.runDir, workspace.lab, 'lab.sock');
    const env = { SOCK: socket, SPEAKER: join(workspace.folder, 'speaker.sock') };
    return workspace.run(['sh', '-c', command], { env }).ended;
  }

  test('has examples of every question and every action', () => {
    const commands = examples()
      .map(({ command }) => command)
      .join('\n');
    const paths = ['status', 'bgp', 'rib', 'routes', 'fdb', 'ipam', 'pods', 'store', 'ping', 'exec', 'trace'];
    for (const path of paths) expect(commands).toContain(`/v1/nodes/host1/${path}`);
  });

  test.each(examples())('$command', async ({ command, output }) => {
    const { stdout } = await shell(command);
    expect([...keys(stdout)]).toEqual(expect.arrayContaining([...keys(output)]));
    for (const value of stable(output)) expect(stdout).toContain(value);
    // Short answers are there as a whole.
    if (!output.includes('"pid"') && !output.includes('...') && !output.includes('rttMs')) {
      expect(stdout.trim()).toBe(output.trim());
    }
  });

  test('a status that is watched changes line by line', async () => {
    const watch = workspace.run([
      'curl',
      '-sN',
      '--unix-socket',
      join(workspace.runDir, workspace.lab, 'lab.sock'),
      'http://podwire/v1/nodes/host1/status?watch',
    ]);
    const lines = (): { reachable: string[] }[] =>
      watch
        .stdout()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    await until('the first line', () => lines().length > 0);
    expect(lines()[0]!.reachable).toHaveLength(2);
    await workspace.ok(['stop', 'host2']);
    await until('a block is gone', () => lines().at(-1)!.reachable.length === 1);
    await workspace.ok(['start', 'host2']);
    await until('it is back', () => lines().at(-1)!.reachable.length === 2);
    watch.child.kill('SIGTERM');
    await watch.ended;
  });

  test.skipIf(tool('tshark').missing)('a capture is pcapng, until the client closes', async () => {
    const file = join(workspace.folder, 'host1.pcapng');
    const socket = join(workspace.runDir, workspace.lab, 'lab.sock');
    const url = 'http://podwire/v1/nodes/host1/capture';
    const capture = workspace.run([
      'curl',
      '-sN',
      '--unix-socket',
      socket,
      url,
      '-d',
      '{"underlay":true}',
      '-o',
      file,
    ]);
    // The section header is written as soon as the capture is armed.
    await until('it has begun', () => existsSync(file) && statSync(file).size > 0);
    await workspace.ok(['ping', 'web-1', 'web-2', '-c', '1']);
    const icmp = (): Promise<readonly object[]> => tshark(file, ['frame.number'], ['-Y', 'icmp']);
    await until('the packets are there', async () => (await icmp().catch(() => [])).length === 4);
    capture.child.kill('SIGTERM');
    await capture.ended;
    expect(await complaints(file)).toEqual([]);
  });

  test.each([
    ['GET', '/v1/weather', 404, 'no such path: /v1/weather'],
    ['GET', '/v2/lab', 404, 'no such path: /v2/lab'],
    ['POST', '/v1/nodes/host1/bgp', 405, '/v1/nodes/host1/bgp takes GET, not POST'],
    ['GET', '/v1/nodes/host1/ping', 405, '/v1/nodes/host1/ping takes POST, not GET'],
    ['POST', '/v1/lab/host9/stop', 500, expect.stringMatching(/^no node host9 in lab control-\d+$/)],
    ['POST', '/v1/lab/host1/start', 500, 'node host1 runs already'],
    ['GET', '/v1/lab/down', 405, '/v1/lab/down takes POST, not GET'],
  ])('%s %s is %i', async (method, path, status, error) => {
    const { stdout } = await shell(
      `curl -s -X ${method} -w ' %{http_code}' --unix-socket $SOCK http://podwire${path}`,
    );
    const [, body, code] = /^(.*)\n? (\d+)$/s.exec(stdout)!;
    expect({ code: Number(code), ...JSON.parse(body!) }).toEqual({ code: status, error });
  });

  test('down ends the lab', async () => {
    const { stdout } = await shell('curl -s -X POST --unix-socket $SOCK http://podwire/v1/lab/down');
    expect(stdout.trim()).toBe('{}');
    await until('it has ended', async () => (await workspace.podwire(['inspect'])).code === 1);
  });
});
