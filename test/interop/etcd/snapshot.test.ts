// A snapshot saved by etcdctl and what `podwire store --restore` makes of it.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Started, Workspace } from '../../lab/support/workspace.ts';
import { tool } from '../../support/tools.ts';
import { endProcess, freePort, startEtcd } from '../etcd-server.ts';
import { startRedis } from '../redis-server.ts';

const run = promisify(execFile);
const etcdctl = tool('etcdctl');
const etcd = tool('etcd');
const redis = tool('redis-server');

const FIRST_REVISION = 6;
const LAST_REVISION = 12;

describe.skipIf(etcdctl.missing)(etcdctl.title('a snapshot of a store'), () => {
  let workspace: Workspace;
  let original: Running;
  let end = async (): Promise<void> => {};
  let file: string;

  beforeAll(async () => {
    workspace = new Workspace('snapshot');
    file = join(workspace.folder, 'saved.db');
    original = await serve(workspace);
    end = original.stop;
    const { ctl } = original;
    await ctl('put', 'a', '1');
    await ctl('put', 'b', '1');
    await ctl('del', 'a');
    const lease = (await ctl('lease', 'grant', '600')).split(' ')[1]!;
    await ctl('put', 'a', '2', `--lease=${lease}`);
    await ctl('put', 'c', '1', `--lease=${lease}`);
    await ctl('compact', String(FIRST_REVISION));
    await ctl('put', 'c', '2', `--lease=${lease}`);
    await ctl('put', 'd/1', '1');
    await ctl('put', 'd/2', '1');
    await ctl('del', '--prefix', 'd/');
    await ctl('put', 'b', '2');
    await ctl('put', 'b', '3');
    await ctl('lease', 'grant', '500');
    await ctl('role', 'add', 'root');
    await ctl('role', 'add', 'reader');
    await ctl('role', 'grant-permission', 'reader', '--prefix=true', 'read', 'd/');
    await ctl('user', 'add', 'root:secret');
    await ctl('user', 'add', 'someone:word');
    await ctl('user', 'grant-role', 'root', 'root');
    await ctl('user', 'grant-role', 'someone', 'reader');
    await ctl('auth', 'enable');
    await ctl('--user=root:secret', 'snapshot', 'save', file);
  });

  afterAll(async () => {
    await end();
    await workspace.clean();
  });

  /** What the store says to every question that its whole state answers. */
  async function answers({ ctl }: Running): Promise<string[]> {
    const said: string[] = [];
    const ask = async (user: string, ...args: string[]): Promise<void> => {
      const answer = await ctl(`--user=${user}`, ...args).catch(({ stderr }) =>
        (stderr as string).replace(/^.*Error: /s, ''),
      );
      const normal = answer
        .replace(/remaining\(\d+s\)/, 'remaining')
        .replaceAll(/"(ClusterID|MemberID|RaftTerm|cluster_id|member_id|raft_term)" ?: ?\d+/g, '$1')
        .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST');
      said.push(`${args.join(' ')}: ${normal}`);
    };
    const root = 'root:secret';
    for (let revision = FIRST_REVISION - 1; revision <= LAST_REVISION + 1; revision++) {
      await ask(root, 'get', '--prefix', '', '--rev', String(revision), '-w', 'fields');
      await ask(root, 'endpoint', 'hashkv', '--rev', String(revision), '-w', 'json');
    }
    const leases = (await ctl(`--user=${root}`, 'lease', 'list')).match(/^[0-9a-f]{10,}$/gm)!;
    expect(leases).toHaveLength(2);
    for (const lease of leases) await ask(root, 'lease', 'timetolive', lease, '--keys');
    for (const name of ['root', 'someone']) await ask(root, 'user', 'get', name);
    for (const name of ['root', 'reader']) await ask(root, 'role', 'get', name);
    await ask('someone:word', 'get', 'b');
    return said;
  }

  test('restored in memory it answers every question as the original does', async () => {
    const restored = await serve(workspace, '--restore', file);
    const expected = await answers(original);
    expect(expected.join('\n')).toContain('required revision has been compacted');
    expect(expected.join('\n')).toContain('attached keys([a c])');
    expect(await answers(restored)).toEqual(expected);
    // It is no copy of the file: it goes on.
    expect(await restored.ctl('--user=root:secret', 'put', 'b', '4', '-w', 'json')).toContain(
      '"revision":13',
    );
    await restored.stop();
  });

  test.skipIf(redis.missing)(redis.title('into an empty namespace of Redis, and into no other'), async () => {
    const server = await startRedis(redis.path);
    try {
      const backend = ['--backend', `${server.url}/0`, '--data-namespace', 'restored'];
      // A port in use is seen before anything is restored.
      const taken = await workspace.podwire([
        'store',
        '--listen',
        original.host,
        ...backend,
        '--restore',
        file,
      ]);
      expect(taken).toMatchObject({
        code: 1,
        stderr: `podwire: store cannot listen on ${original.host}: EADDRINUSE\n`,
      });
      const restored = await serve(workspace, ...backend, '--restore', file);
      const expected = await answers(original);
      expect(await answers(restored)).toEqual(expected);
      await restored.stop();
      const listen = ['--listen', '127.0.0.1:0'];
      const again = await workspace.podwire(['store', ...listen, ...backend, '--restore', file]);
      expect(again).toMatchObject({
        code: 1,
        stdout: '',
        stderr: `podwire: ${server.url}/0: namespace restored has a store already, expected none to restore a snapshot into\n`,
      });
      const started = await serve(workspace, ...backend);
      expect(await answers(started)).toEqual(expected);
      await started.stop();
      // As a restore leaves it that was killed: no server takes a part for the whole.
      const connection = new Redis(server.url);
      await connection.hset('podwire:{half}:meta', 'format', 'filling');
      connection.disconnect();
      const half = ['--backend', server.url, '--data-namespace', 'half'];
      const { code, stderr } = await workspace.podwire(['store', ...listen, ...half]);
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: `podwire: ${server.url}: a snapshot is being restored into namespace half, or was in part: then remove its keys podwire:{half}:*\n`,
      });
    } finally {
      await server.stop();
    }
  });

  test('cut off or damaged it is refused in one line', async () => {
    const whole = readFileSync(file);
    const damaged = Buffer.from(whole);
    damaged[300]! ^= 1;
    const wrongSum = Buffer.from(whole);
    wrongSum[whole.length - 1]! ^= 1;
    const cases: [Buffer, RegExp][] = [
      [
        whole.subarray(0, 1000),
        /^podwire: .*bad\.db, offset 1000: the file ends here, expected more octets\n$/,
      ],
      [
        damaged,
        /^podwire: .*bad\.db, offset \d+: a record of \d+ octets has checksum [0-9a-f]{8}, expected [0-9a-f]{8}\n$/,
      ],
      [
        wrongSum,
        new RegExp(
          `^podwire: .*bad\\.db, offset ${whole.length - 32}: expected SHA-256 [0-9a-f]{64} of all before\\n$`,
        ),
      ],
    ];
    for (const [bytes, message] of cases) {
      const bad = join(workspace.folder, 'bad.db');
      writeFileSync(bad, bytes);
      const { code, stdout, stderr } = await workspace.podwire(['store', '--restore', bad]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(message);
    }
    const missing = await workspace.podwire(['store', '--restore', '/nonexistent']);
    expect(missing).toMatchObject({
      code: 1,
      stderr: 'podwire: cannot read the snapshot /nonexistent: no such file or directory (ENOENT)\n',
    });
  });

  test.skipIf(etcd.missing)(etcd.title('one of a real etcd is told apart'), async () => {
    const server = await startEtcd(etcd.path);
    try {
      const real = join(workspace.folder, 'real.db');
      await ctlAt(new URL(server.endpoint).host, 'snapshot', 'save', real);
      const { code, stderr } = await workspace.podwire(['store', '--restore', real]);
      expect(code).toBe(1);
      expect(stderr).toBe(
        `podwire: ${real}, offset 0: expected "podwire store snapshot, format 1" at the beginning, got a snapshot of etcd's own\n`,
      );
    } finally {
      await server.stop();
    }
  });
});

/** A store served by the command line. */
interface Running {
  readonly host: string;
  /** etcdctl's standard output. */
  ctl(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

async function serve(workspace: Workspace, ...options: string[]): Promise<Running> {
  const host = `127.0.0.1:${await freePort()}`;
  const started: Started = workspace.start(['store', '--listen', host, ...options]);
  await started.shows('store up');
  return { host, ctl: (...args) => ctlAt(host, ...args), stop: () => endProcess(started.child) };
}

async function ctlAt(host: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, ETCDCTL_API: '3' };
  return (await run(etcdctl.path, ['--endpoints', host, ...args], { env })).stdout;
}
