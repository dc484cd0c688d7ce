// The store of a running lab as etcdctl sees it, and a lab on a real etcd.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabInfo } from '../../agents/control/routes.ts';
import type { AgentStatus, NeighborRow } from '../../agents/control/types.ts';
import { type EtcdServer, startEtcd } from '../interop/etcd-server.ts';
import { tool } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { Workspace } from './support/workspace.ts';

const run = promisify(execFile);
const etcdctl = tool('etcdctl');
const etcd = tool('etcd');
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
    expect(stderr).toContain(`${host} has 1 keys below /calico/ already`);
    expect(await etcdctlAt(host, 'get', '/calico/x', '--print-value-only')).toBe('y\n');
  });
});

async function etcdctlAt(endpoint: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, ETCDCTL_API: '3' };
  return (await run(etcdctl.path, ['--endpoints', endpoint, ...args], { env })).stdout;
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
