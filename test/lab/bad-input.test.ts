// Whatever is given to podwire that it cannot use: one line per problem, the exit code, and nothing left behind.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RedisServer, startRedis } from '../interop/redis-server.ts';
import { tool } from '../support/tools.ts';
import { leftovers } from './support/leftovers.ts';
import { Workspace } from './support/workspace.ts';

let workspace: Workspace;

beforeAll(() => {
  workspace = new Workspace('bad');
});

afterEach(() => expect(leftovers(workspace)).toEqual([]));

afterAll(() => workspace.clean());

/** A lab of two hosts with more lines below; they begin at line 3. */
const lab = (...lines: string[]): string =>
  ['name: bad', 'nodes: { "host[1-2]": {} }', ...lines, ''].join('\n');

const pool = (name: string, cidr: string): string =>
  `  - { apiVersion: projectcalico.org/v3, kind: IPPool, metadata: { name: ${name} }, spec: { cidr: ${cidr}, vxlanMode: Always } }`;

/** Each file, and all that is to be said of it: `line:column: message` per problem. */
const FILES: readonly (readonly [title: string, text: string, ...problems: string[]])[] = [
  [
    'YAML that is none',
    'name: bad\nnodes: { host1: {}\n',
    '2:19: bad YAML, expected something else here: Flow map in block collection must be sufficiently indented and end with a }',
  ],
  ['an empty file', '', '1:1: empty file, expected a lab with name and nodes'],
  ['a file that is no text', 'name: bad\0', '1:1: is no text, expected a lab file in YAML'],
  ['a list', '- a\n', '1:1: the file is a list, expected a mapping'],
  ['an unknown key', lab('podz: {}'), '3:1: unknown key "podz", did you mean "pods"?'],
  [
    'two mistakes',
    lab('podz: {}', 'cni: flanel'),
    '3:1: unknown key "podz", did you mean "pods"?',
    '4:6: cni is "flanel", expected calico',
  ],
  [
    'a pod on a node that is none',
    lab('pods: { web: { node: host9 } }'),
    '3:22: unknown node "host9", did you mean "host1"?',
  ],
  [
    'a pod out of a pool that is none',
    lab('pods: { web: { pool: blue } }'),
    '3:22: unknown IPPool "blue", expected one of default-ipv4-ippool',
  ],
  [
    'pools that overlap',
    lab('calico:', pool('a', '10.0.0.0/16'), pool('b', '10.0.128.0/17')),
    '5:92: IPPool b 10.0.128.0/17 overlaps IPPool a 10.0.0.0/16, expected separate CIDRs',
  ],
  [
    'an address out of no pool',
    lab('pods: { web: { address: 10.9.9.9 } }'),
    '3:25: address 10.9.9.9 of pod default/web is in no pool, expected one inside default-ipv4-ippool 192.168.0.0/16',
  ],
  [
    'resources in a file that is not there',
    lab('calico: [no.yaml]'),
    '3:10: resource file no.yaml does not exist, expected a YAML file beside the lab file',
  ],
];

describe('a lab file', () => {
  test.each(FILES)('%s', async (_, text, ...problems) => {
    const file = workspace.file('bad.yaml', text);
    for (const args of [
      ['validate', file],
      ['up', '-d', file],
      ['up', file],
    ]) {
      const { code, stdout, stderr } = await workspace.podwire(args);
      const wanted = problems.map((problem) => `${file}:${problem}\n`).join('');
      expect({ args, code, stdout, stderr }).toEqual({ args, code: 1, stdout: '', stderr: wanted });
    }
  });

  test.each([
    ['that is not there', 'no-such.yaml', 'no such file, expected a lab file'],
    ['that is a folder', '.', 'is a folder, expected a lab file'],
  ])('%s', async (_, file, message) => {
    for (const command of ['validate', 'up'])
      expect(await workspace.podwire([command, file])).toMatchObject({
        code: 1,
        stdout: '',
        stderr: `${file}:1:1: ${message}\n`,
      });
  });
});

describe('a lab that this runtime cannot run', () => {
  test.each([
    [
      'a subnet outside of loopback',
      lab('links: [{ name: lan, subnet: 10.1.0.0/24 }]'),
      'link lan: subnet 10.1.0.0/24 in runtime local, expected auto or one inside 127.0.0.0/8',
    ],
    [
      'a foreign node',
      'name: bad\nnodes: { host1: {}, router: { kind: linux } }\n',
      'node router is of kind linux, which runtime local has not, expected --runtime netns',
    ],
  ])('%s', async (_, text, message) => {
    const ran = await workspace.podwire(['up', '-d', '-q', workspace.file('bad.yaml', text)]);
    expect(ran).toMatchObject({ code: 1, stdout: '', stderr: `podwire: stage plan failed: ${message}\n` });
  });
});

describe('the command line', () => {
  test.each([
    [['frobnicate'], "unknown command 'frobnicate'", ''],
    [['up', '--frobnicate'], "unknown option '--frobnicate'", 'up '],
    [
      ['up', '--runtime', 'docker'],
      "option '--runtime <runtime>' argument 'docker' is invalid. Allowed choices are local, netns.",
      'up ',
    ],
    [
      ['up', '--pods', 'real'],
      "option '--pods <kind>' argument 'real' is invalid. Allowed choices are auto, linux, emulated.",
      'up ',
    ],
    [
      ['up', '--store', 'http://127.0.0.1:1'],
      "option '--store <url>' argument 'http://127.0.0.1:1' is invalid. Expected memory, a URL such as redis://127.0.0.1:6379, or etcd://127.0.0.1:2379.",
      'up ',
    ],
    [
      ['up', '--timeout', 'soon'],
      "option '--timeout <seconds>' argument 'soon' is invalid. Expected a number of seconds such as 10 or 0.5.",
      'up ',
    ],
    // A name becomes a path: it must not lead out of the folder of labs.
    [
      ['--name', '../../etc', 'down'],
      "option '--name <lab>' argument '../../etc' is invalid. Expected at most 40 lower-case letters, digits and -, a letter first.",
      'down ',
    ],
    [['ping', 'web-1'], "missing required argument 'destination'", 'ping '],
    [['exec', 'web-1'], "missing required argument 'command'", 'exec '],
  ])('%j is wrong usage: exit code 2', async (args, message, command) => {
    expect(await workspace.podwire(args)).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: `podwire: ${message}\npodwire: see 'podwire ${command}--help'\n`,
    });
  });

  test.each([
    [['inspect']],
    [['ping', 'web-1', 'web-2']],
    [['exec', 'web-1', '--', 'true']],
    [['capture', '-c', '1']],
    [['logs']],
  ])('%j without that lab: exit code 1', async (args) => {
    expect(await workspace.podwire(args)).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: `podwire: no lab ${workspace.lab} runs; running: none\n`,
    });
  });
});

const redisServer = tool('redis-server');

describe('a Redis that', () => {
  /** `up` with a store that cannot be used says so in one line; what went well before is told with a ✓. */
  async function refused(url: string, shown: string, cause: string): Promise<void> {
    for (const args of [['up', '-d'], ['up']]) {
      const ran = await workspace.podwire([...args, '--store', url]);
      const lines = ran.stderr.trimEnd().split('\n');
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(lines).toEqual([
        expect.stringMatching(/^✓ Lab file checked/),
        expect.stringMatching(/^✗ Store with Calico resources \(\d+ ms\)$/),
        `podwire: stage store failed: ${shown}: ${cause}`,
      ]);
      expect(leftovers(workspace)).toEqual([]);
    }
  }

  test('does not run', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    await refused(`redis://127.0.0.1:${port}`, `redis://127.0.0.1:${port}`, 'connection refused');
  });

  test('accepts and says nothing', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const url = `redis://127.0.0.1:${port}`;
      const ran = await workspace.podwire(['up', '-d', '-q', '--store', url]);
      expect(ran).toMatchObject({
        code: 1,
        stderr: `podwire: stage store failed: ${url}: no answer in time\n`,
      });
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  test('is none', async () => {
    const server = createServer((socket) =>
      socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const url = `redis://127.0.0.1:${port}`;
      await refused(url, url, 'is no Redis');
    } finally {
      server.close();
    }
  });

  describe.skipIf(redisServer.missing)(redisServer.title('wants a password'), () => {
    let redis: RedisServer;

    beforeAll(async () => {
      redis = await startRedis(redisServer.path, ['--requirepass', 'right']);
    });

    afterAll(() => redis.stop());

    test('and gets a wrong one, which is not shown', async () => {
      const { port } = redis;
      await refused(`redis://:wrong@127.0.0.1:${port}`, `redis://127.0.0.1:${port}`, 'wrong password');
    });

    test('and gets none', async () => {
      await refused(redis.url, redis.url, 'needs a password (redis://:PASSWORD@HOST:PORT)');
    });

    test('and gets the right one: the lab works', async () => {
      const { port } = redis;
      const up = await workspace.podwire(['up', '-d', '--store', `redis://:right@127.0.0.1:${port}`]);
      expect(up).toMatchObject({ code: 0, stdout: expect.stringContaining('7/7 BGP sessions Established') });
      expect(up.stdout + up.stderr).not.toContain('right');
      expect(await workspace.ok(['inspect'])).not.toContain('right@');
      await workspace.ok(['down']);
    });
  });
});
