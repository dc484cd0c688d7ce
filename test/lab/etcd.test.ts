// The store of a running lab as etcdctl sees it, and a lab on a real etcd.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import type { AgentStatus, NeighborRow } from '../../agents/control/types.ts';
import { type EtcdServer, startEtcd } from '../interop/etcd-server.ts';
import { makeCertificates } from '../support/certificates.ts';
import { root, tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { Workspace } from './support/workspace.ts';

const run = promisify(execFile);
const etcdctl = tool('etcdctl');
const etcd = tool('etcd');
const openssl = tool('openssl');
const PEERS = '/calico/resources/v3/projectcalico.org/bgppeers/';

describe.skipIf(etcdctl.missing)(etcdctl.title('the store of a lab through etcdctl'), () => {
  let workspace: Workspace;
  let endpoint: string;

  beforeAll(async () => {
    workspace = new Workspace('etcdctl');
    await workspace.ok(['up', '-d']);
    endpoint = await storeEndpoint(workspace);
  });

  afterAll(() => workspace.clean());

  const ctl = (...args: string[]): Promise<string> => etcdctlAt(endpoint, ...args);

  test('it has the state of the lab', async () => {
    const keys = (await ctl('get', '--prefix', '/calico', '--keys-only')).split('\n');
    expect(keys).toContain(`${PEERS}peer-with-route-reflectors`);
    expect(keys).toContain('/calico/resources/v3/projectcalico.org/nodes/host1');
    expect(keys.filter((key) => key.startsWith('/calico/ipam/v2/assignment/'))).toHaveLength(3);
  });

  test('a BGPPeer that is deleted and put again ends its sessions and brings them back', async () => {
    const before = await established(workspace);
    expect(before).toBe(14);
    const key = `${PEERS}peer-with-route-reflectors`;
    const value = await ctl('get', key, '--print-value-only');
    await ctl('del', key);
    await until('the sessions end', async () => (await established(workspace)) === 0);
    await ctl('put', key, value.trim());
    await until('the sessions are back', async () => (await established(workspace)) === before);
  });
});

describe.skipIf(etcdctl.missing || etcd.missing)(etcd.title('a lab on a real etcd'), () => {
  let workspace: Workspace;
  let server: EtcdServer;

  beforeAll(async () => {
    workspace = new Workspace('on-etcd');
    server = await startEtcd(etcd.path);
  });

  afterAll(async () => {
    await workspace.clean();
    await server?.stop();
  });

  test('it converges, outlives a restart of etcd, and leaves nothing in it', async () => {
    const host = new URL(server.endpoint).host;
    await workspace.ok(['up', '-d', '--store', `etcd://${host}`]);
    expect(await storeEndpoint(workspace)).toBe(host);
    expect(await established(workspace)).toBe(14);
    await server.restart();
    const key = `${PEERS}peer-with-route-reflectors`;
    const value = await etcdctlAt(host, 'get', key, '--print-value-only');
    await etcdctlAt(host, 'del', key);
    await until('the sessions end', async () => (await established(workspace)) === 0);
    await etcdctlAt(host, 'put', key, value.trim());
    await until('the sessions are back', async () => (await established(workspace)) === 14);
    await workspace.ok(['down']);
    expect(await etcdctlAt(host, 'get', '--prefix', '/calico')).toBe('');
  });

  test('an etcd that has keys of Calico already is left alone', async () => {
    const host = new URL(server.endpoint).host;
    await etcdctlAt(host, 'put', '/calico/x', 'y');
    const { code, stderr } = await workspace.podwire(['up', '-d', '--store', `etcd://${host}`]);
    expect(code).toBe(1);
    expect(stderr).toContain(`etcd://${host} has 1 keys below /calico/ already`);
    expect(await etcdctlAt(host, 'get', '/calico/x', '--print-value-only')).toBe('y\n');
  });
});

describe.skipIf(etcdctl.missing || etcd.missing || openssl.missing)(
  etcd.title('a lab on a real etcd with TLS and users'),
  () => {
    let workspace: Workspace;
    let server: EtcdServer;
    let host: string;
    let common: string[];

    beforeAll(async () => {
      workspace = new Workspace('on-secure-etcd');
      makeCertificates(openssl.path, workspace.folder);
      const file = (name: string): string => join(workspace.folder, name);
      server = await startEtcd(etcd.path, [
        '--cert-file',
        file('server.crt'),
        '--key-file',
        file('server.key'),
      ]);
      ({ host } = new URL(server.endpoint));
      common = ['--cacert', file('ca.crt'), '--user=root:secret'];
      await etcdctlAt(server.endpoint, ...common, 'user', 'add', 'root:secret');
      await etcdctlAt(server.endpoint, ...common, 'user', 'grant-role', 'root', 'root');
      await etcdctlAt(server.endpoint, ...common, 'role', 'add', 'calico');
      const grant = ['role', 'grant-permission', 'calico', '--prefix=true', 'readwrite', '/calico/'];
      await etcdctlAt(server.endpoint, ...common, ...grant);
      await etcdctlAt(server.endpoint, ...common, 'user', 'add', 'lab:pass-word');
      await etcdctlAt(server.endpoint, ...common, 'user', 'grant-role', 'lab', 'calico');
      await etcdctlAt(server.endpoint, ...common, 'auth', 'enable');
    });

    afterAll(async () => {
      await workspace.clean();
      await server?.stop();
    });

    /** etcd is started again, and the lab goes on to follow it: its sessions go with the resource that asks for them. */
    async function outlivesRestart(): Promise<void> {
      await server.restart();
      const key = `${PEERS}peer-with-route-reflectors`;
      const value = await etcdctlAt(server.endpoint, ...common, 'get', key, '--print-value-only');
      await etcdctlAt(server.endpoint, ...common, 'del', key);
      await until('the sessions end', async () => (await established(workspace)) === 0);
      await etcdctlAt(server.endpoint, ...common, 'put', key, value.trim());
      await until('the sessions are back', async () => (await established(workspace)) === 14);
    }

    test('it converges as a user that may nothing else, and outlives a restart of etcd; the password stays secret', async () => {
      // The second address is nobody's. The file's path is relative to where the command runs.
      const store = `etcds://lab:pass-word@${host},127.0.0.1:1?ca=ca.crt`;
      const shown = [await workspace.ok(['up', '-d', '--log-level', 'trace', '--store', store])];
      expect(await storeEndpoint(workspace)).toBe(`https://${host},https://127.0.0.1:1`);
      expect(await established(workspace)).toBe(14);
      await outlivesRestart();
      shown.push(JSON.stringify(await workspace.json(['inspect'])), await workspace.ok(['logs']));
      expect(shown.join('\n')).not.toContain('pass-word');
      await workspace.ok(['down']);
      expect(await etcdctlAt(server.endpoint, ...common, 'get', '--prefix', '/calico')).toBe('');
    });

    const privileged = root();
    test.skipIf(privileged.missing)(
      privileged.title('so do agents in network namespaces, which have no way to it and learn no password'),
      async () => {
        const ca = join(workspace.folder, 'ca.crt');
        const store = `etcds://lab:pass-word@${host}?ca=${ca}`;
        await workspace.ok(['up', '-d', '--runtime', 'netns', '--pods', 'emulated', '--store', store]);
        expect(await established(workspace)).toBe(14);
        await outlivesRestart();
        const { nodes } = await workspace.json<{ readonly nodes: readonly AgentStatus[] }>(['inspect']);
        for (const { pid } of nodes) {
          expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain('pass-word');
        }
        await workspace.ok(['down']);
        expect(await etcdctlAt(server.endpoint, ...common, 'get', '--prefix', '/calico')).toBe('');
      },
    );

    test.each([
      ['lab:wrong', `user lab: authentication failed, invalid user ID or password`],
      ['nobody:x', `user nobody: authentication failed, invalid user ID or password`],
    ])('as %s it does not come up', async (user, reason) => {
      const ca = join(workspace.folder, 'ca.crt');
      const ran = await workspace.podwire(['up', '-d', '-q', '--store', `etcds://${user}@${host}?ca=${ca}`]);
      const message = `stage store failed: store etcds://${host}: ${reason}`;
      expect(ran).toMatchObject({ code: 1, stdout: '', stderr: `podwire: ${message}\n` });
    });

    test('what may not be used is said before anything starts', async () => {
      const at = `etcds://lab:pass-word@${host}`;
      const ran = await workspace.podwire(['up', '-d', '-q', '--store', `${at}?ca=/nonexistent`]);
      const message = 'cannot read the TLS CA certificate /nonexistent: no such file or directory (ENOENT)';
      expect(ran).toMatchObject({ code: 1, stderr: `podwire: stage store failed: ${message}\n` });
      const wrong = await workspace.podwire(['up', '-d', '--store', `${at}?cert=x`]);
      expect(wrong).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(
          `podwire: store etcds://${host}?cert=x: expected cert and key together\n`,
        ),
      });
    });
  },
);

async function etcdctlAt(endpoint: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, ETCDCTL_API: '3' };
  const patient = ['--dial-timeout=20s', '--command-timeout=20s'];
  return (await run(etcdctl.path, ['--endpoints', endpoint, ...patient, ...args], { env })).stdout;
}

async function storeEndpoint(workspace: Workspace): Promise<string> {
  const { lab } = await workspace.json<{ readonly lab: LabInfo; readonly nodes: readonly AgentStatus[] }>([
    'inspect',
  ]);
  return lab.storeEndpoint!;
}

/** How many ends of BGP sessions are Established. */
async function established(workspace: Workspace): Promise<number> {
  const rows = await workspace.json<readonly NeighborRow[]>(['inspect', 'bgp']);
  return rows.filter(({ state }) => state === 'Established').length;
}
